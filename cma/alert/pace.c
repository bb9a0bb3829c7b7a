// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/pace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <uthash.h>

#include "base/alloc.h"

/* A cause that was told of a moment ago, or has something to be told. */
struct cause {
	TAILQ_ENTRY(cause) entry; /* while alert is set, in the order of first */
	UT_hash_handle hh;
	int64_t first; /* event that is not told */
	int64_t incident;
	int64_t held;  /* events beside the one that is told */
	json_t *alert; /* the latest; NULL: nothing waits */
	bool taken;    /* by pace_next */
	struct instant due;
	char name[];
};

struct pace {
	struct cause *causes;
	TAILQ_HEAD(causes, cause) waiting;
	size_t count;	       /* of those that wait */
	bool together;	       /* what pace_next gave out last was more than its share */
	int64_t seen;	       /* event */
	struct instant full;   /* when all of PACE_BURST are there again */
	struct instant summed; /* when the next summary may be made */
	struct instant retry;
	int64_t retry_ms; /* 0: the last one was taken */
};

struct pace *pace_new(int64_t event)
{
	struct pace *pace = mem_alloc(1, sizeof(*pace));

	pace->seen = event;
	TAILQ_INIT(&pace->waiting);
	return pace;
}

static void forget(struct pace *pace, struct cause *cause)
{
	HASH_DEL(pace->causes, cause);
	json_decref(cause->alert);
	free(cause);
}

void pace_free(struct pace *pace)
{
	struct cause *cause, *next;

	if (!pace)
		return;
	HASH_ITER (hh, pace->causes, cause, next)
		forget(pace, cause);
	free(pace);
}

/* Nothing of it waits any more. */
static void settle(struct pace *pace, struct cause *cause)
{
	TAILQ_REMOVE(&pace->waiting, cause, entry);
	pace->count--;
	json_decref(cause->alert);
	cause->alert = NULL;
	cause->held = 0;
	cause->taken = false;
}

/* Behind those that are older; what waits again may be older than the last. */
static void insert(struct pace *pace, struct cause *cause)
{
	struct cause *before = TAILQ_LAST(&pace->waiting, causes);

	while (before && before->first > cause->first)
		before = TAILQ_PREV(before, causes, entry);
	if (before)
		TAILQ_INSERT_AFTER(&pace->waiting, before, cause, entry);
	else
		TAILQ_INSERT_HEAD(&pace->waiting, cause, entry);
	pace->count++;
}

static struct cause *find_or_add(struct pace *pace, const char *name)
{
	size_t size = strlen(name);
	struct cause *cause;

	HASH_FIND(hh, pace->causes, name, size, cause);
	if (cause)
		return cause;
	cause = mem_alloc(1, sizeof(*cause) + size + 1);
	memcpy(cause->name, name, size);
	HASH_ADD_KEYPTR(hh, pace->causes, cause->name, size, cause);
	return cause;
}

/* The incident has another cause now: what waits about it is out of date. */
static void take_over(struct pace *pace, struct cause *to, int64_t incident)
{
	struct cause *other;

	TAILQ_FOREACH (other, &pace->waiting, entry) {
		if (other == to || other->incident != incident)
			continue;
		if (other->first < to->first)
			to->first = other->first;
		to->held += other->held + 1;
		settle(pace, other);
		return;
	}
}

void pace_offer(struct pace *pace, int64_t event, int64_t incident, const char *name, json_t *alert)
{
	struct cause *cause = find_or_add(pace, name);
	bool waits = cause->alert != NULL;

	pace->seen = event;
	cause->incident = incident;
	json_decref(cause->alert);
	cause->alert = json_incref(alert);
	if (waits) {
		cause->held++;
		return;
	}
	cause->first = event;
	take_over(pace, cause, incident);
	insert(pace, cause);
}

void pace_skip(struct pace *pace, int64_t event)
{
	pace->seen = event;
}

bool pace_is_full(const struct pace *pace)
{
	return pace->count >= PACE_FULL;
}

static struct instant after(struct instant now, int64_t ms)
{
	return instant_add(now, ms * NS_PER_MS);
}

/* There is room for one more alert of its own. */
static struct instant next_single(const struct pace *pace)
{
	return instant_add(pace->full, -(int64_t)(PACE_BURST - 1) * PACE_RATE_MS * NS_PER_MS);
}

static json_t *take(struct cause *cause)
{
	json_t *alert = json_copy(cause->alert);

	cause->taken = true;
	json_object_set_new(alert, "held", json_integer(cause->held));
	return alert;
}

json_t *pace_next(struct pace *pace, struct instant now)
{
	bool single = !instant_before(now, next_single(pace));
	json_t *alerts;
	struct cause *cause;

	if (instant_before(now, pace->retry) || (!single && instant_before(now, pace->summed)))
		return NULL;
	pace->together = !single;
	alerts = json_array();
	TAILQ_FOREACH (cause, &pace->waiting, entry) {
		if (instant_before(now, cause->due))
			continue;
		json_array_append_new(alerts, take(cause));
		if (json_array_size(alerts) == (single ? 1 : PACE_TOGETHER))
			break;
	}
	if (json_array_size(alerts))
		return alerts;
	json_decref(alerts);
	return NULL;
}

static void failed(struct pace *pace, struct instant now)
{
	struct cause *cause;

	TAILQ_FOREACH (cause, &pace->waiting, entry)
		cause->taken = false;
	pace->retry_ms = pace->retry_ms ? 2 * pace->retry_ms : PACE_RETRY_FIRST_MS;
	if (pace->retry_ms > PACE_RETRY_LAST_MS)
		pace->retry_ms = PACE_RETRY_LAST_MS;
	pace->retry = after(now, pace->retry_ms);
}

/* Causes that could be told of again at once need not be known. */
static void sweep(struct pace *pace, struct instant now)
{
	struct cause *cause, *next;

	HASH_ITER (hh, pace->causes, cause, next) {
		if (!cause->alert && !instant_before(now, cause->due))
			forget(pace, cause);
	}
}

void pace_done(struct pace *pace, struct instant now, bool taken)
{
	struct cause *cause, *next;

	if (!taken) {
		failed(pace, now);
		return;
	}
	for (cause = TAILQ_FIRST(&pace->waiting); cause; cause = next) {
		next = TAILQ_NEXT(cause, entry);
		if (!cause->taken)
			continue;
		settle(pace, cause);
		cause->due = after(now, PACE_CAUSE_MS);
	}
	pace->retry_ms = 0;
	if (instant_before(pace->full, now))
		pace->full = now;
	if (pace->together)
		pace->summed = after(now, PACE_SUMMARY_MS);
	else
		pace->full = after(pace->full, PACE_RATE_MS);
	sweep(pace, now);
}

struct instant pace_deadline(const struct pace *pace)
{
	struct instant open = instant_first(next_single(pace), pace->summed), due = INSTANT_NEVER;
	const struct cause *cause;

	TAILQ_FOREACH (cause, &pace->waiting, entry)
		due = instant_first(due, cause->due);
	if (instant_before(open, pace->retry))
		open = pace->retry;
	return instant_before(due, open) ? open : due;
}

int64_t pace_told(const struct pace *pace)
{
	const struct cause *first = TAILQ_FIRST(&pace->waiting);

	return first ? first->first - 1 : pace->seen;
}

size_t pace_waiting(const struct pace *pace)
{
	return pace->count;
}
