// SPDX-License-Identifier: Apache-2.0
#include "cma/limit.h"

#define INTERVAL (NS_PER_SEC / LIMIT_PER_S)

static struct instant *slot_of(
	struct limit *limit, const uint8_t key[SEAL_KEY], const struct addr *from)
{
	size_t network = addr_is_v4(from->ip) ? sizeof(from->ip) : sizeof(from->ip) / 2;
	uint8_t hash[SEAL_MAC];
	struct reader r = reader_of(SPAN(hash, sizeof(hash)));

	seal_mac(key, SPAN(from->ip, network), hash);
	return &limit->due[get_u64(&r) % LIMIT_SLOTS];
}

/* The generic cell rate algorithm (ITU-T I.371): one time for each address is all its state. */
bool limit_take(struct limit *limit, const uint8_t key[SEAL_KEY], struct instant now,
	const struct addr *from)
{
	struct instant *due = slot_of(limit, key, from);

	if (instant_sub(*due, now) > (LIMIT_BURST - 1) * INTERVAL)
		return false;
	*due = instant_add(instant_before(*due, now) ? now : *due, INTERVAL);
	return true;
}
