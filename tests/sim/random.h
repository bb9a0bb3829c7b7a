/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H
/* All chance in a simulation comes from one seed (splitmix64). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15U;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return x ^ (x >> 31);
}

/* 0 to below - 1. */
static inline uint64_t random_below(struct random *random, uint64_t below)
{
	return random_next(random) % below;
}

static inline bool random_percent(struct random *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

/* In the shape of the cores' random functions; owner is a struct random. */
static inline void random_fill(void *owner, void *to, size_t size)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(random_next(owner) >> 56);
}

#endif
