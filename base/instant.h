/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H
/*
 * A point on a monotonic clock, in nanoseconds from an arbitrary start. Pure code is given one as
 * an argument; only the event loops ask the clock. Wall-clock time is never a struct instant: it
 * is int64_t milliseconds since 1970 and its names end in _ms.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct instant {
	int64_t ns;
};

#define NS_PER_SEC ((int64_t)1000000000)
#define NS_PER_MS  ((int64_t)1000000)
#define NS_PER_US  ((int64_t)1000)

/* No deadline: later than everything. */
#define INSTANT_NEVER ((struct instant){ INT64_MAX })

static inline struct instant instant_add(struct instant at, int64_t ns)
{
	struct instant sum;

	if (__builtin_add_overflow(at.ns, ns, &sum.ns))
		sum = INSTANT_NEVER;
	return sum;
}

/* Nanoseconds from b to a. */
static inline int64_t instant_sub(struct instant a, struct instant b)
{
	return a.ns - b.ns;
}

static inline bool instant_before(struct instant a, struct instant b)
{
	return a.ns < b.ns;
}

static inline struct instant instant_first(struct instant a, struct instant b)
{
	return a.ns < b.ns ? a : b;
}

/* For event loops only. */
static inline struct instant instant_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct instant){ (int64_t)now.tv_sec * NS_PER_SEC + now.tv_nsec };
}

static inline int64_t wall_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
