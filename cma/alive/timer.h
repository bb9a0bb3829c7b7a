/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_TIMER_H
#define CMA_ALIVE_TIMER_H
/*
 * Timers that are members of what they are for: a binary heap of pointers to those that run. Who
 * does not wait for anything costs nothing here.
 */
#include <stddef.h>

#include "base/instant.h"

struct alive;
struct timer;

/* Starts as zeroes: not running. */
struct timer {
	struct instant at;
	void (*action)(struct alive *alive, struct instant now, struct timer *timer);
	size_t place; /* in the heap, from 1; 0: it does not run */
};

struct timers {
	struct timer **heap; /* from 1 */
	size_t count, room;
};

/* The object of a type whose member is this timer. */
#define timer_object(timer, type, member) ((type *)(void *)((char *)(timer)-offsetof(type, member)))

/* The timers are their owner's. */
void timers_deinit(struct timers *timers);
/* Whether it runs or not: action is called at that time. */
void timer_set(struct timers *timers, struct timer *timer, struct instant at,
	void (*action)(struct alive *alive, struct instant now, struct timer *timer));
void timer_stop(struct timers *timers, struct timer *timer);
bool timer_runs(const struct timer *timer);
/* The first one that is due, which is stopped by this; NULL. */
struct timer *timers_take(struct timers *timers, struct instant now);
struct instant timers_first(const struct timers *timers);

#endif
