// SPDX-License-Identifier: Apache-2.0
/* Another process of the CMA goes on where the store says that things were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/yard.h"

enum { PER_SWITCH = 5, HOSTS = 4 * PER_SWITCH };

static struct yard yard;

static int begin(void **state)
{
	*state = &yard;
	yard_begin(&yard, HOSTS, PER_SWITCH, 2);
	return 0;
}

static int end(void **state)
{
	(void)state;
	yard_end(&yard);
	return 0;
}

static void test_a_quiet_estate_stays_quiet(void **state)
{
	(void)state;
	yard_restart(&yard);
	yard_run(&yard, 60000);
	assert_int_equal(yard.event_count, 0);
	assert_in_range(yard.questions, 0, 7);
}

/* It died while we were away. */
static void test_silence_is_acted_on(void **state)
{
	(void)state;
	yard_kill(&yard, 7);
	yard_run(&yard, 5250); /* accused, and nothing decided yet */
	assert_int_equal(yard.event_count, 0);
	yard_restart(&yard);
	yard_run(&yard, 5000);
	assert_int_equal(yard_status(&yard, 7), ALIVE_DOWN);
	assert_int_equal(yard_open(&yard), 1);
}

static void test_an_incident_goes_on(void **state)
{
	(void)state;
	yard_kill(&yard, 7);
	yard_run(&yard, 20000);
	assert_int_equal(yard_open(&yard), 1);
	yard_restart(&yard);
	yard_run(&yard, 60000);
	assert_int_equal(yard_open(&yard), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	yard_boot(&yard, 7);
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_status(&yard, 7), ALIVE_UP);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_EDGE), 0);
}

static void test_a_switch_goes_on(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PER_SWITCH; i++)
		yard.hosts[PER_SWITCH + i].segment = YARD_ALONE;
	yard_run(&yard, 20000);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_SWITCH, yard_switch(1)));
	yard_restart(&yard);
	yard_run(&yard, 60000);
	assert_int_equal(yard_open(&yard), 1);
	for (unsigned int i = 0; i < PER_SWITCH; i++)
		yard.hosts[PER_SWITCH + i].segment = 0;
	yard_run(&yard, 400000);
	assert_int_equal(yard_open(&yard), 0);
	assert_non_null(
		yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_PARTITION, yard_switch(1)));
	for (unsigned int i = 0; i < PER_SWITCH; i++)
		assert_int_equal(yard_status(&yard, PER_SWITCH + i), ALIVE_UP);
}

/*
 * Hosts that are cut off as we begin. One of them has no neighbour elsewhere who could miss it,
 * since that one is dead: it is found as well, at once, and nobody is taken for a death of its own.
 */
static void test_a_switch_that_fails_as_we_begin(void **state)
{
	size_t neighbours[8], outside = HOSTS;

	(void)state;
	for (size_t i = 0; i < PER_SWITCH && outside == HOSTS; i++) {
		size_t count = yard_neighbours(&yard, PER_SWITCH + i, neighbours), inside = 0;

		for (size_t j = 0; j < count; j++)
			inside += neighbours[j] / PER_SWITCH == 1;
		for (size_t j = 0; j < count && inside; j++) {
			if (neighbours[j] / PER_SWITCH != 1)
				outside = neighbours[j];
		}
	}
	assert_int_not_equal(outside, HOSTS);
	yard_kill(&yard, outside);
	yard_run(&yard, 20000);
	assert_int_equal(yard_status(&yard, outside), ALIVE_DOWN);
	for (size_t i = 0; i < PER_SWITCH; i++)
		yard.hosts[PER_SWITCH + i].segment = YARD_ALONE;
	yard_restart(&yard);
	yard_run(&yard, 20000);
	for (size_t i = 0; i < PER_SWITCH; i++)
		assert_int_equal(yard_status(&yard, PER_SWITCH + i), ALIVE_UNREACHABLE);
	assert_int_equal(yard_open(&yard), 2);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 2);
}

/* What was over before we came is cleared. */
static void test_a_path_that_healed_meanwhile(void **state)
{
	size_t neighbours[8];

	(void)state;
	yard_neighbours(&yard, 0, neighbours);
	yard.blocked[0][neighbours[0]] = yard.blocked[neighbours[0]][0] = true;
	yard_run(&yard, 30000);
	assert_int_equal(yard_open(&yard), 1);
	yard.blocked[0][neighbours[0]] = yard.blocked[neighbours[0]][0] = false;
	for (size_t i = 0; i < yard.edge_count; i++)
		yard.edges[i].end[0].sight = yard.edges[i].end[1].sight = SIGHT_HEARD;
	yard_restart(&yard);
	yard_run(&yard, 60000);
	assert_int_equal(yard_open(&yard), 0);
}

/* We are cut off, before and after: that is over when we are not, and not sooner. */
static void test_isolation_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTS; i++)
		yard.hosts[i].segment = 1;
	yard_run(&yard, 60000);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_ISOLATED, 0));
	yard_restart(&yard);
	yard_run(&yard, 120000);
	assert_int_equal(yard_open(&yard), 1);
	for (size_t i = 0; i < HOSTS; i++)
		yard.hosts[i].segment = 0;
	yard_run(&yard, 30000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_CLEAR), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_quiet_estate_stays_quiet, begin, end),
		cmocka_unit_test_setup_teardown(test_silence_is_acted_on, begin, end),
		cmocka_unit_test_setup_teardown(test_an_incident_goes_on, begin, end),
		cmocka_unit_test_setup_teardown(test_a_switch_goes_on, begin, end),
		cmocka_unit_test_setup_teardown(test_a_switch_that_fails_as_we_begin, begin, end),
		cmocka_unit_test_setup_teardown(test_a_path_that_healed_meanwhile, begin, end),
		cmocka_unit_test_setup_teardown(test_isolation_goes_on, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
