// SPDX-License-Identifier: Apache-2.0
/* The hub under attack: load, replayed handshakes, addresses that are not the agent's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cma/gate.h"
#include "tests/unit/pair.h"
#include "wire/session.h"

static void input(struct pair *p, const struct addr *from, const uint8_t *bytes, size_t size)
{
	hub_input(p->hub, p->now, PAIR_WALL_MS, from, SPAN(bytes, size));
}

static void input_captured(struct pair *p, const struct addr *from, size_t i)
{
	input(p, from, p->captured[i].bytes, p->captured[i].size);
}

/* INITs of somebody who knows the CMA's key, until cookies are in demand. */
static void load(struct pair *p)
{
	uint8_t init[PACKET_INIT_SIZE] = { PACKET_INIT, PACKET_VERSION }, key[SEAL_KEY];
	struct addr from;

	addr_parse("10.9.9.9:9", &from);
	seal_hash(NULL, "np1 mac1", SPAN(p->cma_key.public, SEAL_KEY), key, SEAL_KEY);
	for (uint16_t i = 0; i < GATE_LOADED; i++) {
		memcpy(init + PACKET_HEADER, &i, sizeof(i));
		seal_mac(key, SPAN(init, sizeof(init) - 2 * PACKET_MAC),
			init + sizeof(init) - 2 * PACKET_MAC);
		input(p, &from, init, sizeof(init));
	}
}

/* Under load an agent is told to come back, does so with a cookie, and is served. */
static void test_retry(void **state)
{
	struct pair *p = *state;
	struct packet init;

	load(p);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->retries, 1);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_CALLING);
	assert_int_equal(hub_counters(p->hub)->no_cookie, 1);
	assert_int_equal(hub_counters(p->hub)->bad_handshake, GATE_LOADED);
	assert_true(instant_before(p->now, uplink_deadline(p->uplink)));
	assert_true(instant_sub(uplink_deadline(p->uplink), p->now) <= NS_PER_SEC);
	p->now = uplink_deadline(p->uplink);
	load(p);
	pair_pump(p);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	assert_int_equal(p->event_count, 2);
	/* The same INIT, but for mac2. */
	assert_memory_equal(
		p->captured[0].bytes, p->captured[1].bytes, PACKET_INIT_SIZE - PACKET_MAC);
	packet_decode(SPAN(p->captured[0].bytes, p->captured[0].size), &init);
	assert_memory_not_equal(
		init.mac2.data, p->captured[1].bytes + PACKET_INIT_SIZE - PACKET_MAC, PACKET_MAC);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

/* RETRY is taken once for each INIT, and only if the CMA made it. */
static void test_forged_retry(void **state)
{
	struct pair *p = *state;
	uint8_t datagram[PACKET_MAX], forged[PACKET_RETRY_SIZE];
	struct instant deadline;
	struct addr to;

	p->to_agent_lost = true;
	load(p);
	while (uplink_output(p->uplink, p->now, datagram))
		input(p, &p->agent_address, datagram, PACKET_INIT_SIZE);
	assert_int_equal(hub_output(p->hub, p->now, &to, datagram), PACKET_RETRY_SIZE);
	deadline = uplink_deadline(p->uplink);
	memcpy(forged, datagram, sizeof(forged));
	forged[sizeof(forged) - 1] ^= 1;
	uplink_input(p->uplink, p->now, SPAN(forged, sizeof(forged)));
	assert_int_equal(uplink_status(p->uplink)->retries, 0);
	assert_int_equal(uplink_deadline(p->uplink).ns, deadline.ns);
	uplink_input(p->uplink, p->now, SPAN(datagram, PACKET_RETRY_SIZE));
	assert_int_equal(uplink_status(p->uplink)->retries, 1);
	deadline = uplink_deadline(p->uplink);
	p->now = instant_add(p->now, NS_PER_MS);
	uplink_input(p->uplink, p->now, SPAN(datagram, PACKET_RETRY_SIZE));
	assert_int_equal(uplink_status(p->uplink)->retries, 1);
	assert_int_equal(uplink_deadline(p->uplink).ns, deadline.ns);
}

/* An agent with a session does not wait for handshakes: they are answered one at a time. */
static void test_data_overtakes(void **state)
{
	struct pair *p = *state;
	uint8_t datagram[PACKET_MAX];
	struct hub_event event;
	size_t size;

	pair_join(p);
	load(p);
	pair_tell(p, "a", "1");
	size = uplink_output(p->uplink, p->now, datagram);
	input(p, &p->agent_address, datagram, size);
	assert_true(hub_take(p->hub, &event));
	assert_int_equal(event.kind, HUB_MESSAGE);
	assert_int_equal(hub_counters(p->hub)->bad_handshake, 0);
	hub_event_free(&event);
}

/*
 * A nanoprobe died after its call was answered; its first DATA arrives when the next one has told
 * all: it opens no session, and takes no stream back.
 */
static void test_late_first_data(void **state)
{
	struct pair *p = *state;
	size_t late, events;

	pair_join(p);
	pair_new_uplink(p, true);
	p->to_cma_lost = true;
	pair_pump(p);
	p->to_cma_lost = false;
	input_captured(p, &p->agent_address, p->up - 1);
	p->to_cma_lost = true;
	pair_pump(p); /* RESP arrives, DATA does not */
	late = p->up - 1;
	assert_int_equal(p->captured[late].bytes[0], PACKET_DATA);
	p->to_cma_lost = false;
	pair_new_uplink(p, true);
	pair_pass(p, 1000);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
	events = p->event_count;
	input_captured(p, &p->agent_address, late);
	pair_pump(p);
	assert_int_equal(p->event_count, events);
	assert_int_equal(hub_counters(p->hub)->unproven, 1);
	pair_tell(p, "a", "1");
	pair_pump(p);
	assert_int_equal(p->event_count, events + 1);
}

/* Its recorded INITs, which nobody can complete, do not keep an agent from calling. */
static void test_replayed_init(void **state)
{
	struct pair *p = *state;
	struct addr elsewhere;
	size_t old = p->up;

	addr_parse("10.66.6.6:666", &elsewhere);
	pair_join(p);
	pair_new_uplink(p, true);
	p->to_agent_lost = true;
	pair_pump(p);
	for (int i = 0; i < 5; i++) {
		/* The agent's own INIT waits for its RESP; then an old one comes from elsewhere. */
		input_captured(p, &elsewhere, old);
		pair_pump(p);
	}
	assert_int_equal(hub_counters(p->hub)->unproven, 0);
	p->to_agent_lost = false;
	pair_pass(p, 1100);
	/* Sent again it got the RESP that it had been given before. */
	assert_int_equal(hub_counters(p->hub)->handshakes, 3);
	assert_int_equal(uplink_status(p->uplink)->state, UPLINK_UP);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

/* What waits for a first DATA is bounded for each key, and ends after a minute. */
static void test_pending_bounded(void **state)
{
	struct pair *p = *state;

	pair_join(p);
	p->to_agent_lost = true;
	for (int i = 0; i < 5; i++) {
		pair_new_uplink(p, true);
		pair_pump(p);
	}
	assert_int_equal(hub_counters(p->hub)->unproven, 2);
	assert_int_equal(hub_session_count(p->hub), 1);
	p->now = instant_add(p->now, 61 * NS_PER_SEC);
	pair_new_uplink(p, true);
	pair_pump(p);
	assert_int_equal(hub_counters(p->hub)->unproven, 5);
}

static void tell(struct pair *p, uint8_t *datagram, size_t *size)
{
	pair_tell(p, "a", "1");
	*size = uplink_output(p->uplink, p->now, datagram);
	assert_true(*size > 0);
}

/* Only the newest genuine packet says where the agent is. */
static void test_roaming(void **state)
{
	struct pair *p = *state;
	struct datagram first, second, forged;
	struct addr elsewhere, home = p->agent_address;

	addr_parse("10.66.6.6:666", &elsewhere);
	pair_join(p);
	tell(p, first.bytes, &first.size);
	input(p, &elsewhere, first.bytes, first.size);
	pair_pass(p, 50);
	assert_memory_equal(&p->to, &elsewhere, sizeof(elsewhere)); /* it has moved */
	pair_tell(p, "b", "1");
	pair_pump(p);
	pair_pass(p, 50);
	assert_memory_equal(&p->to, &home, sizeof(home)); /* and is back */
	/* Seen before, from elsewhere. */
	input(p, &elsewhere, first.bytes, first.size);
	assert_int_equal(hub_counters(p->hub)->replayed, 1);
	/* Made up. */
	forged = p->captured[p->up - 1];
	forged.bytes[8]++;
	input(p, &elsewhere, forged.bytes, forged.size);
	assert_int_equal(hub_counters(p->hub)->forged, 1);
	/* Genuine, but held back on the way until a newer one had come. */
	pair_tell(p, "c", "1");
	second.size = uplink_output(p->uplink, p->now, second.bytes);
	pair_tell(p, "d", "1");
	pair_pump(p);
	input(p, &elsewhere, second.bytes, second.size);
	pair_pass(p, 50);
	assert_memory_equal(&p->to, &home, sizeof(home));
}

/* A packet of the session before is no longer understood, and that ends nothing. */
static void test_late_data(void **state)
{
	struct pair *p = *state;
	struct datagram late;
	uint64_t sessions;
	size_t up;

	pair_join(p);
	tell(p, late.bytes, &late.size);
	/* 24 hours later: a new session. */
	pair_pass(p, 24 * 3600 * 1000);
	pair_pump(p);
	sessions = uplink_status(p->uplink)->sessions;
	assert_int_equal(sessions, 2);
	assert_int_equal(hub_counters(p->hub)->sessions, 2);
	pair_commit(p, 0);
	up = p->up;
	input(p, &p->agent_address, late.bytes, late.size);
	pair_pump(p);
	assert_int_equal(hub_counters(p->hub)->resets, 1);
	assert_int_equal(uplink_status(p->uplink)->resets, 0);
	assert_int_equal(uplink_status(p->uplink)->sessions, sessions);
	assert_int_equal(p->up, up);
	assert_int_equal(hub_session_count(p->hub), 1);
}

/* What goes out because of this datagram. */
static size_t answered_bytes(struct pair *p, const uint8_t *bytes, size_t size)
{
	uint8_t datagram[PACKET_MAX];
	size_t out = 0, one;
	struct addr to;

	input(p, &p->agent_address, bytes, size);
	while (hub_work(p->hub, p->now))
		continue;
	while ((one = hub_output(p->hub, p->now, &to, datagram)))
		out += one;
	return out;
}

/* Of every type and size, with every mac that can be had without a session. */
static void test_amplification(void **state)
{
	struct pair *p = *state;
	uint8_t bytes[PACKET_MAX + 1], key[SEAL_KEY];
	size_t answers = 0;

	seal_hash(NULL, "np1 mac1", SPAN(p->cma_key.public, SEAL_KEY), key, SEAL_KEY);
	for (int loaded = 0; loaded < 2; loaded++) {
		if (loaded)
			load(p);
		for (int type = 0; type < 256; type++) {
			for (size_t size = 0; size <= sizeof(bytes); size++) {
				size_t out;

				pair_random(&p->seed, bytes, 24);
				bytes[0] = (uint8_t)type;
				bytes[1] = PACKET_VERSION;
				if (size == PACKET_INIT_SIZE)
					seal_mac(key, SPAN(bytes, size - 32), bytes + size - 32);
				out = answered_bytes(p, bytes, size);
				assert_true(out <= size);
				answers += out > 0;
			}
		}
	}
	assert_true(answers > 1000);
	/* And what can be recorded: an INIT as often as one likes. */
	pair_pump(p);
	for (int i = 0; i < 10; i++)
		assert_true(answered_bytes(p, p->captured[0].bytes, PACKET_INIT_SIZE) <=
			PACKET_INIT_SIZE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_retry),
		TEST(test_forged_retry),
		TEST(test_data_overtakes),
		TEST(test_late_first_data),
		TEST(test_replayed_init),
		TEST(test_pending_bounded),
		TEST(test_roaming),
		TEST(test_late_data),
		TEST(test_amplification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
