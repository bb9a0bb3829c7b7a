// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.h"

#include <string.h>

enum { SUGGEST_WORD_MAX = 48 };

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein distance, one row at a time; both words are at most SUGGEST_WORD_MAX long. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t row[SUGGEST_WORD_MAX + 1];

	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t above = row[j];

			row[j] = smallest(
				above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_size];
}

void suggest_offer(struct suggest *suggest, const char *candidate)
{
	size_t word_size = strlen(suggest->word), candidate_size = strlen(candidate), distance;

	if (word_size > SUGGEST_WORD_MAX || candidate_size > SUGGEST_WORD_MAX)
		return;
	distance = edit_distance(suggest->word, word_size, candidate, candidate_size);
	/* Two slips, or a third of the word: more is another word. */
	if (distance > 2 && distance > word_size / 3)
		return;
	if (distance >= candidate_size || (suggest->best && distance >= suggest->distance))
		return;
	suggest->best = candidate;
	suggest->distance = distance;
}
