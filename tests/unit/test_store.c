// SPDX-License-Identifier: Apache-2.0
/* The writer thread, on a real graph: what is told to be durable is, and nothing else. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "tests/unit/desk.h"

enum { AGENTS = 5, MESSAGES = 40, BACKLOG = 60000 };

static int note_agent(void *context, const struct graph_agent *agent)
{
	uint64_t *sequences = context;

	assert_in_range(agent->psk[0], 1, AGENTS);
	sequences[agent->psk[0]] = agent->durable[STREAM_STATE];
	return 0;
}

/* Agents interleaved: each keeps its order, and the last result of each tells all of it. */
static void test_commits(void **state)
{
	uint64_t heard[AGENTS + 1] = { 0 }, kept[AGENTS + 1] = { 0 };
	struct desk *f = *state;
	struct store_result result;
	size_t done = 0;

	desk_make_token(f, 7);
	for (uint64_t id = 1; id <= AGENTS; id++)
		desk_push_enrol(f, id, 7);
	for (uint64_t sequence = 1; sequence <= MESSAGES; sequence++) {
		char key[16];

		snprintf(key, sizeof(key), "eth%u", (unsigned)sequence);
		for (uint64_t id = AGENTS; id; id--)
			desk_push_fact(f, id, sequence, key);
	}
	while (done < AGENTS) {
		assert_true(desk_take(f, &result));
		assert_int_equal(result.kind, STORE_COMMITTED);
		assert_in_range(result.commit.id, 1, AGENTS);
		assert_int_equal(result.commit.incarnation, 1);
		assert_true(!heard[result.commit.id] ||
			result.commit.durable[STREAM_STATE] > heard[result.commit.id]);
		heard[result.commit.id] = result.commit.durable[STREAM_STATE];
		done += result.commit.durable[STREAM_STATE] == MESSAGES;
	}
	assert_int_equal(stats_view(&f->stats, instant_now()).deltas, AGENTS * MESSAGES);
	desk_stop(f);
	desk_start(f); /* a new process finds what was told to be durable */
	assert_int_equal(graph_agents(f->graph, note_agent, kept), 0);
	for (size_t id = 1; id <= AGENTS; id++)
		assert_int_equal(kept[id], MESSAGES);
}

static void test_stop_commits_what_is_queued(void **state)
{
	uint64_t kept[AGENTS + 1] = { 0 };
	struct desk *f = *state;

	desk_make_token(f, 7);
	desk_push_enrol(f, 1, 7);
	for (uint64_t sequence = 1; sequence <= MESSAGES; sequence++)
		desk_push_fact(f, 1, sequence, "eth0");
	desk_stop(f);
	desk_start(f);
	assert_int_equal(graph_agents(f->graph, note_agent, kept), 0);
	assert_int_equal(kept[1], MESSAGES);
}

static void *make_late_token(void *user)
{
	struct desk *f = user;
	const struct graph_token token = { .tenant = "default" };

	return (void *)(intptr_t)desk_put_token(f, &token);
}

/* Seconds of work are queued: the end comes in time, and what was told to be durable is. */
static void test_stop_leaves_a_backlog(void **state)
{
	uint64_t kept[AGENTS + 1] = { 0 }, told = 0;
	struct desk *f = *state;
	struct store_result result;
	struct instant begun;

	desk_make_token(f, 7);
	desk_push_enrol(f, 1, 7);
	for (uint64_t i = 1; i <= BACKLOG; i++) {
		char key[16];

		snprintf(key, sizeof(key), "eth%" PRIu64, i);
		desk_push_fact(f, 1, i, key);
	}
	begun = instant_now();
	store_stop(f->store);
	assert_true(instant_sub(instant_now(), begun) < NS_PER_SEC);
	while (store_take(f->store, &result))
		told = result.commit.durable[STREAM_STATE];
	assert_true(told < BACKLOG);
	store_free(f->store);
	graph_close(f->graph);
	desk_start(f);
	assert_int_equal(graph_agents(f->graph, note_agent, kept), 0);
	assert_int_equal(kept[1], told);
}

static void test_token_after_stop(void **state)
{
	struct desk *f = *state;
	pthread_t thread;
	void *err;

	store_stop(f->store);
	assert_int_equal(pthread_create(&thread, NULL, make_late_token, f), 0);
	pthread_join(thread, &err);
	assert_int_equal((intptr_t)err, -ESHUTDOWN);
	store_free(f->store);
	graph_close(f->graph);
	desk_start(f);
}

static void test_bad_tenant(void **state)
{
	const struct graph_token token = { .tenant = "two words" };
	struct desk *f = *state;

	assert_int_equal(desk_put_token(f, &token), -EINVAL);
}

static int fail_change(struct act *act, void *context)
{
	(void)context;
	assert_int_equal(
		graph_enrol(act->graph, (const uint8_t *)"no token", NULL, NULL, NULL), -ENOENT);
	return -EIO;
}

/* A change that fails takes what else is in its transaction with it, and says so to who waits. */
static void test_failed_change(void **state)
{
	struct desk *f = *state;
	struct store_result result;

	assert_int_equal(store_change(f->store, fail_change, NULL), -EIO);
	assert_true(desk_take(f, &result));
	assert_int_equal(result.kind, STORE_FAILED);
	desk_make_token(f, 7);
}

/* An agent whose token is not known: neither it nor what it says is acknowledged. */
static void test_refused(void **state)
{
	uint64_t kept[AGENTS + 1] = { 0 };
	struct desk *f = *state;
	struct store_result result;

	desk_make_token(f, 7);
	desk_push_enrol(f, 1, 8);
	desk_push_fact(f, 1, 1, "eth0");
	desk_push_enrol(f, 2, 7);
	desk_push_fact(f, 2, 1, "eth0");
	do {
		assert_true(desk_take(f, &result));
		assert_int_equal(result.commit.id, 2);
	} while (result.commit.durable[STREAM_STATE] != 1);
	assert_int_equal(stats_view(&f->stats, instant_now()).refused, 2);
	desk_stop(f);
	desk_start(f);
	assert_int_equal(graph_agents(f->graph, note_agent, kept), 0);
	assert_int_equal(kept[1], 0);
	assert_int_equal(kept[2], 1);
}

static sqlite3 *lock_database(const struct desk *f)
{
	char *path autofree = text_format("%s/graph.db", f->directory);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

/* Another process holds the database: nothing is acknowledged until it can be kept. */
static void test_failure(void **state)
{
	uint64_t kept[AGENTS + 1] = { 0 };
	struct desk *f = *state;
	struct store_result result;
	sqlite3 *db;

	desk_make_token(f, 7);
	desk_push_enrol(f, 1, 7);
	assert_true(desk_take(f, &result));
	db = lock_database(f);
	desk_push_fact(f, 1, 1, "eth1");
	assert_true(desk_take(f, &result));
	assert_int_equal(result.kind, STORE_FAILED);
	assert_true(*result.error);
	sqlite3_close(db);

	desk_push_fact(f, 1, 1, "eth1");
	desk_push_fact(f, 1, 2, "eth2");
	do {
		assert_true(desk_take(f, &result));
		assert_int_equal(result.kind, STORE_COMMITTED);
	} while (result.commit.durable[STREAM_STATE] != 2);
	desk_stop(f);
	desk_start(f);
	assert_int_equal(graph_agents(f->graph, note_agent, kept), 0);
	assert_int_equal(kept[1], 2);
}

/* The hub hands an enrolment out again as soon as it failed: that must not spin, nor be told. */
static void test_failure_pauses(void **state)
{
	enum { ROUNDS = 4 };
	struct desk *f = *state;
	struct store_result result;
	struct instant began;
	sqlite3 *db;

	desk_make_token(f, 7);
	desk_push_enrol(f, 1, 7);
	assert_true(desk_take(f, &result));
	assert_true(result.joined);
	db = lock_database(f);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE agent; COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	began = instant_now();
	for (int i = 0; i < ROUNDS; i++) {
		desk_push_enrol(f, 2, 7);
		assert_true(desk_take(f, &result));
		assert_int_equal(result.kind, STORE_FAILED);
		assert_false(result.joined);
	}
	assert_true(instant_sub(instant_now(), began) >= (ROUNDS - 1) * STORE_PAUSE_MS * NS_PER_MS);
}

/* What was pushed before the network thread took the bad news is dropped. */
static void test_failure_drops_the_rest(void **state)
{
	uint64_t kept[AGENTS + 1] = { 0 };
	struct desk *f = *state;
	struct store_result result;
	sqlite3 *db;

	desk_make_token(f, 7);
	desk_push_enrol(f, 1, 7);
	assert_true(desk_take(f, &result));
	desk_wait_for_wakes(f, 3); /* two tokens, one of which was there already */
	db = lock_database(f);
	desk_push_fact(f, 1, 1, "eth1");
	desk_wait_for_wakes(f, 4);
	sqlite3_close(db);
	desk_push_fact(f, 1, 2, "eth2"); /* of the old era */
	desk_make_token(f, 9);		 /* committed behind it */
	assert_true(desk_take(f, &result));
	assert_int_equal(result.kind, STORE_FAILED);
	assert_false(store_take(f->store, &result));
	desk_stop(f);
	desk_start(f);
	assert_int_equal(graph_agents(f->graph, note_agent, kept), 0);
	assert_int_equal(kept[1], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commits),
		TEST(test_stop_commits_what_is_queued),
		TEST(test_stop_leaves_a_backlog),
		TEST(test_token_after_stop),
		TEST(test_bad_tenant),
		TEST(test_failed_change),
		TEST(test_refused),
		TEST(test_failure),
		TEST(test_failure_drops_the_rest),
		TEST(test_failure_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
