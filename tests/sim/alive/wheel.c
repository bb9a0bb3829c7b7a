// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/wheel.h"

#include "base/alloc.h"

void wheel_init(struct wheel *wheel)
{
	*wheel = (struct wheel){ .tick = wheel_tick(WHEEL_START) };
}

void wheel_deinit(struct wheel *wheel)
{
	free(wheel->events);
}

int64_t wheel_tick(struct instant at)
{
	return at.ns / WHEEL_TICK_NS + (at.ns % WHEEL_TICK_NS != 0);
}

struct instant wheel_now(const struct wheel *wheel)
{
	return (struct instant){ wheel->tick * WHEEL_TICK_NS };
}

/* Event 0 is not used: it is "none". */
static uint32_t take_free(struct wheel *wheel)
{
	uint32_t i = wheel->free;

	if (!i) {
		uint32_t from = wheel->capacity ? wheel->capacity : 1;

		wheel->capacity = 2 * from + 1024;
		wheel->events = mem_resize(wheel->events, wheel->capacity, sizeof(*wheel->events));
		for (i = from; i < wheel->capacity; i++)
			wheel->events[i].next = i + 1 < wheel->capacity ? i + 1 : 0;
		i = from;
	}
	wheel->free = wheel->events[i].next;
	return i;
}

void wheel_add(
	struct wheel *wheel, struct instant at, uint32_t kind, uint32_t target, uint32_t data)
{
	int64_t tick = wheel_tick(at);
	uint32_t i = take_free(wheel);
	size_t slot;

	if (tick <= wheel->tick)
		tick = wheel->tick + 1;
	slot = (size_t)tick % WHEEL_SLOTS;
	wheel->events[i] = (struct wheel_event){ tick, 0, kind, target, data };
	if (wheel->first[slot])
		wheel->events[wheel->last[slot]].next = i;
	else
		wheel->first[slot] = i;
	wheel->last[slot] = i;
}

/* Takes the first event of this tick out of its slot; others there are of later turns. */
static bool take_due(struct wheel *wheel, size_t slot, struct wheel_event *event)
{
	uint32_t before = wheel->from;
	uint32_t i = before ? wheel->events[before].next : wheel->first[slot];

	for (; i; before = i, i = wheel->events[i].next) {
		if (wheel->events[i].tick == wheel->tick)
			break;
	}
	wheel->from = before;
	if (!i)
		return false;
	*event = wheel->events[i];
	if (before)
		wheel->events[before].next = event->next;
	else
		wheel->first[slot] = event->next;
	if (wheel->last[slot] == i)
		wheel->last[slot] = before;
	wheel->events[i].next = wheel->free;
	wheel->free = i;
	wheel->done++;
	return true;
}

bool wheel_next(struct wheel *wheel, struct instant until, struct wheel_event *event)
{
	int64_t end = until.ns / WHEEL_TICK_NS;

	for (;;) {
		size_t slot = (size_t)wheel->tick % WHEEL_SLOTS;

		if (wheel->first[slot] && take_due(wheel, slot, event))
			return true;
		if (wheel->tick >= end)
			return false;
		wheel->tick++;
		wheel->from = 0;
	}
}
