/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H
/* "did you mean ...": which known word a mistyped one is closest to. */
#include <stddef.h>

/*
 * The best of the candidates seen so far. Start with { .word = what was typed }, offer every known
 * word, then read best: NULL when none is close enough to be what was meant. Borrows the words.
 */
struct suggest {
	const char *word;
	const char *best;
	size_t distance;
};

void suggest_offer(struct suggest *suggest, const char *candidate);

#endif
