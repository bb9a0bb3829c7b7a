// SPDX-License-Identifier: Apache-2.0
/* Who asks "what changed since" again and again gets every change once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/instant.h"
#include "cma/feed.h"

enum { PATIENCE_MS = 10000, COMMITS = 3000 };

/* The time of an open transaction is not over: what it changes cannot be read yet. */
static void test_open_transaction(void **state)
{
	struct feed *feed = feed_new(0);
	int64_t at_ms = feed_begin(feed, 1000);

	(void)state;
	assert_int_equal(at_ms, 1000);
	assert_int_equal(feed_horizon(feed), 999);
	assert_int_equal(feed_wait(feed, 999, 0), 999);
	feed_end(feed);
	assert_int_equal(feed_horizon(feed), 1000);
	assert_int_equal(feed_wait(feed, 999, PATIENCE_MS), 1000);
	assert_int_equal(feed_wait(feed, 1000, 0), 1000);
	feed_free(feed);
}

/* Nor is that of a committed one while the clock still shows it. */
static void test_same_millisecond(void **state)
{
	int64_t ahead_ms = wall_now_ms();
	struct feed *feed = feed_new(0);
	int64_t at_ms;

	(void)state;
	feed_begin(feed, ahead_ms);
	feed_end(feed);
	at_ms = feed_horizon(feed);
	assert_true(at_ms == ahead_ms || (at_ms == ahead_ms - 1 && wall_now_ms() >= ahead_ms));
	assert_int_equal(feed_wait(feed, ahead_ms - 1, PATIENCE_MS), ahead_ms);
	feed_free(feed);
}

/* The clock is set back: times still grow. */
static void test_clock_set_back(void **state)
{
	struct feed *feed = feed_new(0);
	int64_t future_ms = wall_now_ms() + 3600 * 1000;

	(void)state;
	assert_int_equal(feed_begin(feed, future_ms), future_ms);
	feed_end(feed);
	assert_int_equal(feed_horizon(feed), future_ms);
	assert_int_equal(feed_begin(feed, wall_now_ms()), future_ms + 1);
	assert_int_equal(feed_horizon(feed), future_ms);
	feed_end(feed);
	assert_int_equal(feed_horizon(feed), future_ms + 1);
	feed_free(feed);
}

struct race {
	struct feed *feed;
	_Atomic int64_t committed[COMMITS]; /* times of transactions; 0: not committed yet */
};

static void *commit_many(void *user)
{
	struct race *race = user;

	for (size_t i = 0; i < COMMITS; i++) {
		int64_t at_ms = feed_begin(race->feed, wall_now_ms());

		race->committed[i] = at_ms;
		feed_end(race->feed);
	}
	return NULL;
}

/* Intervals (from, to] that follow each other, read when feed_wait says so, hold every commit. */
static void test_nothing_is_missed(void **state)
{
	struct race race = { .feed = feed_new(0) };
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	int64_t from_ms = feed_horizon(race.feed);
	size_t seen = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, commit_many, &race), 0);
	while (seen < COMMITS && instant_before(instant_now(), end)) {
		int64_t to_ms = feed_wait(race.feed, from_ms, 100);

		for (size_t i = 0; i < COMMITS; i++)
			seen += race.committed[i] > from_ms && race.committed[i] <= to_ms;
		from_ms = to_ms;
	}
	pthread_join(thread, NULL);
	assert_int_equal(seen, COMMITS);
	feed_free(race.feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_transaction),
		cmocka_unit_test(test_same_millisecond),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_nothing_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
