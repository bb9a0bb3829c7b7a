// SPDX-License-Identifier: Apache-2.0
/* The uplink against a hub; what the CMA's side does is in test_hub.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pair.h"

static void test_change(void **state)
{
	struct pair *p = *state;
	size_t up_bytes;
	size_t down_bytes;
	size_t up;

	pair_join(p);
	up = p->up;
	up_bytes = p->up_bytes;
	down_bytes = p->down_bytes;
	pair_pass(p, 3600000);
	assert_int_equal(p->up, up);
	pair_tell(p, "tcp 0.0.0.0:8080",
		"{\"addr\":\"0.0.0.0\",\"port\":8080,\"process\":[\"nginx:0123abcd\"],"
		"\"proto\":\"tcp\"}");
	pair_pump(p);
	assert_int_equal(p->event_count, 3);
	assert_int_equal(pair_message(pair_last(p)).kind, MESSAGE_CHANGES);
	pair_commit(p, 0);
	pair_assert_silent(p);
	assert_int_equal(p->up, up + 1);
	print_message("one new listener: %zu + %zu bytes of UDP payload\n", p->up_bytes - up_bytes,
		p->down_bytes - down_bytes);
	assert_true(p->up_bytes - up_bytes + p->down_bytes - down_bytes <= 300);
}

static void refuse(struct pair *p, enum welcome_refusal refusal)
{
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->refusal, refusal);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_CALLING);
	assert_int_equal(p->event_count, 0);
	assert_int_equal(hub_counters(p->hub)->refused, 1);
	assert_int_equal(hub_agent_count(p->hub), 0);
	assert_int_equal(p->up, 1);
	/* It asks again, seldom. */
	assert_true(instant_before(p->now, uplink_deadline(p->uplink)));
	assert_true(instant_sub(uplink_deadline(p->uplink), p->now) <= 300 * NS_PER_SEC);
}

static void test_expired(void **state)
{
	struct pair *p = *state;

	p->token.expires_ms = PAIR_WALL_MS;
	hub_add_token(p->hub, &p->token);
	refuse(p, WELCOME_TOKEN_EXPIRED);
}

static void test_used_up(void **state)
{
	struct pair *p = *state;

	p->token.uses = 0;
	hub_add_token(p->hub, &p->token);
	refuse(p, WELCOME_TOKEN_USED_UP);
	/* Until there is another use. */
	p->token.uses = 1;
	hub_add_token(p->hub, &p->token);
	pair_pass(p, 301000);
	assert_int_equal(p->event_count, 2);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_OK);
}

/* A host that is one tenant's cannot be taken over with another's token. */
static void test_other_tenant(void **state)
{
	struct pair *p = *state;

	pair_join(p);
	p->token.tenant = 2;
	p->token.uses = 1;
	p->token.id[0] ^= 1;
	hub_add_token(p->hub, &p->token);
	pair_new_uplink(p, false);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_OTHER_TENANT);
	assert_int_equal(p->event_count, 2);
}

static void test_wrong_secret(void **state)
{
	struct pair *p = *state;

	p->token.secret[0] ^= 1;
	hub_add_token(p->hub, &p->token);
	pair_pump(p);
	assert_true(uplink_status(p->uplink)->wrong_secret);
	assert_int_equal(p->event_count, 0);
	assert_int_equal(hub_agent_count(p->hub), 0);
}

static void test_unknown_agent(void **state)
{
	struct pair *p = *state;

	pair_new_uplink(p, true);
	pair_pump(p);
	assert_int_equal(hub_counters(p->hub)->unknown_agent, 1);
	assert_int_equal(p->down, 0);
	/* The CMA has lost us: in the end we enrol again. */
	for (int i = 0; i < 15; i++)
		pair_pass(p, 61000);
	assert_true(p->event_count >= 2);
	assert_int_equal(p->events[0].kind, HUB_ENROL);
	assert_int_equal(p->events[1].kind, HUB_MESSAGE);
}

/* A new process of a known agent: nothing differs, so a digest is all it says. */
static void test_agent_restart(void **state)
{
	struct pair *p = *state;
	size_t up_bytes;

	for (int i = 0; i < SECTION_COUNT; i++) {
		struct fact fact = { (enum section)i, SPAN_TEXT("a"), SPAN_TEXT("1") };

		tracker_apply(p->tracker, &fact);
	}
	pair_join(p);
	up_bytes = p->up_bytes;
	p->boot = 2;
	pair_new_uplink(p, true);
	pair_pump(p);
	assert_int_equal(pair_message(pair_last(p)).kind, MESSAGE_DIGEST);
	assert_int_equal(pair_message(pair_last(p)).digest.boot, 2);
	assert_int_equal(pair_last(p)->sequence, 1);
	pair_commit(p, 0);
	pair_assert_silent(p);
	print_message("an unchanged host that comes back sends %zu bytes of UDP payload\n",
		p->up_bytes - up_bytes);
	assert_true(p->up_bytes - up_bytes <= 300);
	assert_int_equal(hub_agent_count(p->hub), 1);
	assert_int_equal(hub_session_count(p->hub), 1);
}

static struct hub_agent known_agent(const struct pair *p)
{
	struct hub_agent agent = p->events[0].agent;

	for (size_t i = 0; i < p->event_count; i++) {
		if (p->events[i].kind == HUB_MESSAGE) {
			agent.incarnation = p->events[i].incarnation;
			agent.durable[STREAM_STATE] = p->events[i].sequence;
		}
	}
	return agent;
}

/* Nobody hears of a new process of the CMA until it has something to say; then the reset helps. */
static void test_cma_restart(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;
	size_t up;

	pair_join(p);
	agent = known_agent(p);
	pair_new_hub(p, 2);
	hub_add_agent(p->hub, &agent);
	up = p->up;
	pair_pass(p, 100000);
	assert_int_equal(p->up, up);
	pair_tell(p, "a", "1");
	pair_pump(p);
	assert_int_equal(p->up, up + 3); /* DATA, INIT, DATA */
	assert_int_equal(uplink_status(p->uplink)->resets, 1);
	assert_int_equal(pair_message(pair_last(p)).kind, MESSAGE_CHANGES);
	assert_int_equal(pair_last(p)->sequence, 2);
	pair_commit(p, 0);
	pair_assert_silent(p);
}

/* The same without the reset: silence for 15 s, then a new call. */
static void test_unanswered(void **state)
{
	struct pair *p = *state;
	struct instant start;

	pair_join(p);
	p->to_cma_lost = true;
	pair_tell(p, "a", "1");
	pair_pump(p);
	start = p->now;
	while (p->captured[p->up - 1].bytes[0] != PACKET_INIT) {
		p->now = uplink_deadline(p->uplink);
		pair_pump(p);
	}
	assert_int_equal(instant_sub(p->now, start), 15 * NS_PER_SEC);
	p->to_cma_lost = false;
	pair_pass(p, 61000);
	assert_int_equal(pair_message(pair_last(p)).kind, MESSAGE_CHANGES);
}

/* An UNKNOWN that is not from the CMA has no effect. */
static void test_forged_reset(void **state)
{
	struct pair *p = *state;
	uint8_t forged[PACKET_UNKNOWN_SIZE] = { PACKET_UNKNOWN, PACKET_VERSION };

	pair_join(p);
	memcpy(forged + 4, p->captured[1].bytes + 4, 4); /* the right index */
	uplink_input(p->uplink, p->now, SPAN(forged, sizeof(forged)));
	assert_int_equal(uplink_status(p->uplink)->resets, 0);
	assert_int_equal(uplink_status(p->uplink)->ignored, 1);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
}

/* The CMA comes back from a backup: the agent begins a new stream, with a digest. */
static void test_backup(void **state)
{
	struct pair *p = *state;
	struct hub_agent agent;
	uint64_t incarnation;

	pair_join(p);
	incarnation = pair_last(p)->incarnation;
	pair_tell(p, "a", "1");
	pair_pump(p);
	pair_commit(p, 0);
	agent = known_agent(p);
	agent.durable[STREAM_STATE] = 1;
	pair_new_hub(p, 2);
	hub_add_agent(p->hub, &agent);
	pair_tell(p, "b", "1");
	pair_pump(p);
	assert_int_equal(hub_counters(p->hub)->rollbacks, 1);
	assert_int_equal(uplink_status(p->uplink)->restarts, 1);
	assert_int_equal(pair_message(pair_last(p)).kind, MESSAGE_DIGEST);
	assert_int_equal(pair_last(p)->sequence, 1);
	assert_true(pair_last(p)->incarnation != incarnation);
}

static void test_goodbye(void **state)
{
	struct pair *p = *state;
	size_t events;

	pair_join(p);
	uplink_leave(p->uplink);
	pair_pump(p);
	assert_int_equal(pair_last(p)->kind, HUB_LEFT);
	/* Thrice, as one may be lost and nobody is there to say it again. */
	assert_int_equal(hub_counters(p->hub)->byes, 3);
	pair_assert_silent(p);
	/* Said again it is no news: a packet full of them would keep the store busy. */
	events = p->event_count;
	uplink_leave(p->uplink);
	pair_pump(p);
	assert_int_equal(hub_counters(p->hub)->byes, 6);
	assert_int_equal(p->event_count, events);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_change),
		TEST(test_expired),
		TEST(test_used_up),
		TEST(test_other_tenant),
		TEST(test_wrong_secret),
		TEST(test_unknown_agent),
		TEST(test_agent_restart),
		TEST(test_cma_restart),
		TEST(test_unanswered),
		TEST(test_forged_reset),
		TEST(test_backup),
		TEST(test_goodbye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
