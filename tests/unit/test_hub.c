// SPDX-License-Identifier: Apache-2.0
/* The hub against one uplink; what the agent's side does is in test_uplink.c. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pair.h"

static void test_enrolment(void **state)
{
	struct pair *p = *state;
	const struct uplink_status *status;
	struct message message;

	pair_tell(p, "tcp 10.0.0.7:80", "{}");
	pair_pump(p);
	assert_int_equal(p->event_count, 2);
	assert_int_equal(p->events[0].kind, HUB_ENROL);
	assert_memory_equal(p->events[0].agent.key, p->agent_key.public, SEAL_KEY);
	assert_memory_equal(p->events[0].token, p->token.id, TOKEN_ID);
	assert_int_equal(p->events[1].kind, HUB_MESSAGE);
	assert_int_equal(p->events[1].id, p->events[0].agent.id);
	message = pair_message(&p->events[1]);
	assert_int_equal(message.kind, MESSAGE_DIGEST);
	assert_true(message.digest.sections[SECTION_LISTEN] != 0);

	/* Nothing is acknowledged before it is committed. */
	pair_pass(p, 500);
	status = uplink_status(p->uplink);
	assert_int_equal(status->state, UPLINK_UP);
	assert_int_equal(status->durable, 0);
	assert_false(status->enrolled);
	assert_false(status->settled);

	pair_commit(p, 1 << SECTION_LISTEN);
	assert_true(uplink_status(p->uplink)->enrolled);
	assert_int_equal(uplink_status(p->uplink)->durable, 1);
	assert_int_equal(p->event_count, 3);
	message = pair_message(&p->events[2]);
	assert_int_equal(message.kind, MESSAGE_RANGE);
	assert_int_equal(message.range.section, SECTION_LISTEN);
	assert_int_equal(message.range.until.size, 0);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
	pair_assert_silent(p);
	assert_int_equal(hub_agent_count(p->hub), 1);
	assert_int_equal(hub_session_count(p->hub), 1);
	assert_int_equal(hub_counters(p->hub)->enrolled, 1);
}

/* A repeated INIT gets the same answer, and the session that came of it stays. */
static void test_init_again(void **state)
{
	struct pair *p = *state;

	p->to_agent_lost = true;
	pair_pump(p);
	assert_int_equal(p->down, 1);
	p->to_agent_lost = false;
	hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address,
		SPAN(p->captured[0].bytes, p->captured[0].size));
	assert_int_equal(hub_counters(p->hub)->handshakes, 1);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	assert_int_equal(hub_counters(p->hub)->sessions, 1);
	assert_int_equal(p->up, 2);
}

static void test_every_datagram_again(void **state)
{
	struct pair *p = *state;
	size_t events;
	size_t up;

	pair_join(p);
	pair_tell(p, "a", "1");
	pair_pump(p);
	pair_commit(p, 0);
	events = p->event_count;
	up = p->up;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < up; i++) {
			hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address,
				SPAN(p->captured[i].bytes, p->captured[i].size));
			pair_pump(p);
		}
	}
	assert_int_equal(p->event_count, events);
	assert_int_equal(hub_counters(p->hub)->sessions, 1);
	/* The session that was there goes on. */
	pair_tell(p, "a", "2");
	pair_pump(p);
	assert_int_equal(p->event_count, events + 1);
}

static void test_unknown_token(void **state)
{
	struct pair *p = *state;

	p->token.id[0] ^= 1; /* the hub keeps the one it was given */
	pair_new_uplink(p, false);
	pair_pump(p);
	assert_int_equal(hub_counters(p->hub)->unknown_token, 1);
	assert_int_equal(p->down, 0);
}

/* A commit that took so long that the agent has begun another stream acknowledges nothing of it. */
static void test_late_commit(void **state)
{
	struct pair *p = *state;
	struct hub_event old;

	pair_join(p);
	pair_tell(p, "a", "1");
	pair_pump(p);
	old = *pair_last(p);
	pair_new_uplink(p, true);
	pair_pump(p);
	assert_int_equal(pair_message(pair_last(p)).kind, MESSAGE_DIGEST);
	hub_committed(p->hub,
		&(struct hub_commit){
			.id = old.id,
			.incarnation = old.incarnation,
			.durable = { [STREAM_STATE] = old.sequence },
		});
	pair_pass(p, 5000);
	assert_int_equal(uplink_status(p->uplink)->durable, 0);
	pair_commit(p, 0);
	assert_int_equal(uplink_status(p->uplink)->durable, 1);
	assert_true(uplink_status(p->uplink)->settled);
}

static void test_store_rolled_back(void **state)
{
	struct pair *p = *state;

	pair_pump(p);
	assert_int_equal(p->event_count, 2);
	hub_rolled_back(p->hub);
	for (int i = 0; i < 10; i++)
		pair_pass(p, 1000);
	/* Both are told again. */
	assert_int_equal(p->event_count, 4);
	assert_int_equal(p->events[2].kind, HUB_ENROL);
	assert_int_equal(p->events[2].agent.id, p->events[0].agent.id);
	assert_int_equal(p->events[3].sequence, 1);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

/* Somebody has copied the key: a call of his that he does not finish leaves our session alone. */
static void test_unfinished_call(void **state)
{
	struct pair *p = *state;
	struct uplink *mine;
	size_t events;

	pair_join(p);
	mine = p->uplink;
	p->uplink = NULL;
	pair_new_uplink(p, true);
	p->to_agent_lost = true;
	pair_pump(p);
	assert_int_equal(hub_counters(p->hub)->handshakes, 2);
	uplink_free(p->uplink);
	p->uplink = mine;
	p->to_agent_lost = false;
	events = p->event_count;
	pair_tell(p, "a", "1");
	pair_pump(p);
	assert_int_equal(p->event_count, events + 1);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

/* What is flipped, cut or made up is counted and has no effect. */
static void test_any_bytes(void **state)
{
	struct pair *p = *state;
	size_t events;
	size_t down;

	pair_join(p);
	events = p->event_count;
	down = p->down;
	for (int i = 0; i < 20000; i++) {
		struct datagram bytes = p->captured[i % 2];
		uint64_t random;

		pair_random(&p->seed, &random, sizeof(random));
		if (i % 3 == 0) {
			bytes.size = random % sizeof(bytes.bytes);
			pair_random(&p->seed, bytes.bytes, bytes.size);
		} else if (i % 3 == 1) {
			bytes.size = random % bytes.size;
		}
		if (bytes.size > 4)
			bytes.bytes[4 + random % (bytes.size - 4)] ^= 1 << (random >> 40) % 8;
		hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address,
			SPAN(bytes.bytes, bytes.size));
		uplink_input(p->uplink, p->now, SPAN(bytes.bytes, bytes.size));
		pair_pump(p);
	}
	assert_int_equal(p->event_count, events);
	assert_true(p->down >= down);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	pair_tell(p, "a", "1");
	pair_pump(p);
	assert_int_equal(p->event_count, events + 1);
}

/* A million of them have to fit: what an agent costs that is known, has a session and is silent. */
static void test_memory(void **state)
{
	enum { AGENTS = 512 };
	struct pair *p = *state;
	size_t before;
	size_t after;

	p->token.uses = AGENTS + 1;
	hub_add_token(p->hub, &p->token);
	pair_join(p);
	before = mallinfo2().uordblks;
	for (int i = 0; i < AGENTS; i++) {
		pair_forget(p);
		pair_new_key(p, &p->agent_key);
		pair_new_uplink(p, false);
		pair_join(p);
	}
	pair_forget(p);
	after = mallinfo2().uordblks;
	assert_int_equal(hub_session_count(p->hub), AGENTS + 1);
	print_message("an idle agent with a session: %zu bytes\n", (after - before) / AGENTS);
	assert_true((after - before) / AGENTS <= 450);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_enrolment),
		TEST(test_init_again),
		TEST(test_every_datagram_again),
		TEST(test_unknown_token),
		TEST(test_late_commit),
		TEST(test_store_rolled_back),
		TEST(test_unfinished_call),
		TEST(test_any_bytes),
		TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
