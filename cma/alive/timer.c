// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/timer.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { ROOM_FIRST = 64 };

void timers_deinit(struct timers *timers)
{
	free(timers->heap);
	*timers = (struct timers){ .heap = NULL };
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
	timers->heap[place] = timer;
	timer->place = place;
}

/* Moves it from this place, which is free, to where it belongs. */
static void rise(struct timers *timers, size_t place, struct timer *timer)
{
	while (place > 1 && instant_before(timer->at, timers->heap[place / 2]->at)) {
		put(timers, place, timers->heap[place / 2]);
		place /= 2;
	}
	put(timers, place, timer);
}

static void sink(struct timers *timers, size_t place, struct timer *timer)
{
	size_t below;

	while ((below = 2 * place) <= timers->count) {
		if (below < timers->count &&
			instant_before(timers->heap[below + 1]->at, timers->heap[below]->at))
			below++;
		if (!instant_before(timers->heap[below]->at, timer->at))
			break;
		put(timers, place, timers->heap[below]);
		place = below;
	}
	rise(timers, place, timer);
}

void timer_set(struct timers *timers, struct timer *timer, struct instant at,
	void (*action)(struct alive *alive, struct instant now, struct timer *timer))
{
	timer->at = at;
	timer->action = action;
	if (timer->place) {
		sink(timers, timer->place, timer);
		return;
	}
	if (timers->count + 1 >= timers->room) {
		timers->room = timers->room ? 2 * timers->room : ROOM_FIRST;
		timers->heap = mem_resize(timers->heap, timers->room, sizeof(*timers->heap));
	}
	rise(timers, ++timers->count, timer);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last;

	if (!place)
		return;
	last = timers->heap[timers->count--];
	if (last != timer)
		sink(timers, place, last);
	timer->place = 0;
}

bool timer_runs(const struct timer *timer)
{
	return timer->place;
}

struct timer *timers_take(struct timers *timers, struct instant now)
{
	struct timer *first;

	if (!timers->count || instant_before(now, timers->heap[1]->at))
		return NULL;
	first = timers->heap[1];
	timer_stop(timers, first);
	return first;
}

struct instant timers_first(const struct timers *timers)
{
	return timers->count ? timers->heap[1]->at : INSTANT_NEVER;
}
