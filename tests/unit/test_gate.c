// SPDX-License-Identifier: Apache-2.0
/* Who may wait for a handshake, and who is told to come when: storms and floods on a virtual clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cma/gate.h"
#include "cma/limit.h"
#include "cma/turns.h"

enum { SERVED_PER_MS = 4 };

/* A caller: only what the gate looks at is in its INIT. */
struct caller {
	struct addr from;
	struct instant next; /* when it calls; INSTANT_NEVER: it is served */
	bool has_cookie;
	uint8_t cookie[COOKIE_SIZE];
	unsigned int calls;
	uint32_t waited_ms; /* the longest that it was told */
};

struct rig {
	uint64_t seed;
	struct instant now;
	struct gate *gate;
	struct hub_counters counters;
	struct caller *callers;
	size_t count, served;
};

static void chance(void *owner, void *to, size_t size)
{
	uint64_t *state = owner;
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++) {
		*state = *state * 6364136223846793005U + 1442695040888963407U;
		bytes[i] = (uint8_t)(*state >> 56);
	}
}

static uint64_t chance_below(struct rig *rig, uint64_t limit)
{
	uint64_t value;

	chance(&rig->seed, &value, sizeof(value));
	return value % limit;
}

static struct addr address_of(uint32_t number)
{
	struct addr addr = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 10 }, .port = 1000 };

	addr.ip[13] = (uint8_t)(number >> 16);
	addr.ip[14] = (uint8_t)(number >> 8);
	addr.ip[15] = (uint8_t)number;
	return addr;
}

static struct rig *rig_new(size_t callers)
{
	struct rig *rig = mem_alloc(1, sizeof(*rig));

	rig->seed = 1;
	rig->now.ns = NS_PER_SEC;
	rig->gate = gate_new(chance, &rig->seed);
	rig->count = callers;
	gate_expect(rig->gate, callers);
	rig->callers = mem_alloc(callers + 1, sizeof(*rig->callers));
	for (size_t i = 0; i < callers; i++) {
		rig->callers[i].from = address_of((uint32_t)i);
		rig->callers[i].next = rig->now;
	}
	return rig;
}

static void rig_free(struct rig *rig)
{
	gate_free(rig->gate);
	free(rig->callers);
	free(rig);
}

/* One INIT; number stands for its content and says afterwards who was served. */
static bool enter(struct rig *rig, const struct addr *from, uint32_t number, const uint8_t *cookie,
	struct cookie_reply *retry)
{
	uint8_t init[PACKET_INIT_SIZE] = { PACKET_INIT, PACKET_VERSION };
	struct packet p;

	memcpy(init + PACKET_HEADER, &number, sizeof(number));
	if (cookie)
		cookie_sign(cookie, init);
	assert_int_equal(packet_decode(SPAN(init, sizeof(init)), &p), 0);
	return gate_enter(rig->gate, rig->now, 0, from, &p, &rig->counters, retry);
}

/* As an agent does it. */
static void call(struct rig *rig, uint32_t number)
{
	struct caller *caller = &rig->callers[number];
	struct cookie_reply retry;

	caller->calls++;
	if (enter(rig, &caller->from, number, caller->has_cookie ? caller->cookie : NULL, &retry)) {
		caller->next = instant_add(rig->now, 4 * NS_PER_SEC);
		return;
	}
	caller->has_cookie = true;
	memcpy(caller->cookie, retry.cookie, sizeof(retry.cookie));
	caller->next = instant_add(
		rig->now, (retry.after_ms + (int64_t)chance_below(rig, 100)) * NS_PER_MS);
}

static void serve(struct rig *rig)
{
	const struct gate_init *init = NULL;

	for (int i = 0; i < SERVED_PER_MS && (init = gate_next(rig->gate, rig->now)); i++) {
		uint32_t number;

		memcpy(&number, init->datagram + PACKET_HEADER, sizeof(number));
		if (number >= rig->count || rig->callers[number].next.ns == INSTANT_NEVER.ns)
			continue;
		rig->callers[number].next = INSTANT_NEVER;
		rig->served++;
	}
}

static void step(struct rig *rig)
{
	for (uint32_t i = 0; i < rig->count; i++) {
		if (!instant_before(rig->now, rig->callers[i].next))
			call(rig, i);
	}
	serve(rig);
	rig->now = instant_add(rig->now, NS_PER_MS);
}

static double calls_each(const struct rig *rig)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < rig->count; i++)
		calls += rig->callers[i].calls;
	return (double)calls / (double)rig->count;
}

/* Without a crowd nobody is asked for anything. */
static void test_quiet(void **state)
{
	struct rig *rig = rig_new(GATE_LOADED);

	(void)state;
	for (uint32_t i = 0; i < rig->count; i++)
		call(rig, i);
	assert_int_equal(rig->counters.no_cookie, 0);
	call(rig, 0);
	assert_int_equal(rig->counters.no_cookie, 1);
	rig_free(rig);
}

/* Power comes back: everybody calls in the same millisecond. */
static void test_storm(void **state)
{
	enum { AGENTS = 30000 };
	struct rig *rig = rig_new(AGENTS);
	int64_t ms = 0;

	(void)state;
	while (rig->served < AGENTS && ms++ < 60000)
		step(rig);
	print_message("%d callers at once, %d served a ms: %d ms, %.2f calls each\n", AGENTS,
		SERVED_PER_MS, (int)ms, calls_each(rig));
	assert_int_equal(rig->served, AGENTS);
	assert_true(ms <= 3 * AGENTS / SERVED_PER_MS / 2);
	assert_true(calls_each(rig) <= 2.2);
	rig_free(rig);
}

/* Nobody behind the INITs of a flood ever comes back: a real one is not told to wait for them. */
static void test_flood(void **state)
{
	enum { FLOOD_PER_MS = 50, MS = 20000, EVERY_MS = 100 };
	struct rig *rig = rig_new(MS / EVERY_MS);
	struct cookie_reply retry;
	size_t late = 0;

	(void)state;
	for (size_t i = 0; i < rig->count; i++)
		rig->callers[i].next = instant_add(rig->now, (int64_t)i * EVERY_MS * NS_PER_MS);
	for (int ms = 0; ms < MS + 3000; ms++) {
		for (int i = 0; i < FLOOD_PER_MS; i++) {
			struct addr from = address_of((uint32_t)chance_below(rig, 1 << 24));

			enter(rig, &from, UINT32_MAX, NULL, &retry);
		}
		step(rig);
	}
	for (size_t i = 0; i < rig->count; i++)
		late += rig->callers[i].calls > 2;
	print_message("in a flood: %zu of %zu served, %.2f calls each\n", rig->served, rig->count,
		calls_each(rig));
	assert_int_equal(rig->served, rig->count);
	assert_true(late <= rig->count / 100);
	for (size_t i = 0; i < rig->count; i++)
		assert_true(rig->callers[i].waited_ms <= 500);
	rig_free(rig);
}

/* Somebody with a real address and a good cookie gets no more than half of the places. */
static void test_greedy(void **state)
{
	struct rig *rig = rig_new(2);
	struct caller *greedy = &rig->callers[0], *modest = &rig->callers[1];
	struct cookie_reply retry;
	uint32_t i;

	(void)state;
	for (i = 0; i < GATE_LOADED; i++)
		assert_true(enter(rig, &greedy->from, i, NULL, &retry));
	assert_false(enter(rig, &modest->from, 1, NULL, &retry));
	memcpy(modest->cookie, retry.cookie, COOKIE_SIZE);
	assert_false(enter(rig, &greedy->from, 0, NULL, &retry));
	for (; i < GATE_CROWDED; i++)
		assert_true(enter(rig, &greedy->from, i, retry.cookie, &retry));
	assert_false(enter(rig, &greedy->from, i, retry.cookie, &retry));
	assert_int_equal(rig->counters.crowded, 1);
	assert_true(enter(rig, &modest->from, 1, modest->cookie, &retry));
	/* Nor is there room for ever. */
	for (i = 0; i < 2 * GATE_MAX; i++) {
		struct addr from = address_of(i + 2);
		bool room = enter(rig, &from, i, NULL, &retry);

		assert_false(room);
		enter(rig, &from, i, retry.cookie, &retry);
	}
	for (i = 0; gate_next(rig->gate, rig->now); i++)
		continue;
	assert_int_equal(i, GATE_MAX);
	rig_free(rig);
}

/* Cookies stay in demand for a second after the crowd has gone. */
static void test_demand_ends(void **state)
{
	struct rig *rig = rig_new(GATE_LOADED + 1);

	(void)state;
	for (uint32_t i = 0; i < rig->count; i++)
		call(rig, i);
	while (gate_next(rig->gate, rig->now))
		continue;
	assert_true(gate_is_empty(rig->gate));
	rig->callers[0].has_cookie = false;
	call(rig, 0);
	assert_int_equal(rig->counters.no_cookie, 2);
	rig->now = instant_add(rig->now, NS_PER_SEC);
	rig->callers[0].has_cookie = false;
	call(rig, 0);
	assert_int_equal(rig->counters.no_cookie, 2);
	rig_free(rig);
}

static void test_limit(void **state)
{
	struct limit *limit = mem_alloc(1, sizeof(*limit));
	static const uint8_t key[SEAL_KEY] = { 1 };
	struct instant now = { NS_PER_SEC };
	struct addr a, b, other;

	(void)state;
	assert_int_equal(addr_parse("[2001:db8::1]:1", &a), 0);
	assert_int_equal(addr_parse("[2001:db8::ffff:2]:2", &b), 0);
	assert_int_equal(addr_parse("[2001:db8:0:1::1]:1", &other), 0);
	for (int i = 0; i < LIMIT_BURST; i++)
		assert_true(limit_take(limit, key, now, i % 2 ? &a : &b));
	assert_false(limit_take(limit, key, now, &a));
	assert_true(limit_take(limit, key, now, &other));
	now = instant_add(now, NS_PER_SEC / LIMIT_PER_S);
	assert_true(limit_take(limit, key, now, &b));
	assert_false(limit_take(limit, key, now, &a));
	now = instant_add(now, 10 * NS_PER_SEC);
	for (int i = 0; i < LIMIT_BURST; i++)
		assert_true(limit_take(limit, key, now, &a));
	assert_false(limit_take(limit, key, now, &a));
	free(limit);
}

/* The number tells the place in the line, at the rate that was measured. */
static void test_turns(void **state)
{
	struct turns turns = { .rate = 0 };
	struct instant now = { 0 };
	uint32_t last = 0;

	(void)state;
	turns_advance(&turns, now);
	assert_int_equal(turns_give(&turns, 0, UINT32_MAX), TURNS_TICK_MS);
	for (int i = 1; i < TURNS_RATE_FIRST; i++) {
		uint32_t ms = turns_give(&turns, 0, UINT32_MAX);

		assert_true(ms >= last);
		last = ms;
	}
	assert_in_range(last, 950, 1150);
	/* Served at double speed for some time: as many wait half as long. */
	for (int tick = 0; tick < 30; tick++) {
		for (int i = 0; i < 2 * TURNS_RATE_FIRST / 10; i++) {
			turns_served(&turns);
			turns_came(&turns);
		}
		now = instant_add(now, TURNS_TICK_MS * NS_PER_MS);
		turns_advance(&turns, now);
	}
	for (int i = 0; i < TURNS_RATE_FIRST; i++)
		last = turns_give(&turns, 0, UINT32_MAX);
	assert_in_range(last, 480, 700);
	/* Nobody is sent away for more than a minute. */
	for (int i = 0; i < 1000000; i++)
		last = turns_give(&turns, 0, UINT32_MAX);
	assert_true(last < TURNS_TICKS * TURNS_TICK_MS);
	/* Nor for longer than all agents would take. */
	turns = (struct turns){ .rate = 0 };
	turns_advance(&turns, now);
	for (int i = 0; i < 1000000; i++)
		last = turns_give(&turns, 0, TURNS_RATE_FIRST);
	assert_true(last <= 1000 + 2 * TURNS_TICK_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_greedy),
		cmocka_unit_test(test_demand_ends),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
