// SPDX-License-Identifier: Apache-2.0
/* What an agent that is one of ours, and wants to do harm, must not get at the hub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cma/hub_state.h"
#include "tests/unit/pair.h"
#include "wire/keys.h"

enum { TOKENS = 2 };

/* The agent's own end, without any of uplink's manners. */
struct caller {
	struct pair *pair;
	struct session_self self;
	struct session session;
};

static void call(struct caller *caller, const struct session_hello *hello,
	const uint8_t psk[SEAL_KEY], struct session *session)
{
	struct pair *p = caller->pair;
	uint8_t ephemeral[SEAL_KEY], datagram[PACKET_MAX];
	struct session_welcome welcome;
	struct session_call call;
	struct packet resp;
	struct addr to;
	uint32_t index;
	size_t size;

	pair_random(&p->seed, ephemeral, sizeof(ephemeral));
	pair_random(&p->seed, &index, sizeof(index));
	assert_int_equal(session_call(&call, &caller->self, p->cma_key.public, ephemeral, index,
				 hello, datagram),
		0);
	hub_input(
		p->hub, p->now, PAIR_WALL_MS, &p->agent_address, SPAN(datagram, PACKET_INIT_SIZE));
	while (hub_work(p->hub, p->now))
		continue;
	do
		size = hub_output(p->hub, p->now, &to, datagram);
	while (size && datagram[0] != PACKET_RESP);
	assert_int_equal(size, PACKET_RESP_SIZE);
	assert_int_equal(packet_decode(SPAN(datagram, size), &resp), 0);
	assert_int_equal(
		session_answered(&call, &caller->self, psk, &resp, p->now, session, &welcome), 0);
	assert_int_equal(welcome.flags & WELCOME_REFUSAL_MASK, WELCOME_OK);
}

static void say(struct caller *caller, struct session *session, struct span plain)
{
	uint8_t datagram[PACKET_MAX];
	struct writer w = writer_over(datagram, sizeof(datagram));

	assert_int_equal(session_seal(session, plain, &w), 0);
	hub_input(caller->pair->hub, caller->pair->now, PAIR_WALL_MS, &caller->pair->agent_address,
		writer_span(&w));
}

static void caller_init(struct caller *caller, struct pair *pair)
{
	*caller = (struct caller){ .pair = pair };
	session_self_init(&caller->self, &pair->agent_key);
}

/* How many messages are handed out, which nobody commits. */
static size_t count_messages(struct hub *hub)
{
	struct hub_event event;
	size_t count = 0;

	while (hub_take(hub, &event)) {
		count += event.kind == HUB_MESSAGE;
		hub_event_free(&event);
	}
	return count;
}

/* Sixty-four messages of a byte, which is all that a window takes. */
static void say_many(struct caller *caller, struct session *session)
{
	for (uint64_t sequence = 1; sequence <= RECEIVER_WINDOW;) {
		uint8_t memory[PACKET_DATA_MAX];
		struct writer plain = writer_over(memory, sizeof(memory));

		for (int i = 0; i < 32; i++) {
			const struct record record = { .kind = RECORD_FRAGMENT,
				.fragment = {
					.sequence = sequence, .count = 1, .bytes = SPAN("x", 1) } };

			record_encode(&plain, &record);
			sequence++;
		}
		say(caller, session, writer_span(&plain));
	}
}

/* A window for each of ever new incarnations is not a window. */
static void test_new_incarnations_do_not_make_more_room(void **state)
{
	enum { INCARNATIONS = 300 };
	struct pair *p = *state;
	struct session_hello hello = { .incarnation = 1000 };
	struct session session;
	struct caller caller;
	uint8_t psk[SEAL_KEY];
	size_t messages = 0;

	pair_join(p);
	caller_init(&caller, p);
	keys_agent_psk(p->token.secret, p->agent_key.public, psk);
	for (int i = 0; i < INCARNATIONS; i++, hello.incarnation += 1 << 16) {
		call(&caller, &hello, psk, &session);
		say_many(&caller, &session);
		messages += count_messages(p->hub);
		p->now = instant_add(p->now, NS_PER_MS);
	}
	assert_true(messages >= RECEIVER_WINDOW);
	assert_true(messages <= HUB_MESSAGES_PEER_MAX + RECEIVER_WINDOW);
}

/* One call with a token of each of two tenants, both answered before either is proven. */
static void test_nobody_is_of_two_tenants(void **state)
{
	struct pair *p = *state;
	struct hub_token token = { .id = { 9 },
		.secret = { 9 },
		.uses = 5,
		.tenant = p->token.tenant + 1,
		.expires_ms = PAIR_WALL_MS + 1000 };
	struct session_hello hello = { .incarnation = 1 << 16, .enrol = true };
	struct session sessions[TOKENS];
	struct hub_event event;
	struct caller caller;
	unsigned int enrolled = 0;

	hub_add_token(p->hub, &token);
	caller_init(&caller, p);
	memcpy(hello.token_id, p->token.id, TOKEN_ID);
	call(&caller, &hello, p->token.secret, &sessions[0]);
	p->now = instant_add(p->now, NS_PER_MS);
	memcpy(hello.token_id, token.id, TOKEN_ID);
	call(&caller, &hello, token.secret, &sessions[1]);
	for (int i = 0; i < TOKENS; i++)
		say(&caller, &sessions[i], SPAN(NULL, 0));
	while (hub_take(p->hub, &event)) {
		enrolled += event.kind == HUB_ENROL;
		hub_event_free(&event);
	}
	assert_int_equal(enrolled, 1);
	assert_int_equal(hub_find_token(p->hub, token.id)->known.uses, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_incarnations_do_not_make_more_room),
		TEST(test_nobody_is_of_two_tenants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
