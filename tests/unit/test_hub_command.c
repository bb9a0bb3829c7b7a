// SPDX-License-Identifier: Apache-2.0
/* Commands on their way: to an agent that is there, that has been silent since the CMA was
 * restarted, that was started anew, or that is away. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cma/hub_command.h"
#include "cma/hub_wake.h"
#include "tests/unit/pair.h"

enum { LIFE_MS = 60000 };

struct fixture {
	struct pair *p;
	struct sign_pair operator;
	uint8_t frame[WARRANT_MAX];
	size_t size;
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));
	uint8_t seed[SIGN_SEED] = { 3 };
	void *pair;

	pair_setup(&pair);
	f->p = pair;
	sign_from_seed(&f->operator, seed);
	pair_join(f->p);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	void *pair = f->p;

	pair_teardown(&pair);
	free(f);
	return 0;
}

static struct warrant sign(struct fixture *f, uint8_t id)
{
	struct writer w = writer_over(f->frame, sizeof(f->frame));
	struct warrant warrant = { .incarnation = uplink_status(f->p->uplink)->incarnation,
		.not_after_ms = (uint64_t)PAIR_WALL_MS + LIFE_MS,
		.tenant = SPAN_TEXT("default"),
		.name = SPAN_TEXT("resync") };

	memset(warrant.id, id, sizeof(warrant.id));
	memcpy(warrant.agent, f->p->agent_key.public, SEAL_KEY);
	assert_int_equal(warrant_sign(&warrant, &f->operator, & w), 0);
	f->size = w.size;
	return warrant;
}

static void add(struct fixture *f, uint8_t id, const uint32_t *session)
{
	struct hub_command command = { .sent = false };

	sign(f, id);
	command.frame = SPAN(f->frame, f->size);
	if (session)
		hub_wake_know(f->p->hub, 1, &f->p->agent_address, *session);
	assert_int_equal(hub_command_add(f->p->hub, f->p->now, PAIR_WALL_MS, &command), 0);
	pair_pump(f->p);
}

static void answer(struct fixture *f, uint8_t id)
{
	struct message result = { .kind = MESSAGE_RESULT,
		.result = { .status = RESULT_DONE, .text = SPAN_TEXT("fine") } };
	uint8_t memory[64];
	struct writer w = writer_over(memory, sizeof(memory));

	memset(result.result.command, id, WARRANT_ID);
	message_encode(&w, &result);
	assert_true(uplink_urgent(f->p->uplink, writer_span(&w)));
	pair_pump(f->p);
}

static void test_goes_at_once_and_as_it_was_signed(void **state)
{
	struct fixture *f = *state;

	add(f, 1, NULL);
	assert_int_equal(f->p->commands, 1);
	assert_true(span_equal(writer_span(&f->p->command), SPAN(f->frame, f->size)));
	assert_true(f->p->command_ms == (uint64_t)PAIR_WALL_MS);
}

/* 1, 2, 4, 8, 16, 30 s between them; and after the answer no more. */
static void test_comes_again_until_it_is_answered(void **state)
{
	static const int64_t waits_s[] = { 1, 2, 4, 8, 16 };
	struct fixture *f = *state;

	add(f, 1, NULL);
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		assert_int_equal(f->p->commands, i + 1);
		pair_pass(f->p, waits_s[i] * 1000 - 1);
		assert_int_equal(f->p->commands, i + 1);
		pair_pass(f->p, 1);
	}
	assert_int_equal(f->p->commands, 6);
	answer(f, 1);
	pair_commit(f->p, 0);
	pair_pass(f->p, 25000);
	assert_int_equal(f->p->commands, 6);
	pair_pass(f->p, LIFE_MS);
	pair_pass(f->p, LIFE_MS);
	assert_int_equal(hub_command_count(f->p->hub), 0);
	assert_int_equal(f->p->commands, 6);
	assert_int_equal(pair_last(f->p)->kind, HUB_MESSAGE);
	pair_assert_silent(f->p);
}

static void test_expires_unanswered(void **state)
{
	struct fixture *f = *state;

	add(f, 1, NULL);
	pair_pass(f->p, LIFE_MS);
	assert_int_equal(pair_last(f->p)->kind, HUB_UNANSWERED);
	assert_true(span_equal(
		SPAN(pair_last(f->p)->bytes, pair_last(f->p)->size), SPAN(f->frame, f->size)));
	f->p->commands = 0;
	pair_pass(f->p, 30000);
	assert_int_equal(hub_command_count(f->p->hub), 0);
	assert_int_equal(f->p->commands, 0);
	pair_assert_silent(f->p);
}

/* What is said of a command in a transaction that fails is said again. */
static void test_a_failed_commit_forgets_nothing(void **state)
{
	struct fixture *f = *state;

	add(f, 1, NULL);
	answer(f, 1);
	hub_rolled_back(f->p->hub);
	f->p->to_cma_lost = true;
	pair_pass(f->p, LIFE_MS);
	assert_int_equal(pair_last(f->p)->kind, HUB_UNANSWERED);
	hub_rolled_back(f->p->hub);
	f->p->event_count--;
	hub_event_free(&f->p->events[f->p->event_count]);
	pair_pass(f->p, 30000);
	assert_int_equal(pair_last(f->p)->kind, HUB_UNANSWERED);
	pair_pass(f->p, 30000);
	assert_int_equal(hub_command_count(f->p->hub), 0);
}

/* The last session, as the store keeps it. */
static uint32_t last_session(const struct pair *p)
{
	const struct datagram *data = &p->captured[p->up - 1];
	struct packet packet;

	assert_int_equal(packet_decode(SPAN(data->bytes, data->size), &packet), 0);
	assert_int_equal(packet.type, PACKET_DATA);
	return packet.receiver;
}

static void restart_cma(struct fixture *f)
{
	struct hub_agent known = pair_last(f->p)->agent;

	for (size_t i = 0; i < f->p->event_count; i++) {
		if (f->p->events[i].kind == HUB_ENROL)
			known = f->p->events[i].agent;
	}
	known.incarnation = uplink_status(f->p->uplink)->incarnation;
	known.durable[STREAM_STATE] = uplink_status(f->p->uplink)->durable;
	pair_new_hub(f->p, 2);
	hub_add_agent(f->p->hub, &known);
}

/* An idle agent has no reason to speak to a CMA that was restarted: it is made to. */
static void test_reaches_an_idle_agent_after_a_restart(void **state)
{
	struct fixture *f = *state;
	uint32_t session = last_session(f->p);

	restart_cma(f);
	add(f, 1, &session);
	assert_int_equal(f->p->commands, 1);
	assert_int_equal(uplink_status(f->p->uplink)->sessions, 2);
	assert_true(uplink_status(f->p->uplink)->settled);
	answer(f, 1);
	pair_commit(f->p, 0);
	pair_pass(f->p, LIFE_MS);
	assert_int_equal(f->p->commands, 1);
}

/* A reset that is not genuine summons nobody. */
static void test_forged_reset_summons_nobody(void **state)
{
	struct fixture *f = *state;
	uint32_t session = last_session(f->p) ^ 1;

	restart_cma(f);
	add(f, 1, &session);
	pair_pass(f->p, 5000);
	assert_int_equal(f->p->commands, 0);
	assert_int_equal(uplink_status(f->p->uplink)->sessions, 1);
}

/* The reset is lost: there is another one. */
static void test_lost_reset_is_sent_again(void **state)
{
	struct fixture *f = *state;
	uint32_t session = last_session(f->p);

	restart_cma(f);
	f->p->to_agent_lost = true;
	add(f, 1, &session);
	f->p->to_agent_lost = false;
	pair_pass(f->p, 1000);
	assert_int_equal(f->p->commands, 1);
}

static void test_unreachable_is_told_so(void **state)
{
	struct fixture *f = *state;

	restart_cma(f);
	add(f, 1, NULL);
	pair_pass(f->p, LIFE_MS);
	assert_int_equal(pair_last(f->p)->kind, HUB_UNREACHED);
	assert_int_equal(f->p->commands, 0);
}

/* What was signed for one run is never sent to the next. */
static void test_is_not_for_another_run(void **state)
{
	struct fixture *f = *state;

	f->p->to_agent_lost = true;
	add(f, 1, NULL);
	f->p->to_agent_lost = false;
	pair_new_uplink(f->p, true);
	pair_pump(f->p);
	pair_commit(f->p, 0);
	assert_int_equal(hub_command_count(f->p->hub), 0);
	pair_pass(f->p, LIFE_MS);
	assert_int_equal(f->p->commands, 0);
}

/* Held up on the way, it says how late it is: 25 s in a session that the agent counts itself. */
static void test_delay_shows(void **state)
{
	struct fixture *f = *state;
	uint8_t datagram[PACKET_MAX];
	struct hub_command command = { .sent = false };
	size_t size;

	sign(f, 1);
	command.frame = SPAN(f->frame, f->size);
	assert_int_equal(hub_command_add(f->p->hub, f->p->now, PAIR_WALL_MS, &command), 0);
	size = hub_output(f->p->hub, f->p->now, &f->p->to, datagram);
	assert_true(size > 0);
	f->p->now = instant_add(f->p->now, 25 * NS_PER_SEC);
	uplink_input(f->p->uplink, f->p->now, SPAN(datagram, size));
	assert_int_equal(f->p->commands, 1);
	assert_true(f->p->command_ms == (uint64_t)PAIR_WALL_MS + 25000);
}

static void test_refuses_what_it_cannot_carry(void **state)
{
	struct fixture *f = *state;
	struct hub_command command = { .frame = SPAN("junk", 4) };

	assert_int_equal(hub_command_add(f->p->hub, f->p->now, 0, &command), -EINVAL);
	pair_new_key(f->p, &f->p->agent_key);
	sign(f, 1);
	command.frame = SPAN(f->frame, f->size);
	assert_int_equal(hub_command_add(f->p->hub, f->p->now, 0, &command), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_goes_at_once_and_as_it_was_signed),
		TEST(test_comes_again_until_it_is_answered),
		TEST(test_expires_unanswered),
		TEST(test_a_failed_commit_forgets_nothing),
		TEST(test_reaches_an_idle_agent_after_a_restart),
		TEST(test_forged_reset_summons_nobody),
		TEST(test_lost_reset_is_sent_again),
		TEST(test_unreachable_is_told_so),
		TEST(test_is_not_for_another_run),
		TEST(test_delay_shows),
		TEST(test_refuses_what_it_cannot_carry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
