// SPDX-License-Identifier: Apache-2.0
#include "wire/replay.h"

static uint64_t *word_of(struct replay *r, uint64_t counter)
{
	return &r->seen[counter / REPLAY_WORD % REPLAY_WORDS];
}

static uint64_t bit_of(uint64_t counter)
{
	return (uint64_t)1 << (counter % REPLAY_WORD);
}

bool replay_fresh(const struct replay *r, uint64_t counter)
{
	if (counter == UINT64_MAX)
		return false; /* next could not be one more */
	if (counter >= r->next)
		return true;
	return r->next - counter <= REPLAY_WINDOW &&
		!(r->seen[counter / REPLAY_WORD % REPLAY_WORDS] & bit_of(counter));
}

/* Clears the words between the newest so far and counter. */
static void replay_advance(struct replay *r, uint64_t counter)
{
	uint64_t newest = r->next ? (r->next - 1) / REPLAY_WORD : 0;
	uint64_t words = counter / REPLAY_WORD - newest;

	if (words > REPLAY_WORDS)
		words = REPLAY_WORDS;
	for (uint64_t i = 1; i <= words; i++)
		r->seen[(newest + i) % REPLAY_WORDS] = 0;
	r->next = counter + 1;
}

bool replay_accept(struct replay *r, uint64_t counter)
{
	if (!replay_fresh(r, counter))
		return false;
	if (counter >= r->next)
		replay_advance(r, counter);
	*word_of(r, counter) |= bit_of(counter);
	return true;
}
