/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_SCHEDULE_H
#define TESTS_SIM_SCHEDULE_H
/* One deadline for each of a fixed number of slots, and which is the first: a tournament. */
#include <stddef.h>

#include "base/instant.h"

struct schedule {
	struct instant *first; /* [1] of all, [n] of [2n] and [2n + 1]; the slots are the leaves */
	size_t leaves;	       /* a power of two */
};

/* All slots begin with INSTANT_NEVER. */
void schedule_init(struct schedule *schedule, size_t slots);
void schedule_deinit(struct schedule *schedule);
void schedule_set(struct schedule *schedule, size_t slot, struct instant at);
struct instant schedule_at(const struct schedule *schedule, size_t slot);
struct instant schedule_deadline(const struct schedule *schedule);
/* The slot that has it; the lowest, if several have. */
size_t schedule_slot(const struct schedule *schedule);

#endif
