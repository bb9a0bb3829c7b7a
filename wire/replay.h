/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_REPLAY_H
#define WIRE_REPLAY_H
/*
 * The window that accepts each counter once, in any order, as in RFC 6479: a ring of bits, of
 * which whole words are cleared as the window moves on. A counter more than REPLAY_WINDOW behind
 * the newest is too old to tell and refused.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	REPLAY_WORD = 64,
	REPLAY_WORDS = 4, /* the word that is being filled is not yet part of the window */
	REPLAY_WINDOW = (REPLAY_WORDS - 1) * REPLAY_WORD,
};

/* Starts as zeroes. */
struct replay {
	uint64_t next; /* one more than the newest counter accepted */
	uint64_t seen[REPLAY_WORDS];
};

/* Would it be accepted? Ask before the costly check of the packet. */
bool replay_fresh(const struct replay *r, uint64_t counter);
/* Accepts it (once, and only after the packet has proved genuine); false when it is not fresh. */
bool replay_accept(struct replay *r, uint64_t counter);

#endif
