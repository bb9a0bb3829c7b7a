// SPDX-License-Identifier: Apache-2.0
/* The two ends of NP1 against each other, datagram by datagram: agent/uplink.c and cma/hub.c. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/uplink.h"
#include "base/alloc.h"
#include "cma/hub.h"
#include "cma/hub_counters.h"
#include "wire/keys.h"
#include "wire/message.h"

#define WALL_MS ((int64_t)1800000000000)

enum { CAPTURED_MAX = 64, EVENTS_MAX = 64 };

struct datagram {
	size_t size;
	uint8_t bytes[PACKET_MAX];
};

/* One agent, one CMA, and everything that went between them. */
struct pair {
	uint64_t seed;
	struct instant now;
	struct addr agent_address, to;
	struct key_pair agent_key, cma_key;
	struct hub_token token;
	struct tracker *tracker;
	struct uplink *uplink;
	struct hub *hub;
	bool to_cma_lost, to_agent_lost;
	size_t up, down; /* datagrams in all */
	size_t up_bytes, down_bytes;
	struct datagram captured[CAPTURED_MAX]; /* the first of those to the CMA */
	struct hub_event events[EVENTS_MAX];
	size_t event_count;
};

static void fill(void *owner, void *to, size_t size)
{
	uint64_t *state = owner;
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++) {
		*state = *state * 6364136223846793005U + 1442695040888963407U;
		bytes[i] = (uint8_t)(*state >> 56);
	}
}

static void new_hub(struct pair *p, uint64_t epoch)
{
	struct hub_config config = {
		.key = p->cma_key, .epoch = epoch, .random = fill, .owner = &p->seed
	};

	hub_free(p->hub);
	p->hub = hub_new(&config);
	hub_add_token(p->hub, &p->token);
}

static void new_uplink(struct pair *p, bool enrolled)
{
	struct uplink_config config = { .key = p->agent_key,
		.tracker = p->tracker,
		.has_token = true,
		.enrolled = enrolled,
		.random = fill,
		.owner = &p->seed };

	memcpy(config.cma, p->cma_key.public, SEAL_KEY);
	memcpy(config.token_id, p->token.id, TOKEN_ID);
	memcpy(config.token_secret, p->token.secret, SEAL_KEY);
	keys_agent_psk(p->token.secret, p->agent_key.public, config.psk);
	uplink_free(p->uplink);
	p->uplink = uplink_new(&config);
	uplink_ready(p->uplink);
}

static void new_key(struct pair *p, struct key_pair *key)
{
	uint8_t secret[SEAL_KEY];

	fill(&p->seed, secret, sizeof(secret));
	keys_from_secret(key, secret);
}

static int setup(void **state)
{
	struct pair *p = mem_alloc(1, sizeof(*p));
	uint8_t digest_key[SEAL_FACT_KEY];

	p->seed = 1;
	p->now.ns = NS_PER_SEC;
	addr_parse("10.0.0.7:5555", &p->agent_address);
	new_key(p, &p->agent_key);
	new_key(p, &p->cma_key);
	fill(&p->seed, &p->token, sizeof(p->token));
	p->token.uses = 1;
	p->token.tenant = 1;
	p->token.expires_ms = WALL_MS + 1000;
	seal_fact_key(p->agent_key.public, digest_key);
	p->tracker = tracker_new(digest_key);
	new_hub(p, 1);
	new_uplink(p, false);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < p->event_count; i++)
		hub_event_free(&p->events[i]);
	uplink_free(p->uplink);
	tracker_free(p->tracker);
	hub_free(p->hub);
	free(p);
	return 0;
}

static void tell(struct pair *p, const char *key, const char *value)
{
	struct fact fact = { SECTION_LISTEN, SPAN_TEXT(key), SPAN_TEXT(value) };

	tracker_apply(p->tracker, &fact);
}

static bool step_up(struct pair *p)
{
	struct datagram datagram;

	datagram.size = uplink_output(p->uplink, p->now, datagram.bytes);
	if (!datagram.size)
		return false;
	if (p->up < CAPTURED_MAX)
		p->captured[p->up] = datagram;
	p->up++;
	p->up_bytes += datagram.size;
	if (!p->to_cma_lost)
		hub_input(p->hub, p->now, WALL_MS, &p->agent_address,
			SPAN(datagram.bytes, datagram.size));
	return true;
}

static bool step_down(struct pair *p)
{
	uint8_t datagram[PACKET_MAX];
	size_t size = hub_output(p->hub, p->now, &p->to, datagram);

	if (!size)
		return false;
	p->down++;
	p->down_bytes += size;
	if (!p->to_agent_lost)
		uplink_input(p->uplink, p->now, SPAN(datagram, size));
	return true;
}

/* Until nobody has anything to say now. */
static void pump(struct pair *p)
{
	bool more = true;

	while (more) {
		more = step_up(p);
		more = step_down(p) || more;
		while (p->event_count < EVENTS_MAX && hub_take(p->hub, &p->events[p->event_count]))
			p->event_count++;
	}
}

static void pass(struct pair *p, int64_t ms)
{
	p->now = instant_add(p->now, ms * NS_PER_MS);
	pump(p);
}

static const struct hub_event *last_event(const struct pair *p)
{
	return &p->events[p->event_count - 1];
}

/* As a store would, that has applied everything. */
static void commit(struct pair *p, uint16_t want)
{
	const struct hub_event *event = last_event(p);

	hub_committed(p->hub, event->id, event->incarnation, event->sequence, want, want ? 1 : 0);
	pump(p);
}

static struct message message_of(const struct hub_event *event)
{
	struct message message;

	assert_int_equal(message_decode(SPAN(event->bytes, event->size), &message), 0);
	return message;
}

/* The agent is enrolled, known to the CMA and silent. */
static void join(struct pair *p)
{
	pump(p);
	assert_int_equal(p->event_count, 2);
	commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

static void assert_silent(const struct pair *p)
{
	assert_int_equal(uplink_deadline(p->uplink).ns, INSTANT_NEVER.ns);
	assert_int_equal(hub_deadline(p->hub).ns, INSTANT_NEVER.ns);
}

static void test_enrolment(void **state)
{
	struct pair *p = *state;
	const struct uplink_status *status;
	struct message message;

	tell(p, "tcp 10.0.0.7:80", "{}");
	pump(p);
	assert_int_equal(p->event_count, 2);
	assert_int_equal(p->events[0].kind, HUB_ENROL);
	assert_memory_equal(p->events[0].agent.key, p->agent_key.public, SEAL_KEY);
	assert_memory_equal(p->events[0].token, p->token.id, TOKEN_ID);
	assert_int_equal(p->events[1].kind, HUB_MESSAGE);
	assert_int_equal(p->events[1].id, p->events[0].agent.id);
	message = message_of(&p->events[1]);
	assert_int_equal(message.kind, MESSAGE_DIGEST);
	assert_true(message.digest.sections[SECTION_LISTEN] != 0);

	/* Nothing is acknowledged before it is committed. */
	pass(p, 500);
	status = uplink_status(p->uplink);
	assert_int_equal(status->state, UPLINK_UP);
	assert_int_equal(status->durable, 0);
	assert_false(status->enrolled);
	assert_false(status->settled);

	commit(p, 1 << SECTION_LISTEN);
	assert_true(uplink_status(p->uplink)->enrolled);
	assert_int_equal(uplink_status(p->uplink)->durable, 1);
	assert_int_equal(p->event_count, 3);
	message = message_of(&p->events[2]);
	assert_int_equal(message.kind, MESSAGE_RANGE);
	assert_int_equal(message.range.section, SECTION_LISTEN);
	assert_int_equal(message.range.until.size, 0);
	commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
	assert_silent(p);
	assert_int_equal(hub_agent_count(p->hub), 1);
	assert_int_equal(hub_session_count(p->hub), 1);
	assert_int_equal(hub_counters(p->hub)->enrolled, 1);
}

static void test_change(void **state)
{
	struct pair *p = *state;
	size_t up_bytes;
	size_t down_bytes;
	size_t up;

	join(p);
	up = p->up;
	up_bytes = p->up_bytes;
	down_bytes = p->down_bytes;
	pass(p, 3600000);
	assert_int_equal(p->up, up);
	tell(p, "tcp 0.0.0.0:8080",
		"{\"addr\":\"0.0.0.0\",\"port\":8080,\"process\":[\"nginx:0123abcd\"],\"proto\":\"tcp\"}");
	pump(p);
	assert_int_equal(p->event_count, 3);
	assert_int_equal(message_of(last_event(p)).kind, MESSAGE_CHANGES);
	commit(p, 0);
	assert_silent(p);
	assert_int_equal(p->up, up + 1);
	print_message("one new listener: %zu + %zu bytes of UDP payload\n", p->up_bytes - up_bytes,
		p->down_bytes - down_bytes);
	assert_true(p->up_bytes - up_bytes + p->down_bytes - down_bytes <= 300);
}

/* A repeated INIT gets the same answer, and the session that came of it stays. */
static void test_init_again(void **state)
{
	struct pair *p = *state;

	p->to_agent_lost = true;
	pump(p);
	assert_int_equal(p->down, 1);
	p->to_agent_lost = false;
	hub_input(p->hub, p->now, WALL_MS, &p->agent_address,
		SPAN(p->captured[0].bytes, p->captured[0].size));
	assert_int_equal(hub_counters(p->hub)->handshakes, 1);
	pump(p);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	assert_int_equal(hub_counters(p->hub)->sessions, 1);
	assert_int_equal(p->up, 2);
}

static void test_every_datagram_again(void **state)
{
	struct pair *p = *state;
	size_t events;
	size_t up;

	join(p);
	tell(p, "a", "1");
	pump(p);
	commit(p, 0);
	events = p->event_count;
	up = p->up;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < up; i++) {
			hub_input(p->hub, p->now, WALL_MS, &p->agent_address,
				SPAN(p->captured[i].bytes, p->captured[i].size));
			pump(p);
		}
	}
	assert_int_equal(p->event_count, events);
	assert_int_equal(hub_counters(p->hub)->sessions, 1);
	/* The session that was there goes on. */
	tell(p, "a", "2");
	pump(p);
	assert_int_equal(p->event_count, events + 1);
}

static void refuse(struct pair *p, enum welcome_refusal refusal)
{
	pump(p);
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

	p->token.expires_ms = WALL_MS;
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
	pass(p, 301000);
	assert_int_equal(p->event_count, 2);
	assert_int_equal(uplink_status(p->uplink)->refusal, WELCOME_OK);
}

static void test_wrong_secret(void **state)
{
	struct pair *p = *state;

	p->token.secret[0] ^= 1;
	hub_add_token(p->hub, &p->token);
	pump(p);
	assert_true(uplink_status(p->uplink)->wrong_secret);
	assert_int_equal(p->event_count, 0);
	assert_int_equal(hub_agent_count(p->hub), 0);
}

static void test_unknown_token(void **state)
{
	struct pair *p = *state;

	hub_remove_token(p->hub, p->token.id);
	pump(p);
	assert_int_equal(hub_counters(p->hub)->unknown_token, 1);
	assert_int_equal(p->down, 0);
}

static void test_unknown_agent(void **state)
{
	struct pair *p = *state;

	new_uplink(p, true);
	pump(p);
	assert_int_equal(hub_counters(p->hub)->unknown_agent, 1);
	assert_int_equal(p->down, 0);
	/* The CMA has lost us: in the end we enrol again. */
	for (int i = 0; i < 15; i++)
		pass(p, 61000);
	assert_true(p->event_count >= 2);
	assert_int_equal(p->events[0].kind, HUB_ENROL);
	assert_int_equal(p->events[1].kind, HUB_MESSAGE);
}

/* A new process of a known agent: nothing differs, so a digest is all it says. */
static void test_agent_restart(void **state)
{
	struct pair *p = *state;
	size_t up_bytes;

	tell(p, "a", "1");
	join(p);
	up_bytes = p->up_bytes;
	new_uplink(p, true);
	pump(p);
	assert_int_equal(message_of(last_event(p)).kind, MESSAGE_DIGEST);
	assert_int_equal(last_event(p)->sequence, 1);
	commit(p, 0);
	assert_silent(p);
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
			agent.durable = p->events[i].sequence;
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

	join(p);
	agent = known_agent(p);
	new_hub(p, 2);
	hub_add_agent(p->hub, &agent);
	up = p->up;
	pass(p, 100000);
	assert_int_equal(p->up, up);
	tell(p, "a", "1");
	pump(p);
	assert_int_equal(p->up, up + 3); /* DATA, INIT, DATA */
	assert_int_equal(uplink_status(p->uplink)->resets, 1);
	assert_int_equal(message_of(last_event(p)).kind, MESSAGE_CHANGES);
	assert_int_equal(last_event(p)->sequence, 2);
	commit(p, 0);
	assert_silent(p);
}

/* The same without the reset: silence for 15 s, then a new call. */
static void test_unanswered(void **state)
{
	struct pair *p = *state;
	struct instant start;

	join(p);
	p->to_cma_lost = true;
	tell(p, "a", "1");
	pump(p);
	start = p->now;
	while (p->captured[p->up - 1].bytes[0] != PACKET_INIT) {
		p->now = uplink_deadline(p->uplink);
		pump(p);
	}
	assert_int_equal(instant_sub(p->now, start), 15 * NS_PER_SEC);
	p->to_cma_lost = false;
	pass(p, 61000);
	assert_int_equal(message_of(last_event(p)).kind, MESSAGE_CHANGES);
}

/* An UNKNOWN that is not from the CMA has no effect. */
static void test_forged_reset(void **state)
{
	struct pair *p = *state;
	uint8_t forged[PACKET_UNKNOWN_SIZE] = { PACKET_UNKNOWN, PACKET_VERSION };

	join(p);
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

	join(p);
	incarnation = last_event(p)->incarnation;
	tell(p, "a", "1");
	pump(p);
	commit(p, 0);
	agent = known_agent(p);
	agent.durable = 1;
	new_hub(p, 2);
	hub_add_agent(p->hub, &agent);
	tell(p, "b", "1");
	pump(p);
	assert_int_equal(hub_counters(p->hub)->rollbacks, 1);
	assert_int_equal(uplink_status(p->uplink)->restarts, 1);
	assert_int_equal(message_of(last_event(p)).kind, MESSAGE_DIGEST);
	assert_int_equal(last_event(p)->sequence, 1);
	assert_true(last_event(p)->incarnation != incarnation);
}

static void test_store_rolled_back(void **state)
{
	struct pair *p = *state;

	pump(p);
	assert_int_equal(p->event_count, 2);
	hub_rolled_back(p->hub);
	for (int i = 0; i < 10; i++)
		pass(p, 1000);
	/* Both are told again. */
	assert_int_equal(p->event_count, 4);
	assert_int_equal(p->events[2].kind, HUB_ENROL);
	assert_int_equal(p->events[2].agent.id, p->events[0].agent.id);
	assert_int_equal(p->events[3].sequence, 1);
	commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

/* Somebody has copied the key: a call of his that he does not finish leaves our session alone. */
static void test_unfinished_call(void **state)
{
	struct pair *p = *state;
	struct uplink *mine;
	size_t events;

	join(p);
	mine = p->uplink;
	p->uplink = NULL;
	new_uplink(p, true);
	p->to_agent_lost = true;
	pump(p);
	assert_int_equal(hub_counters(p->hub)->handshakes, 2);
	uplink_free(p->uplink);
	p->uplink = mine;
	p->to_agent_lost = false;
	events = p->event_count;
	tell(p, "a", "1");
	pump(p);
	assert_int_equal(p->event_count, events + 1);
	commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

static void test_goodbye(void **state)
{
	struct pair *p = *state;

	join(p);
	uplink_leave(p->uplink);
	pump(p);
	assert_int_equal(last_event(p)->kind, HUB_LEFT);
	assert_int_equal(hub_counters(p->hub)->byes, 1);
	assert_silent(p);
}

/* What is flipped, cut or made up is counted and has no effect. */
static void test_any_bytes(void **state)
{
	struct pair *p = *state;
	size_t events;
	size_t down;

	join(p);
	events = p->event_count;
	down = p->down;
	for (int i = 0; i < 20000; i++) {
		struct datagram bytes = p->captured[i % 2];
		uint64_t random;

		fill(&p->seed, &random, sizeof(random));
		if (i % 3 == 0) {
			bytes.size = random % sizeof(bytes.bytes);
			fill(&p->seed, bytes.bytes, bytes.size);
		} else if (i % 3 == 1) {
			bytes.size = random % bytes.size;
		}
		if (bytes.size > 4)
			bytes.bytes[4 + random % (bytes.size - 4)] ^= 1 << (random >> 40) % 8;
		hub_input(
			p->hub, p->now, WALL_MS, &p->agent_address, SPAN(bytes.bytes, bytes.size));
		uplink_input(p->uplink, p->now, SPAN(bytes.bytes, bytes.size));
		pump(p);
	}
	assert_int_equal(p->event_count, events);
	assert_true(p->down >= down);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	tell(p, "a", "1");
	pump(p);
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
	join(p);
	before = mallinfo2().uordblks;
	for (int i = 0; i < AGENTS; i++) {
		for (size_t e = 0; e < p->event_count; e++)
			hub_event_free(&p->events[e]);
		p->event_count = 0;
		new_key(p, &p->agent_key);
		new_uplink(p, false);
		join(p);
	}
	for (size_t e = 0; e < p->event_count; e++)
		hub_event_free(&p->events[e]);
	p->event_count = 0;
	after = mallinfo2().uordblks;
	assert_int_equal(hub_session_count(p->hub), AGENTS + 1);
	print_message("an idle agent with a session: %zu bytes\n", (after - before) / AGENTS);
	assert_true((after - before) / AGENTS <= 450);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_enrolment),
		TEST(test_change),
		TEST(test_init_again),
		TEST(test_every_datagram_again),
		TEST(test_expired),
		TEST(test_used_up),
		TEST(test_wrong_secret),
		TEST(test_unknown_token),
		TEST(test_unknown_agent),
		TEST(test_agent_restart),
		TEST(test_cma_restart),
		TEST(test_unanswered),
		TEST(test_forged_reset),
		TEST(test_backup),
		TEST(test_store_rolled_back),
		TEST(test_unfinished_call),
		TEST(test_goodbye),
		TEST(test_any_bytes),
		TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
