// SPDX-License-Identifier: Apache-2.0
/* What fails together: a switch, its uplink, its power; and how the return tells them apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cma/alive/alive_state.h"
#include "tests/unit/yard.h"

enum { SWITCHES = 4, PER_SWITCH = 6, HOSTS = SWITCHES * PER_SWITCH };

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

/* The hosts of a switch, from the first of them, in these segments. */
static void move(size_t number, unsigned int segment, bool each_alone)
{
	for (size_t i = 0; i < PER_SWITCH; i++)
		yard.hosts[number * PER_SWITCH + i].segment =
			segment + (each_alone ? (unsigned int)i : 0);
}

static void assert_unreachable(size_t number, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(yard_status(&yard, number * PER_SWITCH + i), ALIVE_UNREACHABLE);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_CONCERNS), count);
}

static void test_a_dead_switch_is_one_incident(void **state)
{
	const struct alive_event *event;

	(void)state;
	move(1, YARD_ALONE, true);
	yard_run(&yard, 20000);
	event = yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_SWITCH, yard_switch(1));
	assert_non_null(event);
	assert_int_equal(event->of, PER_SWITCH);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_unreachable(1, PER_SWITCH);
	move(1, 0, false);
	yard_run(&yard, 30000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_RECLASSIFY), 0);
	for (size_t i = 0; i < PER_SWITCH; i++)
		assert_int_equal(yard_status(&yard, PER_SWITCH + i), ALIVE_UP);
}

/* Who is told of the incident as it opens is told whom it concerns. */
static void test_its_hosts_are_there_when_it_opens(void **state)
{
	const struct alive_event *event = NULL;

	(void)state;
	move(1, YARD_ALONE, true);
	for (int i = 0; !event && i < 200; i++) {
		yard_run(&yard, 100);
		event = yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_SWITCH, yard_switch(1));
	}
	assert_non_null(event);
	assert_true(event->hosts >= 4); /* 60 % of 6 */
	assert_true(yard_count(&yard, ALIVE_EVENT_CONCERNS) >= event->hosts);
}

/* Its hosts were taken away for good. */
static void test_a_switch_without_hosts_is_nobodys(void **state)
{
	(void)state;
	move(1, YARD_ALONE, true);
	yard_run(&yard, 20000);
	assert_int_equal(yard_open(&yard), 1);
	for (size_t i = 0; i < PER_SWITCH; i++) {
		assert_int_equal(yard_open(&yard), 1);
		alive_revoked(yard.alive, yard.now, yard_id(PER_SWITCH + i), true);
	}
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 0);
}

static void test_a_cut_uplink_is_known_afterwards(void **state)
{
	const struct alive_event *event;

	(void)state;
	move(2, YARD_ALONE, false);
	yard_run(&yard, 20000);
	assert_unreachable(2, PER_SWITCH);
	move(2, 0, false);
	yard_run(&yard, 30000);
	event = yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_PARTITION, yard_switch(2));
	assert_non_null(event);
	assert_int_equal(event->was.cause, ALIVE_CAUSE_SWITCH);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
}

static void test_new_boots_mean_power(void **state)
{
	(void)state;
	for (size_t i = 0; i < PER_SWITCH; i++)
		yard_kill(&yard, PER_SWITCH + i);
	yard_run(&yard, 60000);
	assert_unreachable(1, PER_SWITCH);
	for (size_t i = 0; i < PER_SWITCH; i++) {
		yard_boot(&yard, PER_SWITCH + i);
		yard_run(&yard, 5000);
	}
	yard_run(&yard, 20000);
	assert_non_null(
		yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_POWER, yard_switch(1)));
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
}

/* The power came back, one host did not. */
static void test_who_stays_away_has_failed_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < PER_SWITCH; i++)
		yard_kill(&yard, PER_SWITCH + i);
	yard_run(&yard, 60000);
	for (size_t i = 0; i < PER_SWITCH - 1; i++)
		yard_boot(&yard, PER_SWITCH + i);
	yard_run(&yard, 360000);
	assert_int_equal(yard_status(&yard, 2 * PER_SWITCH - 1), ALIVE_DOWN);
	assert_non_null(
		yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_HOST, yard_id(2 * PER_SWITCH - 1)));
	assert_non_null(yard_find(&yard, ALIVE_EVENT_CLEAR, ALIVE_CAUSE_POWER, yard_switch(1)));
	assert_int_equal(yard_open(&yard), 1);
}

/* Two of six are two deaths, which do not wait for long. */
static void test_two_deaths_are_no_switch(void **state)
{
	(void)state;
	yard_kill(&yard, 6);
	yard_kill(&yard, 8);
	yard_run(&yard, 12000);
	assert_int_equal(yard_status(&yard, 6), ALIVE_DOWN);
	assert_int_equal(yard_status(&yard, 8), ALIVE_DOWN);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 2);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_HOST, yard_id(6)));
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_HOST, yard_id(8)));
}

/* The first death was told alone, then the others follow: it was the switch. */
static void test_early_deaths_join_their_switch(void **state)
{
	const struct alive_event *event;

	(void)state;
	yard_kill(&yard, 6);
	yard_run(&yard, 10000);
	assert_int_equal(yard_status(&yard, 6), ALIVE_DOWN);
	for (size_t i = 1; i < PER_SWITCH; i++)
		yard_kill(&yard, PER_SWITCH + i);
	yard_run(&yard, 20000);
	event = yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_SWITCH, yard_switch(1));
	assert_non_null(event);
	assert_int_equal(event->was.node, yard_id(6));
	assert_int_equal(yard_open(&yard), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_unreachable(1, PER_SWITCH);
}

static void test_two_switches_are_two_incidents(void **state)
{
	(void)state;
	move(1, YARD_ALONE, true);
	move(3, 2 * YARD_ALONE, true);
	yard_run(&yard, 30000);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 2);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_SWITCH, yard_switch(1)));
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_SWITCH, yard_switch(3)));
}

/* More than half of all, behind several switches: it is rather we who are cut off. */
static void test_a_majority_is_not_believed(void **state)
{
	(void)state;
	for (size_t i = 1; i < SWITCHES; i++)
		move(i, YARD_ALONE, false);
	yard_run(&yard, 60000);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_ISOLATED, 0));
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
	for (size_t i = 1; i < SWITCHES; i++)
		move(i, 0, false);
	yard_run(&yard, 30000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
}

/* Nobody answers, nobody tells: the pulse notices. */
static void test_isolation_is_noticed_by_the_pulse(void **state)
{
	(void)state;
	for (size_t i = 0; i < SWITCHES; i++)
		move(i, YARD_ALONE, false);
	yard_run(&yard, 20000);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_ISOLATED, 0));
	yard_run(&yard, 300000);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
	for (size_t i = 0; i < SWITCHES; i++)
		move(i, 0, false);
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 0);
}

/* Neighbours of the dead that nobody else watches get new ones, and are asked until then. */
static void test_nobody_stays_unwatched(void **state)
{
	size_t neighbours[8], count;

	(void)state;
	count = yard_neighbours(&yard, 0, neighbours);
	assert_int_equal(count, 2);
	yard_kill(&yard, neighbours[0]);
	yard_kill(&yard, neighbours[1]);
	yard_run(&yard, 25000);
	count = yard_neighbours(&yard, 0, neighbours);
	assert_true(yard.hosts[neighbours[0]].kernel || yard.hosts[neighbours[1]].kernel);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 2);
	yard_kill(&yard, 0);
	yard_run(&yard, 12000);
	assert_int_equal(yard_status(&yard, 0), ALIVE_DOWN);
}

/* It is asked as soon as it hears neither of them, before they are found dead. */
static void test_who_hears_nobody_is_asked(void **state)
{
	size_t neighbours[8];

	(void)state;
	assert_int_equal(yard_neighbours(&yard, 0, neighbours), 2);
	yard_kill(&yard, neighbours[0]);
	yard_kill(&yard, neighbours[1]);
	yard_run(&yard, 5600);
	assert_int_equal(yard_status(&yard, neighbours[0]), ALIVE_UP);
	assert_false(member_is_watched(yard.alive, member_find(yard.alive, yard_id(0))));
	assert_non_null(member_find(yard.alive, yard_id(0))->inquiry);
}

/* A host and all who watch it die at once. */
static void test_the_dead_without_witnesses_are_found(void **state)
{
	size_t neighbours[8];

	(void)state;
	assert_int_equal(yard_neighbours(&yard, 0, neighbours), 2);
	yard_kill(&yard, 0);
	yard_kill(&yard, neighbours[0]);
	yard_kill(&yard, neighbours[1]);
	yard_run(&yard, 15000);
	assert_int_equal(yard_status(&yard, 0), ALIVE_DOWN);
	assert_int_equal(yard_status(&yard, neighbours[0]), ALIVE_DOWN);
	assert_int_equal(yard_status(&yard, neighbours[1]), ALIVE_DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_dead_switch_is_one_incident, begin, end),
		cmocka_unit_test_setup_teardown(test_its_hosts_are_there_when_it_opens, begin, end),
		cmocka_unit_test_setup_teardown(test_a_switch_without_hosts_is_nobodys, begin, end),
		cmocka_unit_test_setup_teardown(test_a_cut_uplink_is_known_afterwards, begin, end),
		cmocka_unit_test_setup_teardown(test_new_boots_mean_power, begin, end),
		cmocka_unit_test_setup_teardown(test_who_stays_away_has_failed_itself, begin, end),
		cmocka_unit_test_setup_teardown(test_two_deaths_are_no_switch, begin, end),
		cmocka_unit_test_setup_teardown(test_early_deaths_join_their_switch, begin, end),
		cmocka_unit_test_setup_teardown(test_two_switches_are_two_incidents, begin, end),
		cmocka_unit_test_setup_teardown(test_a_majority_is_not_believed, begin, end),
		cmocka_unit_test_setup_teardown(test_isolation_is_noticed_by_the_pulse, begin, end),
		cmocka_unit_test_setup_teardown(test_nobody_stays_unwatched, begin, end),
		cmocka_unit_test_setup_teardown(test_who_hears_nobody_is_asked, begin, end),
		cmocka_unit_test_setup_teardown(
			test_the_dead_without_witnesses_are_found, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
