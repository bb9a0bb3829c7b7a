// SPDX-License-Identifier: Apache-2.0
#include "cma/feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/instant.h"

enum { FEED_SAME_MS = 2 }; /* after which a millisecond is over */

struct feed {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t last_ms; /* of the newest transaction */
	bool open;	 /* it is not committed yet */
};

struct feed *feed_new(int64_t now_ms)
{
	struct feed *feed = mem_alloc(1, sizeof(*feed));
	pthread_condattr_t monotonic;

	feed->last_ms = now_ms;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&feed->lock, NULL);
	pthread_cond_init(&feed->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return feed;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	pthread_cond_destroy(&feed->changed);
	pthread_mutex_destroy(&feed->lock);
	free(feed);
}

int64_t feed_begin(struct feed *feed, int64_t now_ms)
{
	pthread_mutex_lock(&feed->lock);
	if (now_ms < feed->last_ms)
		now_ms = feed->last_ms + 1; /* the clock was set back: history goes on */
	feed->last_ms = now_ms;
	feed->open = true;
	pthread_mutex_unlock(&feed->lock);
	return now_ms;
}

void feed_end(struct feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	feed->open = false;
	pthread_cond_broadcast(&feed->changed);
	pthread_mutex_unlock(&feed->lock);
}

/* A second transaction may still get the time of the last one while the clock shows it. */
static int64_t horizon(const struct feed *feed)
{
	if (feed->open || wall_now_ms() == feed->last_ms)
		return feed->last_ms - 1;
	return feed->last_ms;
}

int64_t feed_horizon(struct feed *feed)
{
	int64_t at_ms;

	pthread_mutex_lock(&feed->lock);
	at_ms = horizon(feed);
	pthread_mutex_unlock(&feed->lock);
	return at_ms;
}

int64_t feed_wait(struct feed *feed, int64_t after_ms, int64_t wait_ms)
{
	struct instant end = instant_add(instant_now(), wait_ms * NS_PER_MS);
	int64_t at_ms;

	pthread_mutex_lock(&feed->lock);
	while ((at_ms = horizon(feed)) <= after_ms && instant_before(instant_now(), end)) {
		bool soon = !feed->open && feed->last_ms > after_ms;
		struct instant until = instant_first(end,
			instant_add(instant_now(), (soon ? FEED_SAME_MS : wait_ms) * NS_PER_MS));
		struct timespec deadline = { until.ns / NS_PER_SEC, until.ns % NS_PER_SEC };

		pthread_cond_timedwait(&feed->changed, &feed->lock, &deadline);
	}
	pthread_mutex_unlock(&feed->lock);
	return at_ms > after_ms ? at_ms : after_ms;
}
