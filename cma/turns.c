// SPDX-License-Identifier: Apache-2.0
#include "cma/turns.h"

#include <string.h>

#define TICK (TURNS_TICK_MS * NS_PER_MS)

enum { TICKS_PER_S = 1000 / TURNS_TICK_MS };

static unsigned int clamp(uint64_t value, unsigned int least, unsigned int most)
{
	return value < least ? least : value > most ? most : (unsigned int)value;
}

static void measure_rate(struct turns *turns, int64_t elapsed)
{
	uint64_t rate = (uint64_t)turns->served * (uint64_t)TICK / (uint64_t)elapsed;

	if (!turns->idle)
		turns->rate = clamp((3 * (uint64_t)turns->rate + rate) / 4,
			TURNS_RATE_MIN / TICKS_PER_S, TURNS_RATE_MAX / TICKS_PER_S);
	turns->served = 0;
	turns->idle = false;
}

/* Over some sixteen ticks, beside eight in which all came: a late start is no flood. */
static void measure_share(struct turns *turns)
{
	uint64_t prior = 8 * (uint64_t)turns->rate;

	turns->due_sum = turns->due_sum * 15 / 16 + turns->given[turns->first];
	turns->came_sum = turns->came_sum * 15 / 16 + turns->came;
	turns->share = clamp((turns->came_sum + prior) * TURNS_SHARE_ONE / (turns->due_sum + prior),
		1, TURNS_SHARE_ONE);
	turns->came = 0;
}

static void start(struct turns *turns, struct instant now)
{
	*turns = (struct turns){
		.tick = now, .rate = TURNS_RATE_FIRST / TICKS_PER_S, .share = TURNS_SHARE_ONE
	};
}

void turns_advance(struct turns *turns, struct instant now)
{
	int64_t elapsed = instant_sub(now, turns->tick);

	if (!turns->rate || elapsed >= TURNS_TICKS * TICK) {
		start(turns, now);
		return;
	}
	if (elapsed >= TICK)
		measure_rate(turns, elapsed);
	for (; elapsed >= TICK; elapsed -= TICK) {
		measure_share(turns);
		turns->given[turns->first] = 0;
		turns->first = (turns->first + 1) % TURNS_TICKS;
		turns->cursor = 0;
		turns->tick = instant_add(turns->tick, TICK);
	}
}

static unsigned int *given_at(struct turns *turns, unsigned int tick)
{
	return &turns->given[(turns->first + tick) % TURNS_TICKS];
}

uint32_t turns_give(struct turns *turns, unsigned int waiting, uint64_t callers)
{
	unsigned int room = turns->rate * TURNS_SHARE_ONE / turns->share;
	unsigned int first = waiting / turns->rate + 1;
	unsigned int last = clamp(first + callers / turns->rate, 1, TURNS_TICKS - 1);
	unsigned int *given, before;

	if (turns->cursor < first)
		turns->cursor = first;
	while (turns->cursor < last && *given_at(turns, turns->cursor) >= room)
		turns->cursor++;
	if (turns->cursor > last)
		turns->cursor = last;
	given = given_at(turns, turns->cursor);
	before = (*given)++;
	return turns->cursor * TURNS_TICK_MS +
		(uint32_t)((uint64_t)(before % room) * TURNS_TICK_MS / room);
}

void turns_came(struct turns *turns)
{
	turns->came++;
}

void turns_served(struct turns *turns)
{
	turns->served++;
}

void turns_idle(struct turns *turns)
{
	turns->idle = true;
}
