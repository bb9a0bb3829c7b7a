// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>

#include <cmocka.h>

#include "cma/stats.h"

static struct instant at_second(int64_t second)
{
	return (struct instant){ second * NS_PER_SEC };
}

static void test_empty(void **state)
{
	struct stats stats;
	struct stats_view view;

	(void)state;
	stats_init(&stats);
	view = stats_view(&stats, at_second(1000));
	assert_int_equal(view.messages, 0);
	assert_true(view.p50_ms == 0 && view.p99_ms == 0 && view.deltas_per_second == 0);
	stats_free(&stats);
}

/* 98 of 100 take 1 ms and two take 100 ms; buckets are a quarter power of two wide. */
static void test_percentiles(void **state)
{
	struct stats stats;
	struct stats_view view;

	(void)state;
	stats_init(&stats);
	for (int i = 0; i < 100; i++)
		stats_message(&stats, at_second(1), 1, (i < 98 ? 1 : 100) * NS_PER_MS);
	view = stats_view(&stats, at_second(1));
	assert_int_equal(view.messages, 100);
	assert_true(view.p50_ms > 0.8 && view.p50_ms < 1.2);
	assert_true(view.p99_ms > 80 && view.p99_ms < 120);
	stats_free(&stats);
}

static void test_extreme_latencies(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats);
	stats_message(&stats, at_second(1), 1, -5);
	stats_message(&stats, at_second(1), 1, INT64_MAX);
	assert_true(stats_view(&stats, at_second(1)).p99_ms > 1000);
	stats_free(&stats);
}

static void test_rate_forgets(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats);
	for (int64_t second = 100; second < 130; second++)
		stats_message(&stats, at_second(second), 50, NS_PER_MS);
	assert_true(stats_view(&stats, at_second(129)).deltas_per_second == 50);
	assert_true(stats_view(&stats, at_second(134)).deltas_per_second == 25);
	assert_true(stats_view(&stats, at_second(200)).deltas_per_second == 0);
	assert_int_equal(stats_view(&stats, at_second(200)).deltas, 1500);
	stats_free(&stats);
}

/* Old latencies lose against new ones. */
static void test_latency_follows(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats);
	for (int i = 0; i < 300000; i++)
		stats_message(&stats, at_second(1), 1, 100 * NS_PER_MS);
	for (int i = 0; i < 300000; i++)
		stats_message(&stats, at_second(2), 1, NS_PER_MS);
	assert_true(stats_view(&stats, at_second(2)).p50_ms < 2);
	stats_free(&stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_extreme_latencies),
		cmocka_unit_test(test_rate_forgets),
		cmocka_unit_test(test_latency_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
