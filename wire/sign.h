/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SIGN_H
#define WIRE_SIGN_H
/*
 * Ed25519 signatures (RFC 8032, by libsodium: keys of small order and signatures that could be
 * written in two ways are refused). A label says what for, so that what was signed for one use is
 * worth nothing for another.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { SIGN_KEY = 32, SIGN_SEED = 32, SIGN_SIZE = 64 };

/* The secret is the seed: wipe it (seal_wipe). */
struct sign_pair {
	uint8_t seed[SIGN_SEED];
	uint8_t public[SIGN_KEY];
};

/* The pair of a seed: from seal_random, or a fixed one in tests. */
void sign_from_seed(struct sign_pair *pair, const uint8_t seed[SIGN_SEED]);
void sign_make(const struct sign_pair *pair, const char *label, struct span data,
	uint8_t signature[SIGN_SIZE]);
bool sign_is_good(const uint8_t public[SIGN_KEY], const char *label, struct span data,
	const uint8_t signature[SIGN_SIZE]);

#endif
