// SPDX-License-Identifier: Apache-2.0
/* What the hub tells the store about sessions: again after a failed commit; and two on one key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pair.h"

static size_t events_of(const struct pair *p, enum hub_event_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < p->event_count; i++)
		count += p->events[i].kind == kind;
	return count;
}

/* The store has acted on all so far; then the events begin anew. */
static void settle(struct pair *p)
{
	pair_commit(p, 0);
	for (size_t i = 0; i < p->event_count; i++)
		hub_event_free(&p->events[i]);
	p->event_count = 0;
}

/* A message, so that what is on disk is told by it. */
static void say(struct pair *p)
{
	char value[32];

	snprintf(value, sizeof(value), "%zu", p->up);
	pair_tell(p, "a", value);
	pair_pump(p);
	assert_int_equal(pair_last(p)->kind, HUB_MESSAGE);
	settle(p);
}

/* The agent as a new process of the CMA has it from the store. */
static struct hub_agent known_agent(const struct pair *p)
{
	struct hub_agent agent = p->events[0].agent;

	assert_int_equal(p->events[0].kind, HUB_ENROL);
	agent.incarnation = pair_last(p)->incarnation;
	agent.durable[STREAM_STATE] = pair_last(p)->sequence;
	return agent;
}

/* ---- told again -------------------------------------------------------------------------------
 */

static void test_here_is_told_again(void **state)
{
	struct pair *p = *state;
	struct hub_event first;

	pair_join(p);
	settle(p);
	pair_new_uplink(p, true);
	pair_pump(p);
	assert_int_equal(p->event_count, 2);
	first = p->events[0];
	assert_int_equal(first.kind, HUB_HERE);
	assert_int_equal(p->events[1].kind, HUB_MESSAGE);
	hub_rolled_back(p->hub);
	hub_rolled_back(p->hub); /* twice is once */
	pair_pump(p);
	assert_int_equal(events_of(p, HUB_HERE), 2);
	assert_int_equal(p->events[2].kind, HUB_HERE);
	assert_int_equal(p->events[2].id, first.id);
	assert_int_equal(p->events[2].session, first.session);
	assert_memory_equal(&p->events[2].address, &first.address, sizeof(first.address));
	for (int i = 0; i < 10; i++)
		pair_pass(p, 1000);
	assert_int_equal(pair_last(p)->kind, HUB_MESSAGE);
	settle(p);
	assert_true(uplink_status(p->uplink)->settled);
	/* Once it is on disk there is nothing to tell again. */
	hub_rolled_back(p->hub);
	pair_pass(p, 10000);
	assert_int_equal(p->event_count, 0);
	pair_assert_silent(p);
}

/* What is told again is how it is now: it came and went. */
static void test_left_is_told_again(void **state)
{
	struct pair *p = *state;

	pair_join(p);
	settle(p);
	pair_new_uplink(p, true);
	pair_pump(p);
	uplink_leave(p->uplink);
	pair_pump(p);
	assert_int_equal(events_of(p, HUB_HERE), 1);
	assert_int_equal(events_of(p, HUB_LEFT), 1);
	hub_rolled_back(p->hub);
	pair_pump(p);
	assert_int_equal(events_of(p, HUB_HERE), 1);
	assert_int_equal(events_of(p, HUB_LEFT), 2);
	assert_int_equal(pair_last(p)->kind, HUB_LEFT);
}

/* A commit of one of two leaves the other to be told again. */
static void test_only_what_is_not_committed(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	pair_join(p);
	settle(p);
	pair_new_uplink(p, true);
	pair_pump(p);
	id = pair_last(p)->id;
	uplink_leave(p->uplink);
	pair_pump(p);
	hub_told(p->hub, id, 1);
	hub_rolled_back(p->hub);
	pair_pump(p);
	assert_int_equal(events_of(p, HUB_LEFT), 2);
	hub_told(p->hub, id, 1);
	hub_rolled_back(p->hub);
	pair_pump(p);
	assert_int_equal(events_of(p, HUB_LEFT), 2);
}

/* That the store is an older one is told again, too. */
static void test_rollback_is_told_again(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;

	pair_join(p);
	agent = known_agent(p);
	agent.durable[STREAM_STATE] = 0;
	settle(p);
	pair_new_hub(p, 2);
	hub_add_agent(p->hub, &agent);
	pair_tell(p, "a", "1");
	pair_pump(p);
	assert_int_equal(events_of(p, HUB_ROLLED_BACK), 1);
	hub_rolled_back(p->hub);
	pair_pump(p);
	assert_int_equal(events_of(p, HUB_ROLLED_BACK), 2);
	for (int i = 0; i < 10; i++)
		pair_pass(p, 1000);
	settle(p);
	hub_rolled_back(p->hub);
	pair_pass(p, 10000);
	assert_int_equal(events_of(p, HUB_ROLLED_BACK), 0);
}

/* ---- two on one key ---------------------------------------------------------------------------
 */

/* All that one host does in its life, none of which is a second host. */
static void test_one_host_is_no_duplicate(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;

	pair_join(p);
	agent = known_agent(p);
	settle(p);
	for (int i = 0; i < 20; i++) {
		pair_new_uplink(p, true); /* it starts again, */
		say(p);
		p->agent_address.port++; /* is given another port by a NAT, */
		say(p);
		pair_pass(p, 25LL * 3600 * 1000); /* calls under a new session after a day, */
		p->agent_address.ip[15]++;	  /* and from another address, */
		say(p);
		pair_new_uplink(p, true); /* and after it was cut off while it called. */
		p->to_agent_lost = true;
		pair_pump(p);
		p->to_agent_lost = false;
		pair_pass(p, 100000);
		say(p);
		assert_int_equal(hub_counters(p->hub)->duplicate_keys, 0);
	}
	/* The CMA starts again; then from a backup, and the agent begins its stream anew. */
	pair_tell(p, "d", "1");
	pair_pump(p);
	for (uint64_t epoch = 2; epoch < 6; epoch++) {
		agent.incarnation = pair_last(p)->incarnation;
		agent.durable[STREAM_STATE] =
			epoch % 2 ? pair_last(p)->sequence - 1 : pair_last(p)->sequence;
		pair_new_hub(p, epoch);
		hub_add_agent(p->hub, &agent);
		pair_tell(p, epoch % 2 ? "e" : "f", epoch < 4 ? "1" : "2");
		pair_pass(p, 100000);
		assert_int_equal(hub_counters(p->hub)->duplicate_keys, 0);
		assert_int_equal(hub_counters(p->hub)->rollbacks, epoch % 2);
		pair_commit(p, 0);
	}
	assert_int_equal(events_of(p, HUB_DUPLICATE_KEY), 0);
}

/* The other host of the same key and state directory, elsewhere. */
struct twin {
	struct uplink *uplink;
	struct addr address;
};

static void swap(struct pair *p, struct twin *twin)
{
	struct twin there = *twin;

	*twin = (struct twin){ p->uplink, p->agent_address };
	p->uplink = there.uplink;
	p->agent_address = there.address;
}

/*
 * A clone starts: that looks like a restart. The first one speaks again: that is no restart, and is
 * told with both addresses, each time.
 */
static void test_two_hosts_are(void **state)
{
	struct pair *p = *state;
	struct twin twin = { .uplink = NULL };
	struct addr one = p->agent_address, two;

	addr_parse("10.0.0.8:6666", &two);
	twin.address = two;
	pair_join(p);
	settle(p);
	swap(p, &twin);
	pair_new_uplink(p, true); /* the clone, as p->uplink was NULL */
	pair_pump(p);
	settle(p);
	assert_int_equal(hub_counters(p->hub)->duplicate_keys, 0);
	for (unsigned int i = 1; i <= 4; i++) {
		const struct hub_event *event = NULL;

		swap(p, &twin);
		pair_tell(p, "x", i % 2 ? "1" : "2");
		pair_pass(p, 1000);
		assert_int_equal(hub_counters(p->hub)->duplicate_keys, i);
		assert_int_equal(events_of(p, HUB_DUPLICATE_KEY), 1);
		for (size_t j = 0; j < p->event_count; j++)
			event = p->events[j].kind == HUB_DUPLICATE_KEY ? &p->events[j] : event;
		assert_memory_equal(&event->address, i % 2 ? &one : &two, sizeof(one));
		assert_memory_equal(&event->other, i % 2 ? &two : &one, sizeof(one));
		/* The one knows what the other was told: that is no restored store. */
		assert_int_equal(events_of(p, HUB_ROLLED_BACK), 0);
		settle(p);
	}
	uplink_free(twin.uplink);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_here_is_told_again),
		TEST(test_left_is_told_again),
		TEST(test_only_what_is_not_committed),
		TEST(test_rollback_is_told_again),
		TEST(test_one_host_is_no_duplicate),
		TEST(test_two_hosts_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
