// SPDX-License-Identifier: Apache-2.0
/* Whose word counts, and for how much; and what is no word at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/yard.h"

enum { PER_SWITCH = 6, HOSTS = 4 * PER_SWITCH };

static struct yard yard;

static int begin(void **state)
{
	*state = &yard;
	yard_begin(&yard, HOSTS, PER_SWITCH, 2);
	return 0;
}

static int begin_pair(void **state)
{
	*state = &yard;
	yard_begin(&yard, 2, 0, 2);
	return 0;
}

static int begin_degree_4(void **state)
{
	*state = &yard;
	yard_begin(&yard, HOSTS, PER_SWITCH, 4);
	return 0;
}

static int end(void **state)
{
	(void)state;
	yard_end(&yard);
	return 0;
}

/* So many questions, with each but the first a knock, until host 5, which is dead, is declared so.
 */
static size_t questions_until_dead(void)
{
	yard_kill(&yard, 5);
	yard_run(&yard, 5150);
	yard.questions = 0;
	for (int i = 0; i < 200 && yard_status(&yard, 5) != ALIVE_DOWN; i++)
		yard_run(&yard, 50);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	return yard.questions;
}

static void test_two_witnesses_and_eight_questions(void **state)
{
	(void)state;
	assert_in_range(questions_until_dead(), 8 + 7, 8 + 7 + 1); /* knocks, and the pulse */
}

/* Who was late itself is no witness: twice as many questions. */
static void test_a_late_witness_does_not_count(void **state)
{
	(void)state;
	yard.health = 10;
	assert_in_range(questions_until_dead(), 16 + 15, 16 + 15 + 1);
}

/* Where beats are lost, so are answers. */
static void test_more_questions_where_more_beats_were_needed(void **state)
{
	(void)state;
	yard.misses = 10;
	assert_in_range(questions_until_dead(), 15 + 14, 15 + 14 + 1);
}

/* But a neighbour that exaggerates does not put a death off for minutes. */
static void test_no_more_questions_than_anybody_needs(void **state)
{
	(void)state;
	yard.misses = 255;
	assert_in_range(questions_until_dead(), 30 + 29, 30 + 29 + 2);
}

static void test_four_witnesses(void **state)
{
	size_t neighbours[8];

	(void)state;
	assert_int_equal(yard_neighbours(&yard, 5, neighbours), 4);
	yard_kill(&yard, 5);
	yard_run(&yard, 7000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
}

/* A recorded answer holds the challenge of another round. */
static void test_a_recorded_answer_keeps_nobody_alive(void **state)
{
	(void)state;
	yard_accuse(&yard, 5, SIGHT_SILENT);
	yard_run(&yard, 10000);
	yard_kill(&yard, 5);
	yard.replays = true;
	yard_run(&yard, 15000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	assert_in_range(alive_counters(yard.alive)->forged, 8, 100);
}

/* The loop stood still when the last answer was due: the questions begin anew. */
static void test_a_stall_before_the_last_answer(void **state)
{
	(void)state;
	yard_kill(&yard, 5);
	yard_run(&yard, 6700);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	yard.hosts[5].kernel = true;
	yard.now = instant_add(yard.now, 30 * NS_PER_SEC);
	yard_run(&yard, 10000);
	assert_int_equal(yard_status(&yard, 5), ALIVE_UP);
	assert_int_equal(yard.event_count, 0);
}

static void forget_sights_of(size_t host)
{
	for (size_t i = 0; i < yard.edge_count; i++) {
		for (int k = 0; k < 2; k++) {
			if (yard.edges[i].end[k].host == host)
				yard.edges[i].end[k].sight = SIGHT_HEARD;
		}
	}
}

/* It accused its neighbour, was restarted, and hears it now: it has nothing to take back. */
static void test_a_new_run_accuses_nobody(void **state)
{
	size_t neighbours[8];

	(void)state;
	yard_neighbours(&yard, 5, neighbours);
	yard.blocked[neighbours[0]][5] = yard.blocked[5][neighbours[0]] = true;
	yard_run(&yard, 20000);
	assert_int_equal(yard_open(&yard), 1);
	yard.blocked[neighbours[0]][5] = yard.blocked[5][neighbours[0]] = false;
	forget_sights_of(5);
	forget_sights_of(neighbours[0]);
	yard_call(&yard, 5, true);
	yard_call(&yard, neighbours[0], true);
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 0);
}

/* A watcher of a dead host is restarted, and for a moment has not missed it yet. */
static void test_a_new_watcher_raises_no_dead(void **state)
{
	size_t neighbours[8];

	(void)state;
	yard_kill(&yard, 5);
	yard_run(&yard, 20000);
	yard_neighbours(&yard, 5, neighbours);
	forget_sights_of(neighbours[0]);
	forget_sights_of(neighbours[1]);
	yard_call(&yard, neighbours[0], true);
	yard_call(&yard, neighbours[1], true);
	for (int i = 0; i < 20; i++) {
		/* They never get so far as to miss it. */
		for (size_t k = 0; k < yard.edge_count; k++)
			yard.edges[k].end[0].heard = yard.edges[k].end[1].heard = yard.now;
		yard_run(&yard, 4900);
	}
	assert_int_equal(yard_status(&yard, 5), ALIVE_DOWN);
	assert_int_equal(yard_open(&yard), 1);
}

/* No ICMP came through, so it looked like a death; the boot of the host tells. */
static void test_the_same_boot_means_the_agent(void **state)
{
	const struct alive_event *event;

	(void)state;
	yard_kill(&yard, 5);
	yard_run(&yard, 20000);
	yard.hosts[5].kernel = true;
	yard_call(&yard, 5, true);
	yard_run(&yard, 10000);
	event = yard_find(&yard, ALIVE_EVENT_RECLASSIFY, ALIVE_CAUSE_GONE, yard_id(5));
	assert_non_null(event);
	assert_int_equal(event->was.cause, ALIVE_CAUSE_HOST);
	assert_int_equal(yard_open(&yard), 0);
}

/* The hosts of a switch go one after the other: the window waits, and it is one incident. */
static void test_the_window_waits_for_the_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < PER_SWITCH; i++) {
		yard_kill(&yard, PER_SWITCH + i);
		yard_run(&yard, 1400);
	}
	yard_run(&yard, 15000);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_OPEN), 1);
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_RECLASSIFY), 0);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_SWITCH, yard_switch(1)));
}

/* Of two agents, one dies: the other is the sole witness. */
static void test_one_of_two(void **state)
{
	(void)state;
	yard_kill(&yard, 1);
	yard_run(&yard, 9000);
	assert_int_equal(yard_status(&yard, 1), ALIVE_DOWN);
	assert_int_equal(yard_status(&yard, 0), ALIVE_UP);
}

/* Both are silent, and nobody is left to tell: that may as well be us. */
static void test_both_of_two(void **state)
{
	(void)state;
	yard.hosts[0].segment = yard.hosts[1].segment = YARD_ALONE;
	yard_run(&yard, 60000);
	assert_non_null(yard_find(&yard, ALIVE_EVENT_OPEN, ALIVE_CAUSE_ISOLATED, 0));
	assert_int_equal(yard_count(&yard, ALIVE_EVENT_STATUS), 0);
	yard.hosts[0].segment = yard.hosts[1].segment = 0;
	yard_run(&yard, 10000);
	assert_int_equal(yard_open(&yard), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_witnesses_and_eight_questions, begin, end),
		cmocka_unit_test_setup_teardown(test_a_late_witness_does_not_count, begin, end),
		cmocka_unit_test_setup_teardown(
			test_more_questions_where_more_beats_were_needed, begin, end),
		cmocka_unit_test_setup_teardown(
			test_no_more_questions_than_anybody_needs, begin, end),
		cmocka_unit_test_setup_teardown(test_four_witnesses, begin_degree_4, end),
		cmocka_unit_test_setup_teardown(
			test_a_recorded_answer_keeps_nobody_alive, begin, end),
		cmocka_unit_test_setup_teardown(test_a_stall_before_the_last_answer, begin, end),
		cmocka_unit_test_setup_teardown(test_a_new_run_accuses_nobody, begin, end),
		cmocka_unit_test_setup_teardown(test_a_new_watcher_raises_no_dead, begin, end),
		cmocka_unit_test_setup_teardown(test_the_same_boot_means_the_agent, begin, end),
		cmocka_unit_test_setup_teardown(test_the_window_waits_for_the_others, begin, end),
		cmocka_unit_test_setup_teardown(test_one_of_two, begin_pair, end),
		cmocka_unit_test_setup_teardown(test_both_of_two, begin_pair, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
