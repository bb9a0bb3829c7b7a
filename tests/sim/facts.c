// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/facts.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/random.h"

static const enum section sections[FACTS_SECTIONS] = { SECTION_LISTEN, SECTION_INBOUND,
	SECTION_SCRIPT, SECTION_CONFIG };

enum section facts_section(size_t i)
{
	return sections[i % FACTS_SECTIONS];
}

struct span facts_key(size_t i, char memory[FACTS_KEY_SIZE])
{
	size_t n = i / FACTS_SECTIONS;

	memcpy(memory, "fact", 4);
	memory[4] = (char)('0' + n / 100 % 10);
	memory[5] = (char)('0' + n / 10 % 10);
	memory[6] = (char)('0' + n % 10);
	return SPAN(memory, 7);
}

bool facts_find(enum section section, struct span key, size_t *i)
{
	char memory[FACTS_KEY_SIZE];

	if (key.size != 7)
		return false;
	*i = 0;
	for (size_t at = 4; at < 7; at++)
		*i = *i * 10 + (size_t)(key.data[at] - '0');
	*i *= FACTS_SECTIONS;
	for (size_t n = 0; n < FACTS_SECTIONS; n++, ++*i) {
		if (*i < FACTS_MAX && sections[n] == section)
			return span_equal(facts_key(*i, memory), key);
	}
	return false;
}

static size_t put_frame(size_t i, uint64_t seed, char *memory)
{
	return (size_t)sprintf(memory,
		"{\"addr\":\"10.9.%zu.%u\",\"port\":%zu,\"process\":[\"p%u\"],\"proto\":\"tcp\","
		"\"text\":\"",
		i % 3, (unsigned)(seed >> 8 & 3), 1000 + i, (unsigned)(seed >> 16 & 7));
}

static size_t put_bare_frame(char *memory)
{
	memcpy(memory, "{\"text\":\"", 9);
	return 9;
}

struct span facts_value(size_t i, uint64_t seed, size_t max, char *memory)
{
	struct random random = { seed };
	size_t size = 1 + random_below(&random, max);
	size_t used = max < FACTS_BARE ? put_bare_frame(memory) : put_frame(i, seed, memory);

	for (size_t at = 0; at < size;) {
		for (uint64_t r = random_next(&random), n = 0; n < 16 && at < size; n++, r >>= 4)
			memory[used + at++] = (char)('a' + (r & 15));
	}
	memcpy(memory + used + size, "\"}", 2);
	return SPAN(memory, used + size + 2);
}
