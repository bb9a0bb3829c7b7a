// SPDX-License-Identifier: Apache-2.0
/* Both ends live, the way between them does not: between two hosts, two switches, or one way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/yard.h"

enum { SWITCHES = 3, PER_SWITCH = 8, HOSTS = SWITCHES * PER_SWITCH };

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

static void block(size_t from, size_t to, bool blocked)
{
	yard.blocked[from][to] = blocked;
}

/* A neighbour of the host: behind the same switch, or behind another one. */
static size_t neighbour_of(size_t host, bool inside)
{
	size_t neighbours[8], count = yard_neighbours(&yard, host, neighbours);

	for (size_t i = 0; i < count; i++) {
		if ((neighbours[i] / PER_SWITCH == host / PER_SWITCH) == inside)
			return neighbours[i];
	}
	fail();
	return 0;
}

static const struct alive_event *opened(enum alive_cause cause)
{
	for (size_t i = 0; i < yard.event_count; i++) {
		if (yard.events[i].kind == ALIVE_EVENT_OPEN)
			assert_int_equal(yard.events[i].incident.cause, cause);
	}
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
	for (size_t i = 0; i < yard.event_count; i++) {
		if (yard.events[i].kind == ALIVE_EVENT_OPEN)
			return &yard.events[i];
	}
	return NULL;
}

static void assert_over(void)
{
	yard_run(&yard, 15000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
}

static void test_two_hosts_that_cannot_hear_each_other(void **state)
{
	size_t one = 0, other = neighbour_of(0, true);
	const struct alive_event *event;

	(void)state;
	block(one, other, true);
	block(other, one, true);
	yard_run(&yard, 30000);
	event = opened(ALIVE_CAUSE_LOCAL_PATH);
	assert_int_equal(event->incident.node, yard_id(one < other ? one : other));
	assert_int_equal(event->incident.other, yard_id(one < other ? other : one));
	block(one, other, false);
	block(other, one, false);
	assert_over();
}

static void test_one_way(void **state)
{
	size_t one = 0, other = neighbour_of(0, true);
	const struct alive_event *event;

	(void)state;
	block(one, other, true);
	yard_run(&yard, 30000);
	event = opened(ALIVE_CAUSE_ONE_WAY);
	assert_int_equal(event->incident.node, yard_id(other));
	assert_int_equal(event->incident.other, yard_id(one));
	block(one, other, false);
	assert_over();
}

/* A wall around one host: it answers us, and nobody else. */
static void test_a_host_that_no_neighbour_hears(void **state)
{
	const struct alive_event *event;

	(void)state;
	for (size_t i = 1; i < HOSTS; i++) {
		block(0, i, true);
		block(i, 0, true);
	}
	yard_run(&yard, 30000);
	event = opened(ALIVE_CAUSE_LOCAL_PATH);
	assert_int_equal(event->incident.node, yard_id(0));
	assert_int_equal(event->incident.other, 0);
	/* Nobody watches it: we do. */
	yard_kill(&yard, 0);
	yard_run(&yard, 15000);
	assert_int_equal(yard_status(&yard, 0), ALIVE_DOWN);
	assert_int_equal(yard_open(&yard), 1);
}

static void test_a_deaf_host(void **state)
{
	const struct alive_event *event;

	(void)state;
	for (size_t i = 1; i < HOSTS; i++)
		block(i, 0, true);
	yard_run(&yard, 30000);
	event = opened(ALIVE_CAUSE_ONE_WAY);
	assert_int_equal(event->incident.node, yard_id(0));
	assert_int_equal(event->incident.other, 0);
	for (size_t i = 1; i < HOSTS; i++)
		block(i, 0, false);
	assert_over();
}

static void test_the_path_between_two_switches(void **state)
{
	const struct alive_event *event;
	bool blocked = true;

	(void)state;
	for (int step = 0; step < 2; step++, blocked = false) {
		for (size_t i = 0; i < PER_SWITCH; i++) {
			for (size_t j = 0; j < PER_SWITCH; j++) {
				block(i, 2 * PER_SWITCH + j, blocked);
				block(2 * PER_SWITCH + j, i, blocked);
			}
		}
		if (!blocked)
			break;
		yard_run(&yard, 30000);
		event = opened(ALIVE_CAUSE_PATH);
		assert_int_equal(event->incident.node, yard_switch(0));
		assert_int_equal(event->incident.other, yard_switch(2));
	}
	assert_over();
}

/* Lost beats make an accusation now and then: what is well again in a moment is no incident. */
static void test_a_moment_is_no_incident(void **state)
{
	size_t other = neighbour_of(0, false);

	(void)state;
	block(0, other, true);
	block(other, 0, true);
	yard_run(&yard, 8000);
	block(0, other, false);
	block(other, 0, false);
	yard_run(&yard, 30000);
	assert_int_equal(yard.event_count, 0);
}

/* Who is accused and dies is dead, and the path is no matter any more. */
static void test_a_death_ends_the_path(void **state)
{
	size_t other = neighbour_of(0, true);

	(void)state;
	block(0, other, true);
	block(other, 0, true);
	yard_run(&yard, 30000);
	opened(ALIVE_CAUSE_LOCAL_PATH);
	yard_kill(&yard, 0);
	yard_run(&yard, 30000);
	assert_int_equal(yard_status(&yard, 0), ALIVE_DOWN);
	assert_int_equal(yard_open(&yard), 1);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_HOST, yard_id(0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_two_hosts_that_cannot_hear_each_other, begin, end),
		cmocka_unit_test_setup_teardown(test_one_way, begin, end),
		cmocka_unit_test_setup_teardown(test_a_host_that_no_neighbour_hears, begin, end),
		cmocka_unit_test_setup_teardown(test_a_deaf_host, begin, end),
		cmocka_unit_test_setup_teardown(test_the_path_between_two_switches, begin, end),
		cmocka_unit_test_setup_teardown(test_a_moment_is_no_incident, begin, end),
		cmocka_unit_test_setup_teardown(test_a_death_ends_the_path, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
