// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/schedule.h"

#include <stdlib.h>

#include "base/alloc.h"

void schedule_init(struct schedule *schedule, size_t slots)
{
	schedule->leaves = 1;
	while (schedule->leaves < slots)
		schedule->leaves *= 2;
	schedule->first = mem_alloc(2 * schedule->leaves, sizeof(*schedule->first));
	for (size_t i = 0; i < 2 * schedule->leaves; i++)
		schedule->first[i] = INSTANT_NEVER;
}

void schedule_deinit(struct schedule *schedule)
{
	free(schedule->first);
}

void schedule_set(struct schedule *schedule, size_t slot, struct instant at)
{
	struct instant *first = schedule->first;
	size_t i = schedule->leaves + slot;

	for (first[i] = at; i > 1; i /= 2)
		first[i / 2] = instant_first(first[i], first[i ^ 1]);
}

struct instant schedule_at(const struct schedule *schedule, size_t slot)
{
	return schedule->first[schedule->leaves + slot];
}

struct instant schedule_deadline(const struct schedule *schedule)
{
	return schedule->first[1];
}

size_t schedule_slot(const struct schedule *schedule)
{
	size_t i = 1;

	while (i < schedule->leaves) {
		i *= 2;
		i += instant_before(schedule->first[i + 1], schedule->first[i]);
	}
	return i - schedule->leaves;
}
