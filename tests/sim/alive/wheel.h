/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_WHEEL_H
#define TESTS_SIM_ALIVE_WHEEL_H
/*
 * What will happen when, for millions of things: a hashed timing wheel. Time goes in ticks; what is
 * due within one tick happens in the order in which it was added, at the end of that tick.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"

enum { WHEEL_SLOTS = 1 << 14, WHEEL_TICK_NS = 250000 };

/* No clock is at 0 when a program starts. */
#define WHEEL_START ((struct instant){ NS_PER_SEC })

struct wheel_event {
	int64_t tick;
	uint32_t next; /* of the slot, or of those that are free; 0: none */
	uint32_t kind; /* these three mean something to who adds */
	uint32_t target;
	uint32_t data;
};

struct wheel {
	int64_t tick; /* now */
	struct wheel_event *events;
	uint32_t capacity, free;
	uint64_t done; /* events that happened */
	uint32_t from; /* in the slot of now: before the first of these; 0: the slot's first */
	uint32_t first[WHEEL_SLOTS], last[WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel);
void wheel_deinit(struct wheel *wheel);
struct instant wheel_now(const struct wheel *wheel);
/* Not before the next tick. */
void wheel_add(
	struct wheel *wheel, struct instant at, uint32_t kind, uint32_t target, uint32_t data);
/* The next event until then; false: there is none, and it is then. */
bool wheel_next(struct wheel *wheel, struct instant until, struct wheel_event *event);
/* The tick of an instant: the first that is not before it. */
int64_t wheel_tick(struct instant at);

#endif
