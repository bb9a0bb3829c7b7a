// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cma/lanes.h"

enum { TAKEN_MAX = 512 };

struct fixture {
	struct lanes lanes;
	struct lanes_item *taken[TAKEN_MAX];
	size_t count;
	uint64_t serial;
};

struct thing {
	struct lanes_item item;
	uint64_t serial;
};

static uint64_t serial_of(const struct lanes_item *item)
{
	return ((const struct thing *)(const void *)item)->serial;
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));

	lanes_init(&f->lanes);
	*state = f;
	return 0;
}

static void forget_taken(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->taken[i]);
	f->count = 0;
}

static size_t take(struct fixture *f, size_t budget)
{
	forget_taken(f);
	f->count = lanes_take(&f->lanes, budget, f->taken, TAKEN_MAX);
	return f->count;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	while (take(f, 1000000))
		continue;
	assert_int_equal(f->lanes.lines.count, 0);
	lanes_deinit(&f->lanes);
	free(f);
	return 0;
}

/* Returns the item, to be changed only before it is pushed. */
static struct lanes_item *make(struct fixture *f, uint64_t agent, enum lane lane, size_t cost)
{
	struct thing *thing = mem_alloc(1, sizeof(*thing));

	thing->serial = ++f->serial;
	thing->item = (struct lanes_item){
		.agent = agent,
		.incarnation = 1,
		.stream = lane == LANE_URGENT ? STREAM_URGENT : STREAM_STATE,
		.lane = lane,
		.cost = cost,
	};
	return &thing->item;
}

static void push(struct fixture *f, uint64_t agent, enum lane lane, size_t cost)
{
	lanes_push(&f->lanes, make(f, agent, lane, cost));
}

static size_t cost_of(const struct fixture *f, enum lane lane)
{
	size_t cost = 0;

	for (size_t i = 0; i < f->count; i++)
		cost += f->taken[i]->lane == lane ? f->taken[i]->cost : 0;
	return cost;
}

static bool has(const struct fixture *f, uint64_t agent)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->taken[i]->agent == agent)
			return true;
	return false;
}

static void test_empty(void **state)
{
	assert_int_equal(take(*state, 100), 0);
}

/* What is urgent comes first, and nobody gets less than his share. */
static void test_shares(void **state)
{
	struct fixture *f = *state;

	for (uint64_t agent = 1; agent <= 1000; agent++)
		for (int lane = LANE_COUNT; lane--;)
			push(f, agent + 1000 * (unsigned)lane, (enum lane)lane, 1);
	for (int round = 0; round < 10; round++) {
		assert_int_equal(take(f, 100), 100);
		assert_int_equal(f->taken[0]->lane, LANE_URGENT);
		assert_in_range(cost_of(f, LANE_URGENT), 40, 41);
		assert_in_range(cost_of(f, LANE_CHANGES), 35, 36);
		assert_in_range(cost_of(f, LANE_SNAPSHOT), 23, 25);
	}
}

/* What a lane does not want is the others', and using it costs a lane nothing later. */
static void test_leftover(void **state)
{
	struct fixture *f = *state;

	for (uint64_t agent = 1; agent <= 1000; agent++)
		push(f, agent, LANE_SNAPSHOT, 1);
	for (int round = 0; round < 3; round++)
		assert_int_equal(take(f, 100), 100);
	for (uint64_t agent = 2001; agent <= 3000; agent++)
		push(f, agent, LANE_CHANGES, 1);
	assert_int_equal(take(f, 100), 100);
	assert_in_range(cost_of(f, LANE_SNAPSHOT), 24, 30);
}

/* One who always has something large makes nobody wait. */
static void test_flood(void **state)
{
	struct fixture *f = *state;
	size_t flood = 0, others = 0;

	for (int i = 0; i < 100; i++)
		push(f, 1, LANE_CHANGES, 4096);
	for (int round = 0; round < 200; round++) {
		for (uint64_t agent = 2; agent <= 9; agent++)
			push(f, agent, LANE_CHANGES, LANES_QUANTUM);
		take(f, 1000);
		for (size_t i = 0; i < f->count; i++)
			*(f->taken[i]->agent == 1 ? &flood : &others) += f->taken[i]->cost;
		/* Two rounds later at the latest. */
		assert_true(f->lanes.count <= 100 + 3 * 8);
	}
	assert_true(others >= 198 * 8 * LANES_QUANTUM);
	assert_true(flood > 0);
}

/* Nine want more than there is: who asks for it in large pieces gets no more than another. */
static void test_turns(void **state)
{
	struct fixture *f = *state;
	size_t flood = 0, others = 0;

	for (int i = 0; i < 100; i++) {
		push(f, 1, LANE_CHANGES, 4096);
		for (uint64_t agent = 2; agent <= 9; agent++)
			for (int k = 0; k < 64; k++)
				push(f, agent, LANE_CHANGES, LANES_QUANTUM);
	}
	for (int round = 0; round < 100; round++) {
		take(f, 1000);
		for (size_t i = 0; i < f->count; i++)
			*(f->taken[i]->agent == 1 ? &flood : &others) += f->taken[i]->cost;
	}
	assert_in_range(flood, others / 8 - 4096, others / 8 + 4096);
}

/* Something large in a low lane: what is urgent is in every next transaction nevertheless. */
static void test_urgent_in_every_transaction(void **state)
{
	struct fixture *f = *state;

	for (uint64_t agent = 1; agent <= 50; agent++)
		push(f, agent, LANE_SNAPSHOT, 4096);
	for (uint64_t agent = 100; agent < 120; agent++) {
		push(f, agent, LANE_URGENT, 1);
		take(f, 500);
		assert_true(has(f, agent));
		assert_int_equal(f->taken[0]->agent, agent);
		/* More than one of them in one transaction would be too much work. */
		assert_true(f->count <= 2);
	}
}

/* An agent's own order, in each stream. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	uint64_t last[STREAM_COUNT] = { 0 };

	for (int i = 0; i < 50; i++) {
		push(f, 7, i % 3 ? LANE_SNAPSHOT : LANE_CHANGES, 10);
		push(f, 7, LANE_URGENT, 10);
		push(f, 8, LANE_CHANGES, 1);
	}
	while (take(f, 50)) {
		for (size_t i = 0; i < f->count; i++) {
			const struct lanes_item *item = f->taken[i];

			if (item->agent != 7)
				continue;
			assert_true(serial_of(item) > last[item->stream]);
			last[item->stream] = serial_of(item);
		}
	}
}

/* Nothing of the new incarnation before all of the old one, in whatever stream. */
static void test_incarnations(void **state)
{
	struct fixture *f = *state;
	struct lanes_item *fresh;
	uint64_t incarnation = 1;
	size_t taken = 0;

	for (int i = 0; i < 20; i++)
		push(f, 7, LANE_SNAPSHOT, 10);
	for (int i = 0; i < 5; i++) {
		fresh = make(f, 7, i % 2 ? LANE_URGENT : LANE_CHANGES, 1);
		fresh->incarnation = 2;
		lanes_push(&f->lanes, fresh);
	}
	fresh = make(f, 7, LANE_URGENT, 1);
	fresh->incarnation = 3;
	lanes_push(&f->lanes, fresh);
	while (take(f, 30)) {
		for (size_t i = 0; i < f->count; i++) {
			assert_true(f->taken[i]->incarnation >= incarnation);
			incarnation = f->taken[i]->incarnation;
		}
		taken += f->count;
	}
	assert_int_equal(taken, 26);
	assert_int_equal(incarnation, 3);
}

static void test_barrier(void **state)
{
	struct fixture *f = *state;
	struct lanes_item *barrier;
	uint64_t at;

	push(f, 7, LANE_CHANGES, 1);
	barrier = make(f, 7, LANE_CHANGES, 1);
	barrier->barrier = true;
	at = serial_of(barrier);
	lanes_push(&f->lanes, barrier);
	push(f, 7, LANE_URGENT, 1);
	push(f, 8, LANE_URGENT, 1);
	assert_int_equal(take(f, 100), 4);
	assert_int_equal(f->taken[0]->agent, 8);
	assert_int_equal(serial_of(f->taken[2]), at);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_shares),
		TEST(test_leftover),
		TEST(test_flood),
		TEST(test_turns),
		TEST(test_urgent_in_every_transaction),
		TEST(test_order),
		TEST(test_incarnations),
		TEST(test_barrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
