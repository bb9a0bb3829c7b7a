// SPDX-License-Identifier: Apache-2.0
/* The store: one message, once, whole; digests; ranges; roster; what a crash leaves. */
#include "tests/unit/estate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

/* ---- opening ---- */

static void test_one_owner(void **state)
{
	struct estate e;
	struct graph_options options = { .directory = e.directory };
	struct graph *second;
	struct stat database;
	char *path autofree = NULL;

	(void)state;
	estate_new(&e);
	assert_int_equal(graph_open(&options, &second, e.error, sizeof(e.error)), -EWOULDBLOCK);
	assert_null(second);
	assert_non_null(strstr(e.error, e.directory));
	path = text_format("%s/graph.db", e.directory);
	assert_int_equal(stat(path, &database), 0);
	assert_int_equal(database.st_mode & 077, 0);
	estate_remove(&e);
}

static void run_sql(struct estate *e, const char *sql)
{
	char *path autofree = text_format("%s/graph.db", e->directory);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void test_newer_and_damaged(void **state)
{
	struct estate e;
	struct graph_options options = { .directory = e.directory };
	char *path autofree = NULL;
	int fd;

	(void)state;
	estate_new(&e);
	estate_close(&e);
	run_sql(&e, "PRAGMA user_version = 999");
	assert_int_equal(graph_open(&options, &e.graph, e.error, sizeof(e.error)), -EOVERFLOW);
	assert_non_null(strstr(e.error, "newer version"));
	assert_int_equal(estate_sql(&e, "PRAGMA user_version"), 999);
	path = text_format("%s/graph.db", e.directory);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "this is no database, but long enough", 36), 36);
	close(fd);
	assert_int_equal(graph_open(&options, &e.graph, e.error, sizeof(e.error)), -EUCLEAN);
	options.directory = "/nonexistent";
	assert_int_equal(graph_open(&options, &e.graph, e.error, sizeof(e.error)), -ENOENT);
	assert_string_equal(e.error, "/nonexistent: No such file or directory");
	e.queries = NULL;
	e.graph = NULL;
	estate_remove(&e);
}

static void test_epoch(void **state)
{
	uint64_t epoch = 0;
	struct estate e;

	(void)state;
	estate_new(&e);
	assert_int_equal(graph_epoch(e.graph), 0);
	assert_int_equal(graph_epoch_bump(e.graph, &epoch), 0);
	assert_int_equal(epoch, 1);
	estate_close(&e);
	estate_open(&e);
	assert_int_equal(graph_epoch_bump(e.graph, &epoch), 0);
	assert_int_equal(epoch, 2);
	assert_int_equal(graph_epoch(e.graph), 2);
	estate_remove(&e);
}

/* ---- roster ---- */

static int keep_token(void *context, const struct graph_token *token)
{
	*(struct graph_token *)context = *token;
	return 0;
}

static int keep_agent(void *context, const struct graph_agent *agent)
{
	*(struct graph_agent *)context = *agent;
	return 0;
}

static void test_tokens(void **state)
{
	struct graph_token token = { .id = "token-1", .tenant = "red", .uses = 1 }, got = { 0 };
	const uint8_t key[GRAPH_KEY] = { 1 }, other[GRAPH_KEY] = { 2 }, psk[GRAPH_KEY] = { 3 };
	int64_t agent, again;
	struct estate e;

	(void)state;
	estate_new(&e);
	token.expires_ms = e.now + 1000;
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(graph_token_create(e.graph, &token), 0);
	assert_int_equal(graph_token_create(e.graph, &token), -EEXIST);
	assert_int_equal(
		graph_enrol(e.graph, (const uint8_t *)"another", key, psk, &agent), -ENOENT);
	assert_int_equal(graph_enrol(e.graph, token.id, key, psk, &agent), 0);
	assert_int_equal(graph_enrol(e.graph, token.id, other, psk, &again), -EDQUOT);
	snprintf(token.tenant, sizeof(token.tenant), "no/slash");
	token.id[0] = 'x';
	assert_int_equal(graph_token_create(e.graph, &token), -EINVAL);
	snprintf(token.tenant, sizeof(token.tenant), "blue");
	assert_int_equal(graph_token_create(e.graph, &token), 0);
	assert_int_equal(graph_enrol(e.graph, token.id, key, psk, &again), -EEXIST);
	assert_int_equal(graph_commit(e.graph), 0);
	/* It was still good when the agent proved it. */
	assert_int_equal(graph_begin(e.graph, e.now + 1000), 0);
	assert_int_equal(graph_enrol(e.graph, token.id, other, psk, &again), 0);
	graph_rollback(e.graph);

	estate_close(&e);
	estate_open(&e);
	assert_int_equal(graph_tokens(e.graph, keep_token, &got), 0);
	assert_string_equal(got.tenant, "blue");
	assert_int_equal(got.uses, 1);
	assert_int_equal(got.uses_made, 0);
	assert_int_equal(got.created_ms, ESTATE_START);
	estate_remove(&e);
}

static void test_agents(void **state)
{
	struct message digest = { .kind = MESSAGE_DIGEST };
	struct graph_agent got = { 0 };
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 7);
	digest.digest.sections[SECTION_HOST] = 1;
	e.sequence = 41;
	estate_send(&e, agent, &digest);
	estate_close(&e);
	estate_open(&e);
	assert_int_equal(graph_agents(e.graph, keep_agent, &got), 0);
	assert_int_equal(got.id, agent);
	assert_int_equal(got.public_key[31], 7);
	assert_string_equal(got.tenant_name, "default");
	assert_int_equal(got.incarnation, 1);
	assert_int_equal(got.durable[STREAM_STATE], 42);
	assert_int_equal(got.digest_sequence, 42);
	assert_int_equal(got.want, 1 << SECTION_HOST);
	estate_remove(&e);
}

/* ---- a crash ---- */

/* Commits one fact after the other and says each one that is durable on the pipe. */
static void write_for_ever(struct estate *e, int64_t agent, int to)
{
	for (int64_t i = 0;; i++) {
		char key[16], value[64];

		snprintf(key, sizeof(key), "eth%d", (int)i);
		snprintf(value, sizeof(value), "{'ifname':'%s','mac':'02:00:00:00:%02x:%02x'}", key,
			(unsigned)(i >> 8) & 255, (unsigned)i & 255);
		estate_tell(e, agent, SECTION_LINK, key, value);
		if (write(to, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static void test_crash(void **state)
{
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	for (int round = 0; round < 5; round++) {
		int64_t durable = -1, i;
		int pipes[2];
		pid_t child;

		estate_close(&e);
		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (!child) {
			estate_open(&e);
			e.sequence = (uint64_t)estate_sql(&e, "SELECT sequence FROM agent");
			write_for_ever(&e, agent, pipes[1]);
		}
		close(pipes[1]);
		while (durable < 40 + 37 * round && read(pipes[0], &i, sizeof(i)) == sizeof(i))
			durable = i;
		kill(child, SIGKILL);
		while (read(pipes[0], &i, sizeof(i)) == sizeof(i))
			durable = i;
		close(pipes[0]);
		waitpid(child, NULL, 0);
		estate_open(&e);
		assert_true(
			estate_sql(&e, "SELECT count(*) FROM fact WHERE gone > 1e18") > durable);
		assert_int_equal(estate_sql(&e,
					 "SELECT count(*) FROM pragma_integrity_check"
					 " WHERE integrity_check <> 'ok'"),
			0);
		/* Facts and graph are of one piece. */
		assert_int_equal(estate_sql(&e, "SELECT count(*) FROM fact"),
			estate_sql(&e, "SELECT count(*) FROM edge WHERE kind = 'nic'"));
	}
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_owner),
		cmocka_unit_test(test_newer_and_damaged),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_agents),
		cmocka_unit_test(test_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
