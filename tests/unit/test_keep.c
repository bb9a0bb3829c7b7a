// SPDX-License-Identifier: Apache-2.0
/* What the CMA decides itself, on a real graph: in order, and kept until it is committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "cma/act_alive.h"
#include "cma/graph/ring.h"
#include "cma/graph/store.h"
#include "tests/unit/desk.h"

enum { BACKLOG = 20000, MANY = 1500 };

static void join(struct desk *f, uint64_t id)
{
	struct store_result result;

	desk_push_enrol(f, id, 7);
	do {
		assert_true(desk_take(f, &result));
	} while (!result.joined);
	assert_int_equal(result.commit.id, id);
}

static int set_up(void **state)
{
	desk_setup(state);
	desk_make_token(*state, 7);
	join(*state, 1);
	join(*state, 2);
	return 0;
}

static void keep_edge(struct desk *f, enum alive_event_kind kind, uint32_t edge)
{
	const struct alive_event event = { .kind = kind, .edge = edge, .low = 1, .high = 2 };

	store_keep(f->store, &event, 1);
}

static int last_edge(void *context, const struct graph_ring_edge *edge)
{
	uint32_t *numbers = context;

	numbers[0]++;
	numbers[1] = edge->edge;
	return 0;
}

/* Asked on the thread of the store: in a transaction of its own or in that of what is kept. */
static int look(struct act *act, void *context)
{
	return graph_ring_edges(act->graph, last_edge, context);
}

/* How many edges there are, and the number of the last. */
static void expect_edges(struct desk *f, uint32_t count, uint32_t last)
{
	uint32_t numbers[2] = { 0 };

	assert_int_equal(store_change(f->store, look, numbers), 0);
	assert_int_equal(numbers[0], count);
	assert_int_equal(numbers[1], last);
}

static void wait_until_kept(struct desk *f, uint64_t decisions)
{
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);

	while (stats_view(&f->stats, instant_now()).decisions < decisions)
		assert_true(instant_before(instant_now(), end));
}

static void test_order(void **state)
{
	struct desk *f = *state;

	for (uint32_t edge = 1; edge <= MANY; edge++) {
		keep_edge(f, ALIVE_EVENT_EDGE, edge);
		if (edge > 1)
			keep_edge(f, ALIVE_EVENT_EDGE_END, edge - 1);
	}
	wait_until_kept(f, 2 * MANY - 1);
	expect_edges(f, 1, MANY);
	assert_int_equal(store_kept(f->store), 0);
	desk_stop(f);
	desk_start(f);
	expect_edges(f, 1, MANY);
}

/* A transaction that fails takes nothing of it along, nor what was said with it out of order. */
static void test_survives_failures(void **state)
{
	struct desk *f = *state;
	char *path autofree = text_format("%s/graph.db", f->directory);
	struct store_result result;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	keep_edge(f, ALIVE_EVENT_EDGE, 1);
	keep_edge(f, ALIVE_EVENT_EDGE, 2);
	for (int i = 0; i < 3; i++) {
		assert_true(desk_take(f, &result));
		assert_int_equal(result.kind, STORE_FAILED);
	}
	keep_edge(f, ALIVE_EVENT_EDGE_END, 1);
	assert_int_equal(stats_view(&f->stats, instant_now()).decisions, 0);
	sqlite3_close(db);
	wait_until_kept(f, 3);
	expect_edges(f, 1, 2);
}

/* Of hosts that the store does not know nothing is written, and nothing is held up. */
static void test_of_nobody(void **state)
{
	const struct alive_event event = {
		.kind = ALIVE_EVENT_EDGE, .edge = 1, .low = 1, .high = 99
	};
	struct desk *f = *state;

	store_keep(f->store, &event, 1);
	store_keep_beat(f->store, 99, 1985);
	keep_edge(f, ALIVE_EVENT_EDGE, 2);
	wait_until_kept(f, 3);
	expect_edges(f, 1, 2);
	assert_int_equal(stats_view(&f->stats, instant_now()).unwritten, 1);
}

/* What the store will never allow is set aside and counted: it holds up nothing else. */
static void test_what_cannot_be(void **state)
{
	static const char trigger[] = "CREATE TRIGGER never BEFORE INSERT ON ring WHEN NEW.id = 2"
				      " BEGIN SELECT RAISE(ABORT, 'never'); END";
	struct desk *f = *state;
	char *path autofree = text_format("%s/graph.db", f->directory);
	struct store_result result;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, trigger, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	for (uint32_t edge = 1; edge <= 3; edge++)
		keep_edge(f, ALIVE_EVENT_EDGE, edge);
	assert_true(desk_take(f, &result));
	assert_int_equal(result.kind, STORE_FAILED);
	assert_non_null(strstr(result.error, "never"));
	wait_until_kept(f, 2);
	expect_edges(f, 2, 3);
	assert_int_equal(stats_view(&f->stats, instant_now()).unwritten, 1);
}

/* It does not wait behind what agents say. */
static void test_overtakes_a_backlog(void **state)
{
	struct desk *f = *state;

	for (uint64_t i = 1; i <= BACKLOG; i++)
		desk_push_fact(f, 1, i, "eth0");
	keep_edge(f, ALIVE_EVENT_EDGE, 1);
	wait_until_kept(f, 1);
	assert_true(store_backlog(f->store) > BACKLOG / 2);
}

static void test_stop_commits_what_is_kept(void **state)
{
	struct desk *f = *state;

	keep_edge(f, ALIVE_EVENT_EDGE, 1);
	desk_stop(f);
	desk_start(f);
	expect_edges(f, 1, 1);
}

static void test_places_are_told(void **state)
{
	struct desk *f = *state;
	struct store_result result = { .kind = STORE_COMMITTED };
	const struct hub_event here = { .kind = HUB_HERE, .id = 2 };
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);

	while (store_take(f->store, &result))
		continue;
	store_push(f->store, instant_now(), &here);
	while (result.kind != STORE_PLACED) {
		assert_true(instant_before(instant_now(), end));
		store_take(f->store, &result);
	}
	assert_int_equal(result.commit.id, 2);
	assert_int_equal(result.place.links, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_survives_failures),
		TEST(test_of_nobody),
		TEST(test_what_cannot_be),
		TEST(test_overtakes_a_backlog),
		TEST(test_stop_commits_what_is_kept),
		TEST(test_places_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
