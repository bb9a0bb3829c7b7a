// SPDX-License-Identifier: Apache-2.0
/* One host: dead, hung, gone, shut down, back again; and what is not a death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/yard.h"

static struct yard yard;

static int begin(void **state)
{
	*state = &yard;
	yard_begin(&yard, 12, 4, 2);
	return 0;
}

static int end(void **state)
{
	(void)state;
	yard_end(&yard);
	return 0;
}

static void test_all_is_well(void **state)
{
	(void)state;
	yard_run(&yard, 100000);
	assert_int_equal(yard.event_count, 0);
	assert_in_range(yard.questions, 8, 12);
}

static void test_a_death_is_told_in_seven_seconds(void **state)
{
	(void)state;
	yard_kill(&yard, 5);
	yard_run(&yard, 6900);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_HOST, yard_id(5)));
	assert_non_null(yard_find(&yard, ALIVE_EVENT_CONCERNS, ALIVE_CAUSE_HOST, yard_id(5)));
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	yard_run(&yard, 300000);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_EDGE), 0);
}

static void test_a_rebooted_host_gets_its_edges_back(void **state)
{
	(void)state;
	yard_kill(&yard, 5);
	yard_run(&yard, 60000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	yard_boot(&yard, 5);
	yard_run(&yard, 10000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_CLEAR, ALIVE_CAUSE_HOST, yard_id(5)));
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_RECLASSIFY), 0);
	yard_run(&yard, 60000);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_EDGE), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_EDGE_END), 0);
}

static void test_edges_of_the_dead_end_after_ten_minutes(void **state)
{
	size_t neighbours[8];

	(void)state;
	yard_kill(&yard, 5);
	yard_run(&yard, 600000);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 2);
	yard_run(&yard, 15000);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_EDGE), 1);
	yard_boot(&yard, 5);
	yard_run(&yard, 15000);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 2);
	assert_int_equal(yard_open(&yard), 0);
}

/* It went away and came back as it was: what failed was its link. */
static void test_a_host_that_lived_had_lost_its_link(void **state)
{
	const struct alive_event *event;

	(void)state;
	yard.hosts[5].segment = 1;
	yard_run(&yard, 30000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	yard.hosts[5].segment = 0;
	yard_run(&yard, 10000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	event = yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_LINK, yard_port(5));
	assert_non_null(event);
	assert_int_equal(event->was.cause, ALIVE_CAUSE_HOST);
	assert_int_equal(event->was.node, yard_id(5));
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
}

static void test_a_stopped_agent_is_hung(void **state)
{
	(void)state;
	yard.hosts[5].agent = false;
	yard_run(&yard, 30000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_HUNG);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_HUNG, yard_id(5)));
	yard.hosts[5].agent = true;
	yard_run(&yard, 10000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
}

/* Its kernel says nothing of closed ports: only the reflector tells it from a dead one. */
static void stop_behind_a_wall(bool reflects)
{
	yard.hosts[5].walled = true;
	yard.hosts[5].reflects = reflects;
	yard_call(&yard, 5, false);
	yard_forget(&yard);
	yard.hosts[5].agent = false;
	yard_run(&yard, 30000);
}

static void test_a_reflector_shows_that_the_kernel_lives(void **state)
{
	(void)state;
	stop_behind_a_wall(true);
	assert_int_equal(yard_status(&yard, 5), ALIVE_HUNG);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_HUNG, yard_id(5)));
}

static void test_without_reflector_a_wall_looks_dead(void **state)
{
	(void)state;
	stop_behind_a_wall(false);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
}

static void test_a_hung_host_can_die(void **state)
{
	const struct alive_event *event;

	(void)state;
	yard.hosts[5].agent = false;
	yard_run(&yard, 30000);
	yard_kill(&yard, 5);
	yard_run(&yard, 60000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	event = yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_HOST, yard_id(5));
	assert_non_null(event);
	assert_int_equal(event->was.cause, ALIVE_CAUSE_HUNG);
	assert_int_equal(yard_open(&yard), 1);
}

static void test_a_killed_agent_is_gone(void **state)
{
	(void)state;
	yard.hosts[5].agent = false;
	yard.hosts[5].closed = true;
	yard_run(&yard, 30000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_GONE);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_GONE, yard_id(5)));
	yard.hosts[5].agent = true;
	yard.hosts[5].closed = false;
	yard_call(&yard, 5, true);
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 0);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
}

static void test_a_goodbye_is_no_alarm(void **state)
{
	(void)state;
	alive_left(yard.alive, yard.now, yard_id(5));
	yard_kill(&yard, 5);
	yard_run(&yard, 120000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_LEFT);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 0);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_EDGE), 0);
	yard_boot(&yard, 5);
	yard_run(&yard, 60000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 0);
}

/* It was believed to be dead, and all that it says is goodbye. */
static void test_a_goodbye_ends_an_incident(void **state)
{
	(void)state;
	yard.hosts[5].agent = false;
	yard_run(&yard, 30000);
	assert_int_equal(yard_open(&yard), 1);
	alive_left(yard.alive, yard.now, yard_id(5));
	yard_run(&yard, 30000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_LEFT);
	assert_int_equal(yard_open(&yard), 0);
}

/* It lost its edges while it was cut off, and has nothing to call for: it gets others. */
static void test_who_was_away_for_long_is_watched_again(void **state)
{
	size_t neighbours[8];

	(void)state;
	yard.hosts[5].segment = 1;
	yard_run(&yard, 640000);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 0);
	yard.hosts[5].segment = 0;
	yard_run(&yard, 700000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 2);
	assert_int_equal(yard_open(&yard), 0);
}

static void test_who_is_revoked_leaves_the_ring(void **state)
{
	size_t neighbours[8];

	(void)state;
	alive_revoked(yard.alive, yard.now, yard_id(5), true);
	yard_run(&yard, 1000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_REVOKED);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 0);
	yard_call(&yard, 5, true);
	yard_run(&yard, 30000);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 0);
	alive_revoked(yard.alive, yard.now, yard_id(5), false);
	yard_call(&yard, 5, true);
	yard_run(&yard, 30000);
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 2);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 0);
}

/* An agent can only speak of its neighbours. */
static void test_a_stranger_accuses_nobody(void **state)
{
	struct message_sight sight = { .sight = SIGHT_SILENT, .misses = 5 };

	(void)state;
	for (size_t i = 0; i < yard.edge_count; i++) {
		sight.edge = yard.edges[i].edge;
		if (!yard.edges[i].gone && yard.edges[i].end[0].host != 3 &&
			yard.edges[i].end[1].host != 3)
			alive_sight(yard.alive, yard.now, yard_id(3), &sight);
	}
	yard_run(&yard, 5000);
	assert_int_equal(yard.event_count, 0);
	assert_in_range(yard.questions, 0, 1); /* the pulse */
	assert_int_equal(alive_counters(yard.alive)->strange, 10);
}

/* All neighbours accuse a host that lives: nothing but a path can be at fault, and not for long. */
static void test_a_false_accusation_harms_nobody(void **state)
{
	(void)state;
	yard_accuse(&yard, 5, SIGHT_SILENT);
	yard_run(&yard, 30000);
	assert_int_equal(yard.event_count, 0);
}

/* Who changes his mind all the time has us ask once for each lie, and nobody else. */
static void test_a_liar_multiplies_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		yard_accuse(&yard, 5, i % 2 ? SIGHT_HEARD : SIGHT_SILENT);
		yard_run(&yard, 50);
	}
	assert_in_range(yard.questions, 1, 100 + 1); /* the pulse */
	assert_int_equal(yard.event_count, 0);
}

/* Our loop stood still while the agent answered: that is no silence. */
static void test_our_own_stall_is_no_silence(void **state)
{
	(void)state;
	yard_kill(&yard, 5);
	yard_run(&yard, 5300);
	yard.hosts[5].kernel = true;
	yard.now = instant_add(yard.now, 30 * NS_PER_SEC);
	yard_run(&yard, 100);
	assert_int_equal(alive_counters(yard.alive)->stalls, 1);
	yard_run(&yard, 10000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	assert_int_equal(yard.event_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_is_well, begin, end),
		cmocka_unit_test_setup_teardown(test_a_death_is_told_in_seven_seconds, begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_rebooted_host_gets_its_edges_back, begin, end),
		cmocka_unit_test_setup_teardown(
			test_edges_of_the_dead_end_after_ten_minutes, begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_host_that_lived_had_lost_its_link, begin, end),
		cmocka_unit_test_setup_teardown(test_a_stopped_agent_is_hung, begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_reflector_shows_that_the_kernel_lives, begin, end),
		cmocka_unit_test_setup_teardown(
			test_without_reflector_a_wall_looks_dead, begin, end),
		cmocka_unit_test_setup_teardown(test_a_hung_host_can_die, begin, end),
		cmocka_unit_test_setup_teardown(test_a_killed_agent_is_gone, begin, end),
		cmocka_unit_test_setup_teardown(test_a_goodbye_is_no_alarm, begin, end),
		cmocka_unit_test_setup_teardown(test_a_goodbye_ends_an_incident, begin, end),
		cmocka_unit_test_setup_teardown(
			test_who_was_away_for_long_is_watched_again, begin, end),
		cmocka_unit_test_setup_teardown(test_who_is_revoked_leaves_the_ring, begin, end),
		cmocka_unit_test_setup_teardown(test_a_stranger_accuses_nobody, begin, end),
		cmocka_unit_test_setup_teardown(test_a_false_accusation_harms_nobody, begin, end),
		cmocka_unit_test_setup_teardown(test_a_liar_multiplies_nothing, begin, end),
		cmocka_unit_test_setup_teardown(test_our_own_stall_is_no_silence, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
