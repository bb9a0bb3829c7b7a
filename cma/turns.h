/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_TURNS_H
#define CMA_TURNS_H
/*
 * "Take a number": when a caller that cannot be served now is to come back, so that as many come in
 * each TURNS_TICK_MS as can be served in it. Who was given a turn is not remembered, only how many
 * were for each tick.
 *
 * Turns given to senders that made up their address are never taken. So as many more are given for
 * a tick as callers stay away: it is overbooked by the share of them that came of late. In a storm
 * of real agents everybody comes, and each waits his turn; in a flood of made-up ones nobody does,
 * and the few real ones are told to come soon.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

enum {
	TURNS_TICK_MS = 100,
	TURNS_TICKS = 600,	 /* nobody is sent away for longer than that */
	TURNS_RATE_FIRST = 4000, /* a second, until measured */
	TURNS_RATE_MIN = 500,
	TURNS_RATE_MAX = 50000,
	TURNS_SHARE_ONE = 256, /* all of them come */
};

/* Starts as zeroes. */
struct turns {
	struct instant tick; /* when the present one began */
	unsigned int first;  /* its place in given */
	unsigned int cursor; /* ticks from it: all before that are fully booked */
	unsigned int given[TURNS_TICKS];
	unsigned int rate;   /* served in a tick that has no idle moment */
	unsigned int share;  /* of those told to come that did, of TURNS_SHARE_ONE */
	unsigned int served; /* in this tick, */
	bool idle;	     /* which had a moment when nobody waited */
	unsigned int came;
	uint64_t due_sum, came_sum; /* of late */
};

/* Call it before the others. */
void turns_advance(struct turns *turns, struct instant now);
/*
 * A turn: milliseconds from now. waiting: how many are to be served before; callers: how many there
 * are in all. Nobody waits longer than for all of them.
 */
uint32_t turns_give(struct turns *turns, unsigned int waiting, uint64_t callers);
/* Somebody came back. */
void turns_came(struct turns *turns);
/* One was served; none waits. */
void turns_served(struct turns *turns);
void turns_idle(struct turns *turns);

#endif
