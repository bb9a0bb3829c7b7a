/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_PENDING_H
#define CMA_PENDING_H
/*
 * Agents that called without a token and wait for a person to approve them: in memory only, and
 * bounded, also for each source, so that nobody can push out the others. Who is not heard any more
 * is forgotten. Pure: time is an argument (wall ms).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "wire/seal.h"

enum {
	PENDING_MAX = 4096,
	PENDING_SOURCE_MAX = 64,	  /* of one IPv4 address, or one IPv6 /64 */
	PENDING_LIFE_MS = 15 * 60 * 1000, /* those who wait longest call every 5 minutes */
};

struct pending_agent {
	uint8_t key[SEAL_KEY];
	uint8_t psk[SEAL_KEY]; /* what it will be known by once it is approved */
	struct addr address;   /* from where it called last */
	int64_t first_ms, last_ms;
};

struct pending;

struct pending *pending_new(void);
void pending_free(struct pending *pending); /* NULL is fine */

/* The key called, with that keys_asking_secret. False when there is no room for it: it calls again.
 */
bool pending_note(struct pending *pending, int64_t now_ms, const uint8_t key[SEAL_KEY],
	const uint8_t secret[SEAL_KEY], const struct addr *from);
/* It waits, and called from that address last. */
bool pending_knows(
	const struct pending *pending, const uint8_t key[SEAL_KEY], const struct addr *from);
/* Nothing when it is not there. */
void pending_remove(struct pending *pending, const uint8_t key[SEAL_KEY]);
/* Who waits, in no order; valid until the next call. */
const struct pending_agent *pending_list(struct pending *pending, int64_t now_ms, size_t *count);

#endif
