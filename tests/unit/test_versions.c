// SPDX-License-Identifier: Apache-2.0
/* What either end does with what a later release says: an agent made by hand, and a real hub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pair.h"
#include "wire/session.h"
#include "wire/welcome.h"

enum { NEXT_KIND = 200, NEXT_FLAGS = 0xff00, NEXT_VERSION = 2 };

/* The agent of p, of which the uplink is not used. */
struct handmade {
	struct pair *p;
	struct session_self self;
	struct session_call call;
	struct session session;
	uint8_t init[PACKET_INIT_SIZE];
};

static void input(struct pair *p, const uint8_t *bytes, size_t size)
{
	hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address, SPAN(bytes, size));
	while (hub_work(p->hub, p->now))
		continue;
	while (p->event_count < EVENTS_MAX && hub_take(p->hub, &p->events[p->event_count]))
		p->event_count++;
}

static size_t output(struct pair *p, uint8_t datagram[PACKET_MAX])
{
	return hub_output(p->hub, p->now, &p->to, datagram);
}

/* Under mac1 of the receiver, what the flags of a later release are set in. */
static void set_flags(const uint8_t public[SEAL_KEY], uint8_t *datagram, size_t size)
{
	uint8_t key[SEAL_KEY];

	datagram[3] = NEXT_FLAGS >> 8;
	seal_hash(NULL, "np1 mac1", SPAN(public, SEAL_KEY), key, SEAL_KEY);
	seal_mac(key, SPAN(datagram, size - 2 * PACKET_MAC), datagram + size - 2 * PACKET_MAC);
}

/* INIT with flags that this release does not know, which the handshake covers. */
static void write_init(struct handmade *h)
{
	const struct session_hello hello = { .incarnation = 1, .enrol = true };
	uint8_t payload[24] = { 1 }, ephemeral[SEAL_KEY] = { 9 }, noise[144];

	memcpy(payload + 8, h->p->token.id, TOKEN_ID);
	session_self_init(&h->self, &h->p->agent_key);
	assert_int_equal(session_call(&h->call, &h->self, h->p->cma_key.public, ephemeral, 5,
				 &hello, h->init),
		0);
	h->init[3] = NEXT_FLAGS >> 8;
	assert_int_equal(
		noise_write_init(&h->call.noise, SPAN(h->init, PACKET_HEADER + 4), &h->self.key,
			h->p->cma_key.public, ephemeral, SPAN(payload, sizeof(payload)), noise),
		0);
	memcpy(h->init + PACKET_HEADER + 4, noise, sizeof(payload) + NOISE_INIT_EXTRA);
	set_flags(h->p->cma_key.public, h->init, sizeof(h->init));
}

/* An agent of a later release, with a session. */
static struct handmade join(struct pair *p)
{
	struct handmade h = { .p = p };
	uint8_t datagram[PACKET_MAX];
	struct session_welcome welcome;
	struct packet packet;

	write_init(&h);
	input(p, h.init, sizeof(h.init));
	assert_int_equal(output(p, datagram), PACKET_RESP_SIZE);
	set_flags(p->agent_key.public, datagram, PACKET_RESP_SIZE);
	assert_int_equal(packet_decode(SPAN(datagram, PACKET_RESP_SIZE), &packet), 0);
	assert_int_equal(session_answered(&h.call, &h.self, p->token.secret, &packet, p->now,
				 &h.session, &welcome),
		0);
	assert_int_equal(welcome.flags & WELCOME_REFUSAL_MASK, WELCOME_OK);
	return h;
}

static void put_lost(struct writer *w, uint64_t sequence, uint8_t kind)
{
	const uint8_t lost[] = { kind, 7, 0, 0, 0, 0, 0, 0, 0, 0 };
	const struct record record = { .kind = RECORD_FRAGMENT,
		.fragment = { .sequence = sequence, .count = 1, .bytes = SPAN(lost, 10) } };

	record_encode(w, &record);
}

static void put_next_kind(struct writer *w, uint8_t flags)
{
	put_u8(w, NEXT_KIND);
	put_u8(w, flags);
	put_span16(w, SPAN_TEXT("what will be"));
}

/* As session_seal, but with flags of a later release in the header. */
static void tell(struct handmade *h, const struct writer *plain)
{
	uint8_t memory[PACKET_MAX];
	struct writer w = writer_over(memory, sizeof(memory));

	packet_encode_data(&w, h->session.remote, h->session.sent);
	memory[3] = NEXT_FLAGS >> 8;
	seal_encrypt(h->session.send_key, h->session.sent++, SPAN(memory, PACKET_DATA_HEADER),
		writer_span(plain), put_room(&w, plain->size + SEAL_TAG));
	input(h->p, memory, w.size);
}

/* How much of the state stream the next datagram of the CMA acknowledges; 0: there is none. */
static uint64_t acknowledged(struct handmade *h)
{
	uint8_t datagram[PACKET_MAX], memory[PACKET_MAX];
	size_t size = output(h->p, datagram);
	struct record record;
	struct packet packet;
	struct reader r;
	struct span plain;
	uint64_t durable = 0;

	if (!size)
		return 0;
	assert_int_equal(packet_decode(SPAN(datagram, size), &packet), 0);
	assert_int_equal(session_open(&h->session, &packet, memory, &plain), 0);
	for (r = reader_of(plain); record_next(&r, &record);) {
		if (record.kind == RECORD_ACK && record.stream == STREAM_STATE)
			durable = record.ack.durable;
	}
	assert_true(reader_done(&r));
	return durable;
}

static size_t messages_of(const struct pair *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->event_count; i++)
		count += p->events[i].kind == HUB_MESSAGE;
	return count;
}

static void commit(struct pair *p, uint64_t sequence)
{
	const struct hub_commit commit = {
		.id = p->events[0].agent.id, .incarnation = 1, .durable = { sequence }
	};

	hub_committed(p->hub, &commit);
	p->now = instant_add(p->now, NS_PER_SEC);
}

/* A record that may be skipped is, and the rest of the packet is acted on and acknowledged. */
static void test_unknown_record(void **state)
{
	struct handmade h = join(*state);
	uint8_t memory[PACKET_MAX];
	struct writer w = writer_over(memory, sizeof(memory));

	put_next_kind(&w, 0);
	put_lost(&w, 1, MESSAGE_LOST);
	put_next_kind(&w, 0xfe); /* as many flags as are not critical */
	put_lost(&w, 2, MESSAGE_LOST);
	tell(&h, &w);
	assert_int_equal(messages_of(h.p), 2);
	assert_int_equal(hub_counters(h.p->hub)->skipped_record, 2);
	assert_int_equal(hub_counters(h.p->hub)->bad_record, 0);
	commit(h.p, 2);
	assert_int_equal(acknowledged(&h), 2);
}

/* One that must be understood refuses its packet, whole, and no other. */
static void test_unknown_critical_record(void **state)
{
	struct handmade h = join(*state);
	uint8_t memory[PACKET_MAX];
	struct writer w = writer_over(memory, sizeof(memory));

	put_lost(&w, 1, MESSAGE_LOST);
	put_next_kind(&w, RECORD_CRITICAL);
	tell(&h, &w);
	assert_int_equal(messages_of(h.p), 0);
	assert_int_equal(hub_counters(h.p->hub)->bad_record, 1);
	assert_int_equal(acknowledged(&h), 0);
	writer_reset(&w);
	put_lost(&w, 1, MESSAGE_LOST);
	tell(&h, &w);
	assert_int_equal(messages_of(h.p), 1);
	commit(h.p, 1);
	assert_int_equal(acknowledged(&h), 1);
}

/* A stream of a later release is neither acted on nor acknowledged. */
static void test_unknown_stream(void **state)
{
	struct handmade h = join(*state);
	uint8_t memory[PACKET_MAX];
	struct writer w = writer_over(memory, sizeof(memory));

	put_lost(&w, 1, MESSAGE_LOST);
	memory[1] |= STREAM_COUNT << RECORD_STREAM;
	tell(&h, &w);
	assert_int_equal(messages_of(h.p), 0);
	assert_int_equal(hub_counters(h.p->hub)->skipped_record, 1);
	h.p->now = instant_add(h.p->now, NS_PER_SEC);
	assert_int_equal(acknowledged(&h), 0);
}

/*
 * A message of an unknown kind is handed out as it came, and what follows it is, too: the store
 * puts it into quarantine (test_apply).
 */
static void test_unknown_message(void **state)
{
	struct handmade h = join(*state);
	struct message message;
	uint8_t memory[PACKET_MAX];
	struct writer w = writer_over(memory, sizeof(memory));

	put_lost(&w, 1, NEXT_KIND);
	put_lost(&w, 2, MESSAGE_LOST);
	tell(&h, &w);
	assert_int_equal(messages_of(h.p), 2);
	assert_int_equal(h.p->events[h.p->event_count - 2].bytes[0], NEXT_KIND);
	message = pair_message(pair_last(h.p));
	assert_int_equal(message.kind, MESSAGE_LOST);
	assert_int_equal(message.lost.count, 7);
}

/* Datagrams of another version have no effect, no answer, and are counted. */
static void test_unknown_version(void **state)
{
	struct pair *p = *state;
	struct handmade h = join(p);
	uint8_t datagram[PACKET_MAX] = { 0 };
	uint64_t before = hub_counters(p->hub)->bad_packet;
	uint64_t ignored = uplink_status(p->uplink)->ignored;

	for (uint8_t type = PACKET_INIT; type <= PACKET_ECHO; type++) {
		memcpy(datagram, h.init, sizeof(h.init));
		datagram[0] = type;
		datagram[1] = NEXT_VERSION;
		input(p, datagram, sizeof(h.init));
		uplink_input(p->uplink, p->now, SPAN(datagram, sizeof(h.init)));
	}
	assert_int_equal(hub_counters(p->hub)->bad_packet, before + PACKET_ECHO);
	assert_int_equal(uplink_status(p->uplink)->ignored, ignored + PACKET_ECHO);
	assert_int_equal(output(p, datagram), 0);
	assert_int_equal(messages_of(p), 0);
	assert_int_equal(hub_counters(p->hub)->handshakes, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown_record),
		TEST(test_unknown_critical_record),
		TEST(test_unknown_stream),
		TEST(test_unknown_message),
		TEST(test_unknown_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
