// SPDX-License-Identifier: Apache-2.0
/* Links that hosts lose while they live: one cable, or the switch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cma/alive/alive_state.h"
#include "cma/alive/cable.h"
#include "tests/unit/yard.h"

enum { PER_SWITCH = 4, HOSTS = 3 * PER_SWITCH, SECOND = 9 };

static struct yard yard;

/* Every host has a second link, all to one other switch. */
static int begin(void **state)
{
	*state = &yard;
	yard_begin(&yard, HOSTS, PER_SWITCH, 2);
	for (size_t i = 0; i < HOSTS; i++) {
		struct alive_place *place = &yard.hosts[i].place;

		place->link[1].sw = yard_switch(SECOND);
		place->link[1].port = yard_port(100 + i);
		place->links = 2;
		alive_place(yard.alive, yard.now, yard_id(i), place);
	}
	yard_forget(&yard);
	return 0;
}

static int end(void **state)
{
	(void)state;
	yard_end(&yard);
	return 0;
}

/* It tells that it has only this of its links, or both. */
static void plug(size_t host, bool first, bool second)
{
	const struct alive_place *all = &yard.hosts[host].place;
	struct alive_place place = { .links = 0 };

	if (first)
		place.link[place.links++] = all->link[0];
	if (second)
		place.link[place.links++] = all->link[1];
	alive_place(yard.alive, yard.now, yard_id(host), &place);
}

static void test_a_pulled_cable(void **state)
{
	(void)state;
	plug(5, true, false);
	yard_run(&yard, 5000);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_LINK, yard_port(105)));
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_CONCERNS), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
	yard_run(&yard, 100000);
	assert_int_equal(yard_open(&yard), 1);
	plug(5, true, true);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_EDGE), 0);
}

/* A link that is missing concerns nobody once its host is shut down, and somebody when it is back.
 */
static void test_a_pulled_cable_of_who_leaves(void **state)
{
	(void)state;
	plug(5, true, false);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 1);
	alive_left(yard.alive, yard.now, yard_id(5));
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 0);
	yard_boot(&yard, 5);
	plug(5, true, false);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 1);
	alive_revoked(yard.alive, yard.now, yard_id(5), true);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 0);
}

static void test_a_switch_that_several_lose(void **state)
{
	(void)state;
	plug(1, false, true);
	plug(3, false, true);
	yard_run(&yard, 5000);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_SWITCH, yard_switch(0)));
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_CONCERNS), 2);
	plug(1, true, true);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 1);
	plug(3, true, true);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 0);
}

/* LLDP forgets at different times: what looked like cables was the switch. */
static void test_cables_become_a_switch(void **state)
{
	(void)state;
	plug(1, false, true);
	yard_run(&yard, 10000);
	plug(2, false, true);
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 2);
	plug(3, false, true);
	yard_run(&yard, 10000);
	assert_non_null(
		yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_SWITCH, yard_switch(0)));
	assert_int_equal(yard_open(&yard), 1);
}

static void test_without_lldp_nothing_is_lost(void **state)
{
	(void)state;
	plug(5, false, false);
	yard_run(&yard, 10000);
	assert_int_equal(yard.event_count, 0);
}

static void test_another_port_is_another_place(void **state)
{
	struct alive_place place = yard.hosts[5].place;

	(void)state;
	plug(5, true, false);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 1);
	place.link[1].port = yard_port(300);
	alive_place(yard.alive, yard.now, yard_id(5), &place);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 0);
}

/* One link was lost long before its switch was: that stays a cause of its own. */
static void test_an_old_loss_is_not_absorbed(void **state)
{
	const struct alive_incident name = {
		.cause = ALIVE_CAUSE_SWITCH, .tenant = 1, .node = yard_switch(0)
	};

	(void)state;
	plug(1, false, true);
	yard_run(&yard, 50000);
	plug(2, false, true);
	plug(3, false, true);
	yard_run(&yard, 5000);
	assert_int_equal(yard_open(&yard), 2);
	assert_non_null(cable_absorb(yard.alive, &name));
	assert_int_equal(yard_open(&yard), 2);
	for (size_t i = 1; i <= 3; i++)
		plug(i, true, true);
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_CLEAR), 2);
}

/* It tells of a new switch each time, and of a cable to it that it loses: nothing is left of them.
 */
static void test_ever_new_places(void **state)
{
	size_t domains = yard.alive->domains.count;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		struct alive_place place = { .links = 2 };

		for (uint64_t link = 0; link < 2; link++) {
			place.link[link].sw = 1000000 + 2 * i + link;
			place.link[link].port = 2000000 + 2 * i + link;
		}
		alive_place(yard.alive, yard.now, yard_id(5), &place);
		place.links = 1;
		alive_place(yard.alive, yard.now, yard_id(5), &place);
	}
	yard_run(&yard, 10000);
	assert_in_range(yard.alive->domains.count, 1, domains + 1);
	assert_in_range(yard.alive->trunks.count, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_pulled_cable, begin, end),
		cmocka_unit_test_setup_teardown(test_a_pulled_cable_of_who_leaves, begin, end),
		cmocka_unit_test_setup_teardown(test_a_switch_that_several_lose, begin, end),
		cmocka_unit_test_setup_teardown(test_cables_become_a_switch, begin, end),
		cmocka_unit_test_setup_teardown(test_without_lldp_nothing_is_lost, begin, end),
		cmocka_unit_test_setup_teardown(test_another_port_is_another_place, begin, end),
		cmocka_unit_test_setup_teardown(test_an_old_loss_is_not_absorbed, begin, end),
		cmocka_unit_test_setup_teardown(test_ever_new_places, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
