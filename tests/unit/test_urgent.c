// SPDX-License-Identifier: Apache-2.0
/* The urgent stream, from the uplink to the hub, beside the stream of facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pair.h"

static struct span result_of(uint64_t number, uint8_t memory[16])
{
	struct writer w = writer_over(memory, 16);
	struct message message = { .kind = MESSAGE_LOST, .lost = { .count = number, .what = 9 } };

	message_encode(&w, &message);
	return writer_span(&w);
}

static bool tell_urgent(struct pair *p, uint64_t number)
{
	uint8_t memory[16];

	return uplink_urgent(p->uplink, result_of(number, memory));
}

/* The number that a message of the urgent stream carries. */
static uint64_t number_of(const struct hub_event *event)
{
	assert_int_equal(event->stream, STREAM_URGENT);
	assert_int_equal(pair_message(event).kind, MESSAGE_LOST);
	return pair_message(event).lost.count;
}

/* Ten full messages of facts wait; what is urgent is in the first datagram. */
static void test_urgent_first(void **state)
{
	struct pair *p = *state;
	char value[4000];
	size_t events;

	pair_join(p);
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = 0;
	for (char key[] = "a"; key[0] < 'z'; key[0]++) {
		pair_random(&p->seed, value, sizeof(value) / 2);
		for (size_t i = 0; i < sizeof(value) / 2; i++)
			value[i] = (char)('a' + (value[i] & 15));
		pair_tell(p, key, value);
	}
	assert_true(tell_urgent(p, 7));
	events = p->event_count;
	pair_pump(p);
	assert_true(p->event_count > events + 1);
	assert_int_equal(number_of(&p->events[events]), 7);
	assert_int_equal(p->events[events].sequence, 1);
	assert_int_equal(p->events[events + 1].stream, STREAM_STATE);
	for (int i = 0; i < 40 && !uplink_status(p->uplink)->settled; i++)
		pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
	pair_assert_silent(p);
}

/* Nothing of it is acknowledged by what is committed of the other stream. */
static void test_streams_apart(void **state)
{
	struct pair *p = *state;
	struct hub_commit commit = { .id = 1 };

	pair_join(p);
	pair_tell(p, "a", "1");
	assert_true(tell_urgent(p, 1));
	pair_pump(p);
	commit.id = pair_last(p)->id;
	commit.incarnation = pair_last(p)->incarnation;
	commit.durable[STREAM_STATE] = 2;
	hub_committed(p->hub, &commit);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->durable, 2);
	assert_false(uplink_status(p->uplink)->settled);
	assert_true(uplink_status(p->uplink)->waiting > 0);
	commit.durable[STREAM_URGENT] = 1;
	hub_committed(p->hub, &commit);
	pair_pump(p);
	assert_true(uplink_status(p->uplink)->settled);
	pair_assert_silent(p);
}

/* An agent with nothing else to tell calls for it, and it comes through a restart of the CMA. */
static void test_urgent_calls(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;

	pair_join(p);
	agent = p->events[0].agent;
	agent.incarnation = pair_last(p)->incarnation;
	agent.durable[STREAM_STATE] = 1;
	pair_new_hub(p, 2);
	hub_add_agent(p->hub, &agent);
	assert_true(tell_urgent(p, 3));
	pair_pump(p);
	assert_int_equal(number_of(pair_last(p)), 3);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
	assert_int_equal(uplink_status(p->uplink)->restarts, 0);
}

/*
 * The CMA comes back from a backup. What it had not acknowledged of the urgent stream comes again,
 * in the new incarnation, though it is the state stream that shows the loss.
 */
static void test_urgent_survives_restart(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;
	size_t events;

	pair_join(p);
	agent = p->events[0].agent;
	assert_true(tell_urgent(p, 1));
	pair_pump(p);
	pair_commit(p, 0);
	assert_true(tell_urgent(p, 2));
	assert_true(tell_urgent(p, 3));
	p->to_cma_lost = true;
	pair_pump(p);
	p->to_cma_lost = false;
	pair_new_hub(p, 2); /* which has nothing of the streams */
	hub_add_agent(p->hub, &agent);
	events = p->event_count;
	for (int i = 0; i < 30 && p->event_count < events + 4; i++)
		pair_pass(p, 1000);
	assert_int_equal(uplink_status(p->uplink)->restarts, 1);
	/* HUB_HERE, HUB_ROLLED_BACK, 2, 3, digest */
	assert_int_equal(p->event_count, events + 5);
	assert_int_equal(p->events[events + 1].kind, HUB_ROLLED_BACK);
	assert_int_equal(number_of(&p->events[events + 2]), 2);
	assert_int_equal(number_of(&p->events[events + 3]), 3);
	assert_int_equal(p->events[events + 2].sequence, 1);
	assert_int_equal(pair_message(&p->events[events + 4]).kind, MESSAGE_DIGEST);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

/* The state stream shows no loss: the first acknowledgement of the urgent one does. */
static void test_urgent_loss_shows(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;

	pair_join(p);
	agent = p->events[0].agent;
	agent.incarnation = pair_last(p)->incarnation;
	agent.durable[STREAM_STATE] = 1;
	assert_true(tell_urgent(p, 1));
	pair_pump(p);
	pair_commit(p, 0);
	pair_new_hub(p, 2); /* without the urgent message */
	hub_add_agent(p->hub, &agent);
	assert_true(tell_urgent(p, 2));
	for (int i = 0; i < 10; i++)
		pair_pass(p, 1000);
	assert_int_equal(uplink_status(p->uplink)->restarts, 1);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
	assert_int_equal(hub_counters(p->hub)->rollbacks, 1);
}

/* What finds no room is told of as lost, once, in its place. */
static void test_urgent_overflow(void **state)
{
	struct pair *p = *state;
	uint64_t told = 0, next = 0, lost = 0;

	pair_join(p);
	pair_forget(p);
	p->to_cma_lost = true;
	while (tell_urgent(p, told))
		told++;
	for (int i = 0; i < 9; i++)
		assert_false(tell_urgent(p, 1000));
	assert_true(told >= 200);
	assert_int_equal(uplink_status(p->uplink)->lost, 10);
	p->to_cma_lost = false;
	for (int i = 0; i < 1000 && !uplink_status(p->uplink)->settled; i++) {
		pair_pass(p, 1000);
		if (!p->event_count)
			continue;
		pair_commit(p, 0);
		for (size_t e = 0; e < p->event_count; e++) {
			const struct hub_event *event = &p->events[e];

			if (event->kind == HUB_MESSAGE && next < told)
				assert_int_equal(number_of(event), next++);
			else if (event->kind == HUB_MESSAGE)
				lost += number_of(event);
		}
		pair_forget(p);
	}
	assert_int_equal(next, told);
	assert_int_equal(lost, 10);
	assert_true(uplink_status(p->uplink)->settled);
	assert_true(tell_urgent(p, 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_urgent_first),
		TEST(test_streams_apart),
		TEST(test_urgent_calls),
		TEST(test_urgent_survives_restart),
		TEST(test_urgent_loss_shows),
		TEST(test_urgent_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
