// SPDX-License-Identifier: Apache-2.0
#include "cma/pending.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/keys.h"

/* A call costs 200 us of cryptography; to look through all of these takes a tenth of that. */
struct pending {
	size_t count, room;
	struct pending_agent *agents;
};

struct pending *pending_new(void)
{
	return mem_alloc(1, sizeof(struct pending));
}

void pending_free(struct pending *pending)
{
	if (!pending)
		return;
	if (pending->agents)
		seal_wipe(pending->agents, pending->count * sizeof(*pending->agents));
	free(pending->agents);
	free(pending);
}

static void forget_silent(struct pending *pending, int64_t now_ms)
{
	for (size_t i = pending->count; i-- > 0;) {
		if (now_ms - pending->agents[i].last_ms > PENDING_LIFE_MS)
			pending->agents[i] = pending->agents[--pending->count];
	}
}

static struct pending_agent *find(const struct pending *pending, const uint8_t key[SEAL_KEY])
{
	for (size_t i = 0; i < pending->count; i++) {
		if (!memcmp(pending->agents[i].key, key, SEAL_KEY))
			return &pending->agents[i];
	}
	return NULL;
}

/* Whoever has an IPv6 address has 2^64 of them. */
static bool same_source(const struct addr *a, const struct addr *b)
{
	return !memcmp(a->ip, b->ip, addr_is_v4(a->ip) ? sizeof(a->ip) : sizeof(a->ip) / 2);
}

static bool has_room(const struct pending *pending, const struct addr *from)
{
	size_t same = 0;

	for (size_t i = 0; i < pending->count; i++)
		same += same_source(&pending->agents[i].address, from);
	return same < PENDING_SOURCE_MAX && pending->count < PENDING_MAX;
}

bool pending_note(struct pending *pending, int64_t now_ms, const uint8_t key[SEAL_KEY],
	const uint8_t secret[SEAL_KEY], const struct addr *from)
{
	struct pending_agent *agent = find(pending, key);

	if (!agent) {
		forget_silent(pending, now_ms);
		if (!has_room(pending, from))
			return false;
		if (pending->count == pending->room) {
			pending->room = pending->room ? 2 * pending->room : 16;
			pending->agents = mem_resize(
				pending->agents, pending->room, sizeof(*pending->agents));
		}
		agent = &pending->agents[pending->count++];
		memcpy(agent->key, key, SEAL_KEY);
		agent->first_ms = now_ms;
	}
	keys_agent_psk(secret, key, agent->psk);
	agent->address = *from;
	agent->last_ms = now_ms;
	return true;
}

bool pending_knows(
	const struct pending *pending, const uint8_t key[SEAL_KEY], const struct addr *from)
{
	const struct pending_agent *agent = find(pending, key);

	return agent && agent->address.port == from->port && same_source(&agent->address, from);
}

void pending_remove(struct pending *pending, const uint8_t key[SEAL_KEY])
{
	struct pending_agent *agent = find(pending, key);

	if (agent)
		*agent = pending->agents[--pending->count];
}

const struct pending_agent *pending_list(struct pending *pending, int64_t now_ms, size_t *count)
{
	forget_silent(pending, now_ms);
	*count = pending->count;
	return pending->agents;
}
