// SPDX-License-Identifier: Apache-2.0
#include "cma/retry.h"

/* Seconds until it is sent again, after it was sent for the first time, the second, ... */
static const int64_t waits[RETRY_STEPS] = { 0, 1, 2, 4, 8, 16, 30 };

void retry_init(struct retries *retries)
{
	for (size_t i = 0; i < RETRY_STEPS; i++)
		TAILQ_INIT(&retries->turns[i]);
}

/* Nearly always the place is at the end. */
static void insert(struct retries *retries, struct retry *retry)
{
	struct retry_turns *turns = &retries->turns[retry->step];
	struct retry *before = TAILQ_LAST(turns, retry_turns);

	while (before && instant_before(retry->at, before->at))
		before = TAILQ_PREV(before, retry_turns, turn);
	if (before)
		TAILQ_INSERT_AFTER(turns, before, retry, turn);
	else
		TAILQ_INSERT_HEAD(turns, retry, turn);
}

void retry_add(struct retries *retries, struct retry *retry, struct instant at)
{
	retry->step = 0;
	retry->at = at;
	insert(retries, retry);
}

void retry_remove(struct retries *retries, struct retry *retry)
{
	TAILQ_REMOVE(&retries->turns[retry->step], retry, turn);
}

void retry_move(struct retries *retries, struct retry *retry, size_t step, struct instant at)
{
	retry_remove(retries, retry);
	retry->step = step;
	retry->at = at;
	insert(retries, retry);
}

size_t retry_next_step(const struct retry *retry)
{
	return retry->step + 1 < RETRY_STEPS ? retry->step + 1 : RETRY_STEPS - 1;
}

struct instant retry_due(struct instant now, size_t step)
{
	return instant_add(now, waits[step] * NS_PER_SEC);
}

struct retry *retry_first(const struct retries *retries)
{
	struct retry *first = NULL;

	for (size_t i = 0; i < RETRY_STEPS; i++) {
		struct retry *head = TAILQ_FIRST(&retries->turns[i]);

		if (head && (!first || instant_before(head->at, first->at)))
			first = head;
	}
	return first;
}
