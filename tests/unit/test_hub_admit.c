// SPDX-License-Identifier: Apache-2.0
/* What operators decide holds at the hub from the next datagram on; and how the refused ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cma/hub_admit.h"
#include "tests/unit/pair.h"
#include "wire/keys.h"

enum { HOUR_MS = 3600 * 1000, REFUSED_MOST_MS = 375 * 1000 }; /* 300 s and a quarter */

/* A session that ends before the agent was given a reset token ends when nobody answers in it. */
static void waits_for_refusal(struct pair *p, enum welcome_refusal refusal)
{
	for (int i = 0; i < 600 && uplink_status(p->uplink)->refusal == WELCOME_OK; i++)
		pair_pass(p, 1000);
	assert_int_equal(uplink_status(p->uplink)->refusal, refusal);
}

/* Its session ends, what it sends changes nothing, and it is told why when it calls. */
static void test_revoked_at_once(void **state)
{
	struct pair *p = *state;
	uint64_t resets;

	pair_join(p);
	resets = hub_counters(p->hub)->resets;
	hub_revoke(p->hub, p->agent_key.public);
	assert_int_equal(hub_session_count(p->hub), 0);
	assert_int_equal(hub_agent_count(p->hub), 1);
	pair_tell(p, "a", "1");
	pair_pump(p);
	assert_int_equal(p->event_count, 2);
	assert_int_equal(hub_counters(p->hub)->resets, resets + 1);
	assert_int_equal(hub_counters(p->hub)->refused, 1);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_REVOKED);
	assert_int_equal(hub_session_count(p->hub), 0);
	/* With the token it is no one else. */
	p->token.uses = 5;
	hub_add_token(p->hub, &p->token);
	pair_new_uplink(p, false);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_REVOKED);
	assert_int_equal(p->event_count, 2);
}

/* It was answered before, and proves its session after. */
static void test_revoked_while_it_calls(void **state)
{
	struct pair *p = *state;
	uint8_t datagram[PACKET_MAX];
	size_t size;

	pair_join(p);
	pair_new_uplink(p, true);
	size = uplink_output(p->uplink, p->now, datagram);
	hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address, SPAN(datagram, size));
	assert_true(hub_work(p->hub, p->now));
	size = hub_output(p->hub, p->now, &p->to, datagram);
	assert_int_equal(datagram[0], PACKET_RESP);
	uplink_input(p->uplink, p->now, SPAN(datagram, size));
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	hub_revoke(p->hub, p->agent_key.public);
	waits_for_refusal(p, WELCOME_REVOKED);
	assert_int_equal(hub_session_count(p->hub), 0);
	assert_int_equal(p->event_count, 2);
}

/* The next call after the approval is the one that gets through; it keeps its id. */
static void test_revoked_and_approved(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;

	pair_join(p);
	agent = p->events[0].agent;
	hub_revoke(p->hub, p->agent_key.public);
	pair_tell(p, "a", "1");
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_REVOKED);
	hub_admit(p->hub, &agent, false);
	p->now = uplink_deadline(p->uplink);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_OK);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	assert_int_equal(pair_message(pair_last(p)).kind, MESSAGE_CHANGES);
	assert_int_equal(pair_last(p)->id, agent.id);
	assert_int_equal(hub_agent_count(p->hub), 1);
}

/* A token that is revoked between the agent's INIT and its first DATA lets nobody in. */
static void test_token_revoked_while_it_calls(void **state)
{
	struct pair *p = *state;
	uint8_t datagram[PACKET_MAX];
	size_t size;

	size = uplink_output(p->uplink, p->now, datagram);
	hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address, SPAN(datagram, size));
	assert_true(hub_work(p->hub, p->now));
	hub_revoke_token(p->hub, p->token.id);
	waits_for_refusal(p, WELCOME_TOKEN_EXPIRED);
	assert_int_equal(hub_agent_count(p->hub), 0);
	assert_int_equal(p->event_count, 0);
}

/* It calls, and once more with the cookie that it is given. */
static void come_back(struct pair *p)
{
	uint64_t retries = uplink_status(p->uplink)->retries;

	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->retries, retries + 1);
	p->now = uplink_deadline(p->uplink);
	pair_pump(p);
}

/* A nanoprobe with that key that has only the CMA's; what it would be known by is in the pair. */
static void ask(struct pair *p)
{
	memset(p->token.id, 0, sizeof(p->token.id));
	assert_int_equal(keys_asking_secret(&p->agent_key, p->cma_key.public, p->token.secret), 0);
	pair_new_uplink(p, false);
	come_back(p);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_PENDING);
}

/* Who made up his address never hears the cookie, and takes nobody's place on the list. */
static void test_pending_needs_an_address(void **state)
{
	struct pair *p = *state;
	uint8_t datagram[PACKET_MAX];
	size_t size, count;

	memset(p->token.id, 0, sizeof(p->token.id));
	for (int i = 0; i < 5; i++) {
		pair_new_key(p, &p->agent_key);
		assert_int_equal(
			keys_asking_secret(&p->agent_key, p->cma_key.public, p->token.secret), 0);
		pair_new_uplink(p, false);
		size = uplink_output(p->uplink, p->now, datagram);
		hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address, SPAN(datagram, size));
		assert_true(hub_work(p->hub, p->now));
	}
	hub_pending(p->hub, PAIR_WALL_MS, &count);
	assert_int_equal(count, 0);
	assert_int_equal(hub_counters(p->hub)->no_cookie, 5);
}

/*
 * From 5 s at first to 300 s, a quarter more or less: who is approved soon comes soon, and a night
 * of waiting is some hundred calls.
 */
static void test_refused_ask_less_and_less(void **state)
{
	struct pair *p = *state;
	struct instant start = p->now;
	int64_t waited = 0, longest = 0;
	size_t calls = 0, early = 0;

	ask(p);
	while (instant_sub(p->now, start) < 12LL * HOUR_MS * NS_PER_MS) {
		struct instant next = uplink_deadline(p->uplink);
		int64_t wait = instant_sub(next, p->now) / NS_PER_MS;

		assert_in_range(wait, 3750, REFUSED_MOST_MS);
		if (!calls)
			assert_true(wait <= 6250);
		assert_true(wait <= 6250 || wait <= waited / 8 + waited / 32 + 1);
		waited += wait;
		longest = wait > longest ? wait : longest;
		p->now = next;
		pair_pump(p);
		assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_PENDING);
		early += instant_sub(p->now, start) < NS_PER_SEC * 60;
		calls++;
	}
	assert_in_range(early, 8, 16);
	assert_in_range(longest, 300 * 1000, REFUSED_MOST_MS);
	assert_in_range(calls, 130, 230);
}

static void test_pending_and_approved(void **state)
{
	struct pair *p = *state;
	const struct pending_agent *waiting;
	struct hub_agent agent = { .tenant = 1 };
	size_t count;

	ask(p);
	waiting = hub_pending(p->hub, PAIR_WALL_MS, &count);
	assert_int_equal(count, 1);
	assert_memory_equal(waiting->key, p->agent_key.public, SEAL_KEY);
	assert_memory_equal(&waiting->address, &p->agent_address, sizeof(p->agent_address));
	assert_int_equal(hub_agent_count(p->hub), 0);
	assert_int_equal(p->event_count, 0);
	memcpy(agent.key, waiting->key, SEAL_KEY);
	memcpy(agent.psk, waiting->psk, SEAL_KEY);
	agent.id = hub_new_id(p->hub);
	hub_admit(p->hub, &agent, true);
	hub_pending(p->hub, PAIR_WALL_MS, &count);
	assert_int_equal(count, 0);
	p->now = uplink_deadline(p->uplink);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	assert_int_equal(hub_session_count(p->hub), 1);
	assert_int_equal(pair_last(p)->id, agent.id);
	assert_int_equal(pair_last(p)->kind, HUB_MESSAGE);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->enrolled);
	/* An id is nobody else's. */
	assert_true(hub_new_id(p->hub) > agent.id);
}

/* Only calls that open get onto the list, 64 from one address; 15 minutes after the last it ends.
 */
static void test_pending_is_bounded(void **state)
{
	struct pair *p = *state;
	size_t count;

	for (int i = 0; i < PENDING_SOURCE_MAX + 2; i++) {
		pair_new_key(p, &p->agent_key);
		ask(p);
	}
	hub_pending(p->hub, PAIR_WALL_MS, &count);
	assert_int_equal(count, PENDING_SOURCE_MAX);
	assert_int_equal(hub_counters(p->hub)->pending_full, 2);
	addr_parse("10.0.0.8:5555", &p->agent_address);
	pair_new_uplink(p, false);
	come_back(p);
	hub_pending(p->hub, PAIR_WALL_MS, &count);
	assert_int_equal(count, PENDING_SOURCE_MAX + 1);
	/* What nobody holds the secret to is no entry. */
	p->token.secret[0] ^= 1;
	pair_new_key(p, &p->agent_key);
	pair_new_uplink(p, false);
	pair_pump(p);
	hub_pending(p->hub, PAIR_WALL_MS + 15 * 60 * 1000, &count);
	assert_in_range(count, PENDING_SOURCE_MAX + 1, PENDING_SOURCE_MAX + 2);
	hub_pending(p->hub, PAIR_WALL_MS + 15 * 60 * 1000 + 1, &count);
	assert_int_equal(count, 0);
	assert_int_equal(hub_agent_count(p->hub), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_revoked_at_once),
		TEST(test_revoked_while_it_calls),
		TEST(test_revoked_and_approved),
		TEST(test_token_revoked_while_it_calls),
		TEST(test_refused_ask_less_and_less),
		TEST(test_pending_and_approved),
		TEST(test_pending_is_bounded),
		TEST(test_pending_needs_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
