/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_LIMIT_H
#define CMA_LIMIT_H
/*
 * How often each address may do something: LIMIT_PER_S a second, LIMIT_BURST at once. An IPv6 /64
 * counts as one address. The memory is fixed: addresses share LIMIT_SLOTS places by a keyed hash,
 * so nobody can choose whom he shares with, and a new key now and then parts them again.
 */
#include "base/addr.h"
#include "base/instant.h"
#include "wire/seal.h"

enum { LIMIT_SLOTS = 1 << 14, LIMIT_PER_S = 20, LIMIT_BURST = 5 };

/* Starts as zeroes. */
struct limit {
	struct instant due[LIMIT_SLOTS]; /* when all that was done would have been done evenly */
};

/* Counts once for the address; false when that was over its limit (and does not count). */
bool limit_take(struct limit *limit, const uint8_t key[SEAL_KEY], struct instant now,
	const struct addr *from);

#endif
