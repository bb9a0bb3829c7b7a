// SPDX-License-Identifier: Apache-2.0
/* RING and HELD at the agent's end, against a CMA made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pair.h"
#include "wire/session.h"

enum { PORT = 1985, RESTARTED_MOST = 300, LISTS_MAX = 4 };

/* Takes the place of the hub of p. */
struct handmade {
	struct pair *p;
	struct session_self self;
	struct session session;
	uint32_t index;
	uint64_t lists[LISTS_MAX]; /* versions that the agent was given */
	size_t list_count;
};

static void take_list(void *owner, struct instant now, const struct record_ring *list)
{
	struct handmade *h = owner;

	(void)now;
	assert_true(h->list_count < LISTS_MAX);
	h->lists[h->list_count++] = list->version;
}

static void random_bytes(void *owner, void *to, size_t size)
{
	pair_random(&((struct handmade *)owner)->p->seed, to, size);
}

/* An agent that is known to the CMA. */
static void start(struct handmade *h, struct pair *p)
{
	struct uplink_config config = { .key = p->agent_key,
		.tracker = p->tracker,
		.enrolled = true,
		.ring = take_list,
		.random = random_bytes,
		.owner = h };

	*h = (struct handmade){ .p = p };
	session_self_init(&h->self, &p->cma_key);
	memcpy(config.cma, p->cma_key.public, SEAL_KEY);
	uplink_free(p->uplink);
	p->uplink = uplink_new(&config);
	uplink_ready(p->uplink);
}

static void hold(struct handmade *h, uint64_t version)
{
	const struct record_held held = { .version = version, .port = PORT };

	uplink_held(h->p->uplink, &held);
}

/* INIT and RESP; the size of INIT. */
static size_t answer(struct handmade *h)
{
	static const uint8_t psk[SEAL_KEY], ephemeral[SEAL_KEY] = { 9 };
	const struct session_welcome welcome = { .epoch = 1, .credit = 64 };
	uint8_t datagram[PACKET_MAX], resp[PACKET_RESP_SIZE];
	size_t size = uplink_output(h->p->uplink, h->p->now, datagram);
	struct session_heard heard;
	struct packet p;

	assert_int_equal(packet_decode(SPAN(datagram, size), &p), 0);
	assert_int_equal(session_heard(&heard, &h->self, &p), 0);
	assert_int_equal(session_hear_hello(&heard, &h->self, NULL, &p), 0);
	assert_int_equal(session_answer(&heard, psk, ephemeral, ++h->index, &welcome, h->p->now,
				 resp, &h->session),
		0);
	uplink_input(h->p->uplink, h->p->now, SPAN(resp, sizeof(resp)));
	assert_int_equal(uplink_status(h->p->uplink)->state, UPLINK_UP);
	return size;
}

/* The next DATA of the agent, its size, or 0; what HELD in it says, and how many others are. */
static size_t next_of(struct handmade *h, struct record_held *held, unsigned *others)
{
	uint8_t datagram[PACKET_MAX], plain[PACKET_DATA_MAX];
	size_t size = uplink_output(h->p->uplink, h->p->now, datagram);
	struct record record;
	struct packet p;
	struct span inside;
	struct reader r;

	*held = (struct record_held){ .port = 0 };
	*others = 0;
	if (!size)
		return 0;
	assert_int_equal(packet_decode(SPAN(datagram, size), &p), 0);
	assert_int_equal(session_open(&h->session, &p, plain, &inside), 0);
	r = reader_of(inside);
	while (record_next(&r, &record)) {
		if (record.kind == RECORD_HELD)
			*held = record.held;
		else
			(*others)++;
	}
	assert_false(r.failed);
	return size;
}

static void say(struct handmade *h, const struct record *record)
{
	uint8_t memory[PACKET_DATA_MAX], datagram[PACKET_MAX];
	struct writer plain = writer_over(memory, sizeof(memory));
	struct writer sealed = writer_over(datagram, sizeof(datagram));

	record_encode(&plain, record);
	assert_int_equal(session_seal(&h->session, writer_span(&plain), &sealed), 0);
	uplink_input(h->p->uplink, h->p->now, writer_span(&sealed));
}

static void say_list(struct handmade *h, uint64_t version)
{
	const struct record ring = { .kind = RECORD_RING,
		.ring = { .version = version, .interval_ms = 1000 } };

	say(h, &ring);
}

static void say_all(struct handmade *h)
{
	const struct record ack = { .kind = RECORD_ACK, .ack = { .durable = 1, .credit = 64 } };

	say(h, &ack);
}

/* Beside the first thing that is told, again until the CMA is heard, then no more. */
static void test_first(void **state)
{
	struct handmade h;
	struct record_held held;
	unsigned others;

	start(&h, *state);
	hold(&h, 0);
	assert_int_equal(answer(&h), PACKET_INIT_SIZE);
	for (int sent = 0; sent < 2; sent++) {
		assert_true(next_of(&h, &held, &others) > 0);
		assert_int_equal(others, 1);
		assert_int_equal(held.port, PORT);
		assert_int_equal(held.version, 0);
		assert_true(held.clock_ms == (uint64_t)h.p->now.ns / NS_PER_MS);
		assert_int_equal(next_of(&h, &held, &others), 0);
		h.p->now = instant_add(h.p->now, 5 * NS_PER_SEC); /* as if it were lost */
	}
	say_all(&h);
	assert_int_equal(next_of(&h, &held, &others), 0);
	pair_tell(h.p, "tcp 0.0.0.0:8080", "{}");
	assert_true(next_of(&h, &held, &others) > 0);
	assert_int_equal(others, 1);
	assert_int_equal(held.port, 0);
}

/* With all the sections that a host fills today, it stays within what an unchanged host may say. */
static void test_restarted(void **state)
{
	static const enum section empty[] = { SECTION_PACKAGE, SECTION_FILE, SECTION_CONFIG,
		SECTION_CHECK, SECTION_SCRIPT };
	struct handmade h;
	struct record_held held;
	unsigned others;
	size_t size;

	start(&h, *state);
	for (int i = 0; i < SECTION_COUNT; i++) {
		struct fact fact = { (enum section)i, SPAN_TEXT("a"), SPAN_TEXT("1") };
		bool filled = true;

		for (size_t j = 0; j < sizeof(empty) / sizeof(empty[0]); j++)
			filled = filled && empty[j] != (enum section)i;
		if (filled)
			tracker_apply(h.p->tracker, &fact);
	}
	hold(&h, 0);
	size = answer(&h);
	size += next_of(&h, &held, &others);
	assert_int_equal(held.port, PORT);
	assert_int_equal(others, 1);
	print_message("an unchanged host with neighbours says %zu bytes\n", size);
	assert_true(size <= RESTARTED_MOST);
}

/* A list is given on, and what is then held is said at once, alone, for each that comes. */
static void test_list(void **state)
{
	struct handmade h;
	struct record_held held;
	unsigned others;

	start(&h, *state);
	hold(&h, 0);
	answer(&h);
	next_of(&h, &held, &others);
	say_all(&h);
	assert_true(uplink_deadline(h.p->uplink).ns == INSTANT_NEVER.ns);
	for (uint64_t version = 7; version < 9; version++) {
		say_list(&h, version);
		assert_true(h.lists[h.list_count - 1] == version);
		hold(&h, version);
		assert_int_equal(uplink_deadline(h.p->uplink).ns, 0);
		assert_int_equal(next_of(&h, &held, &others), 55);
		assert_int_equal(held.version, version);
		assert_int_equal(others, 0);
		assert_true(uplink_deadline(h.p->uplink).ns == INSTANT_NEVER.ns);
	}
	assert_int_equal(h.list_count, 2);
	assert_true(uplink_status(h.p->uplink)->settled);
}

/* What is urgent waits for as long as the CMA is away, and the next session begins with HELD. */
static void test_next_session(void **state)
{
	static const uint8_t sight[] = "any message";
	struct handmade h;
	struct record_held held;
	uint8_t unknown[PACKET_UNKNOWN_SIZE];
	struct record token = { .kind = RECORD_RESET_TOKEN };
	struct packet p = { .type = PACKET_UNKNOWN, .body = { token.reset_token.token, 16 } };
	struct writer w = writer_over(unknown, sizeof(unknown));
	unsigned others;

	start(&h, *state);
	hold(&h, 3);
	answer(&h);
	next_of(&h, &held, &others);
	say_all(&h);
	say(&h, &token);
	p.receiver = h.session.local;
	packet_encode(&w, &p);
	for (int i = 0; i < 100; i++) /* without a session for hours */
		h.p->now = instant_add(h.p->now, 300 * NS_PER_SEC);
	uplink_input(h.p->uplink, h.p->now, writer_span(&w));
	assert_true(uplink_urgent(h.p->uplink, SPAN(sight, sizeof(sight))));
	answer(&h);
	assert_true(next_of(&h, &held, &others) > 0);
	assert_int_equal(held.version, 3);
	assert_int_equal(others, 1);
}

/* Nobody said anything of heartbeats: nor does the agent; and a list without a taker is dropped. */
static void test_without(void **state)
{
	struct handmade h;
	struct record_held held;
	unsigned others;

	start(&h, *state);
	answer(&h);
	assert_true(next_of(&h, &held, &others) > 0);
	assert_int_equal(held.port, 0);
	say_all(&h);
	say_list(&h, 1);
	assert_int_equal(next_of(&h, &held, &others), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first),
		TEST(test_restarted),
		TEST(test_list),
		TEST(test_next_session),
		TEST(test_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
