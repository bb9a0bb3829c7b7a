// SPDX-License-Identifier: Apache-2.0
/* Lists of neighbours on their way: to an agent that is there, that has been silent since the CMA
 * was restarted, that was started anew, that is away, or that is revoked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cma/hub_admit.h"
#include "cma/hub_ring.h"
#include "cma/hub_wake.h"
#include "tests/unit/pair.h"

enum { AGENT = 1, EDGES = 4 * 59 };

static int set_up(void **state)
{
	pair_setup(state);
	pair_join(*state);
	return 0;
}

static int try_to_tell(struct pair *p, uint64_t id, uint64_t version)
{
	uint8_t edges[EDGES];
	const struct record_ring list = {
		.version = version, .interval_ms = 1000, .edges = SPAN(edges, sizeof(edges))
	};

	memset(edges, (int)version, sizeof(edges));
	return hub_ring_tell(p->hub, p->now, id, &list);
}

static void tell(struct pair *p, uint64_t version)
{
	assert_int_equal(try_to_tell(p, AGENT, version), 0);
	pair_pump(p);
}

static void expect_last(struct pair *p, uint64_t version)
{
	uint8_t edges[EDGES];

	memset(edges, (int)version, sizeof(edges));
	assert_int_equal(p->list_version, version);
	assert_true(span_equal(writer_span(&p->list_edges), SPAN(edges, sizeof(edges))));
}

/* What came of HELD; the last one. */
static size_t take_held(struct pair *p, struct hub_held *last)
{
	size_t count = 0;

	while (hub_ring_take(p->hub, p->now, last))
		count++;
	return count;
}

static void expect_held(struct pair *p, uint64_t version, bool answers)
{
	struct hub_held held;

	assert_int_equal(take_held(p, &held), 1);
	assert_int_equal(held.id, AGENT);
	assert_int_equal(held.held.version, version);
	assert_int_equal(held.held.port, 1985);
	assert_int_equal(held.answers, answers);
	assert_memory_equal(&held.from, &p->agent_address, sizeof(held.from));
}

static void test_goes_at_once_and_is_held(void **state)
{
	struct pair *p = *state;

	tell(p, 5);
	assert_int_equal(p->lists, 1);
	expect_last(p, 5);
	expect_held(p, 5, true);
	assert_int_equal(hub_ring_count(p->hub), 0);
	pair_pass(p, 100000);
	assert_int_equal(p->lists, 1);
	assert_int_equal(hub_deadline(p->hub).ns, INSTANT_NEVER.ns);
}

/* 1, 2, 4, 8, 16, 30, 30 s between them. */
static void test_comes_again_until_it_is_held(void **state)
{
	static const int64_t waits_s[] = { 1, 2, 4, 8, 16, 30, 30 };
	struct pair *p = *state;

	p->takes_lists = false;
	tell(p, 5);
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		assert_int_equal(p->lists, i + 1);
		pair_pass(p, waits_s[i] * 1000 - 1);
		assert_int_equal(p->lists, i + 1);
		p->takes_lists = i == 6;
		pair_pass(p, 1);
	}
	assert_int_equal(p->lists, 8);
	assert_int_equal(hub_ring_count(p->hub), 0);
}

/* The newest is what counts, and what was said of an older one ends nothing. */
static void test_replaces_the_one_before(void **state)
{
	struct pair *p = *state;
	struct record_held old = { .version = 5, .port = 1985 };

	p->takes_lists = false;
	tell(p, 5);
	tell(p, 6);
	assert_int_equal(p->lists, 2);
	expect_last(p, 6);
	uplink_held(p->uplink, &old);
	pair_pump(p);
	assert_int_equal(hub_ring_count(p->hub), 1);
	/* It holds another one: told again at once. */
	assert_int_equal(p->lists, 3);
	expect_last(p, 6);
	expect_held(p, 5, false);
}

static void restart_cma(struct pair *p)
{
	struct hub_agent known = pair_last(p)->agent;

	for (size_t i = 0; i < p->event_count; i++) {
		if (p->events[i].kind == HUB_ENROL)
			known = p->events[i].agent;
	}
	known.incarnation = uplink_status(p->uplink)->incarnation;
	known.durable[STREAM_STATE] = uplink_status(p->uplink)->durable;
	pair_new_hub(p, 2);
	hub_add_agent(p->hub, &known);
}

static uint32_t last_session(const struct pair *p)
{
	const struct datagram *data = &p->captured[p->up - 1];
	struct packet packet;

	assert_int_equal(packet_decode(SPAN(data->bytes, data->size), &packet), 0);
	assert_int_equal(packet.type, PACKET_DATA);
	return packet.receiver;
}

/* An idle agent has no reason to speak to a CMA that was restarted: it is made to, or not asked. */
static void test_wakes_who_is_silent_after_a_restart(void **state)
{
	struct pair *p = *state;
	uint32_t session = last_session(p);

	restart_cma(p);
	hub_wake_know(p->hub, AGENT, &p->agent_address, session);
	pair_assert_silent(p);
	tell(p, 5);
	assert_int_equal(uplink_status(p->uplink)->sessions, 2);
	assert_int_equal(p->lists, 1);
	assert_int_equal(hub_ring_count(p->hub), 0);
}

/* It is at once told what waited, and what it holds already is not told. */
static void test_a_session_is_proven(void **state)
{
	struct pair *p = *state;
	const struct record_held held = { .version = 7, .port = 1985 };
	struct hub_held last;

	p->to_agent_lost = true;
	tell(p, 5);
	pair_pass(p, 1000);
	p->to_agent_lost = false;
	pair_new_uplink(p, true);
	pair_pump(p);
	assert_int_equal(p->lists, 1);
	expect_last(p, 5);
	assert_int_equal(hub_ring_count(p->hub), 0);
	take_held(p, &last);
	pair_pass(p, 1000);
	p->to_agent_lost = true;
	tell(p, 7);
	p->to_agent_lost = false;
	pair_new_uplink(p, true);
	uplink_held(p->uplink, &held);
	pair_pump(p);
	expect_held(p, 7, true);
	assert_int_equal(p->lists, 1);
	assert_int_equal(hub_ring_count(p->hub), 0);
}

/* Nobody would hear it until the nanoprobe is started again. */
static void test_not_to_one_that_left(void **state)
{
	struct pair *p = *state;

	uplink_leave(p->uplink);
	pair_pump(p);
	tell(p, 5);
	pair_pass(p, 60000);
	assert_int_equal(p->lists, 0);
	pair_new_uplink(p, true);
	pair_pump(p);
	assert_int_equal(p->lists, 1);
}

static void test_not_to_one_that_is_revoked(void **state)
{
	struct pair *p = *state;

	p->takes_lists = false;
	tell(p, 5);
	hub_revoke(p->hub, p->agent_key.public);
	assert_int_equal(hub_ring_count(p->hub), 0);
	assert_int_equal(try_to_tell(p, AGENT, 6), -ENOENT);
	assert_int_equal(try_to_tell(p, 99, 6), -ENOENT);
	pair_pass(p, 60000);
	assert_int_equal(p->lists, 1);
}

/* What was said of lists is not the store's. */
static void test_a_failed_commit_loses_nothing(void **state)
{
	struct pair *p = *state;

	tell(p, 5);
	hub_rolled_back(p->hub);
	expect_held(p, 5, true);
}

/* Each may have the plan of all neighbours changed: one a second is heeded, the last. */
static void test_says_too_much(void **state)
{
	struct record_held held = { .version = 5, .port = 1985 };
	struct pair *p = *state;
	struct hub_held last;

	p->takes_lists = false;
	tell(p, 6);
	for (uint16_t i = 0; i < 100; i++) {
		held.port = i % 2 ? 1985 : i;
		uplink_held(p->uplink, &held);
		pair_pump(p);
	}
	expect_held(p, 5, false);
	held.port = 0;
	uplink_held(p->uplink, &held);
	pair_pump(p);
	held.port = 7;
	uplink_held(p->uplink, &held);
	pair_pump(p);
	assert_int_equal(p->lists, 2);
	assert_int_equal(take_held(p, &last), 0);
	pair_pass(p, 999);
	assert_int_equal(take_held(p, &last), 0);
	pair_pass(p, 1);
	assert_int_equal(hub_deadline(p->hub).ns, 0);
	assert_int_equal(take_held(p, &last), 1);
	assert_int_equal(last.held.port, 7);
	pair_pass(p, 1000);
	assert_int_equal(take_held(p, &last), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_goes_at_once_and_is_held),
		TEST(test_comes_again_until_it_is_held),
		TEST(test_replaces_the_one_before),
		TEST(test_wakes_who_is_silent_after_a_restart),
		TEST(test_a_session_is_proven),
		TEST(test_not_to_one_that_left),
		TEST(test_not_to_one_that_is_revoked),
		TEST(test_a_failed_commit_loses_nothing),
		TEST(test_says_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
