// SPDX-License-Identifier: Apache-2.0
/* What a message does, once, and what becomes of one that cannot be acted on. */
#include "tests/unit/estate.h"

#include <errno.h>
#include <sqlite3.h>

#include "wire/digest.h"

static int keep_agent(void *context, const struct graph_agent *agent)
{
	*(struct graph_agent *)context = *agent;
	return 0;
}

/* LOST: 4 messages of kind 9. */
static const char LOST_4[] = "\x05\4\0\0\0\0\0\0\0\x09";

static void test_duplicate(void **state)
{
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	estate_tell(&e, agent, SECTION_HOST, "os", "{'nodename':'a'}");
	e.sequence = 0;
	e.now++;
	{
		struct message nothing = { .kind = MESSAGE_CHANGES };

		estate_send(&e, agent, &nothing);
	}
	assert_int_equal(e.result.verdict, GRAPH_DUPLICATE);
	assert_int_equal(e.result.durable[STREAM_STATE], 1);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	/* The same number in a new incarnation is new. */
	assert_int_equal(estate_apply(&e, agent, 2, 1, SPAN("\x01\0\0\0\0", 5)), 0);
	assert_int_equal(e.result.verdict, GRAPH_APPLIED);
	assert_int_equal(estate_apply(&e, 4711, 2, 1, SPAN("\x01\0\0\0\0", 5)), -ENOENT);
	assert_int_equal(graph_commit(e.graph), 0);
	estate_remove(&e);
}

/* Each stream has its own order; one incarnation holds for both. */
static void test_streams(void **state)
{
	struct graph_message message = {
		.incarnation = 1, .stream = STREAM_URGENT, .sequence = 3, .bytes = SPAN(LOST_4, 10)
	};
	struct graph_agent got = { 0 };
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(estate_apply(&e, agent, 1, 7, SPAN("\x01\0\0\0\0", 5)), 0);
	assert_int_equal(graph_apply(e.graph, agent, &message, &e.result), 0);
	assert_int_equal(e.result.verdict, GRAPH_APPLIED);
	assert_int_equal(e.result.durable[STREAM_STATE], 7);
	assert_int_equal(e.result.durable[STREAM_URGENT], 3);
	assert_int_equal(graph_apply(e.graph, agent, &message, &e.result), 0);
	assert_int_equal(e.result.verdict, GRAPH_DUPLICATE);
	assert_int_equal(graph_commit(e.graph), 0);
	assert_int_equal(estate_sql(&e, "SELECT lost FROM agent"), 4);
	assert_int_equal(estate_sql(&e,
				 "SELECT count(*) FROM incident WHERE kind = 'events-lost'"
				 " AND text LIKE '4 events %'"),
		1);
	assert_int_equal(graph_agents(e.graph, keep_agent, &got), 0);
	assert_int_equal(got.durable[STREAM_STATE], 7);
	assert_int_equal(got.durable[STREAM_URGENT], 3);
	/* A new process: what its urgent stream says first leaves nothing of the old streams. */
	message.incarnation = 2;
	message.sequence = 1;
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(graph_apply(e.graph, agent, &message, &e.result), 0);
	assert_int_equal(e.result.verdict, GRAPH_APPLIED);
	assert_int_equal(e.result.durable[STREAM_STATE], 0);
	assert_int_equal(e.result.durable[STREAM_URGENT], 1);
	assert_int_equal(graph_commit(e.graph), 0);
	estate_remove(&e);
}

/* An agent is revoked and let in again while two of its messages wait: the first had no effect. */
static void test_nothing_without_what_came_before(void **state)
{
	struct estate e;
	struct graph_message message = {
		.incarnation = 1,
		.stream = STREAM_STATE,
		.first = 3,
		.sequence = 4,
		.bytes = SPAN("\x01\0\0\0\0", 5),
	};
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(estate_apply(&e, agent, 1, 1, SPAN("\x01\0\0\0\0", 5)), 0);
	assert_int_equal(graph_apply(e.graph, agent, &message, &e.result), -EILSEQ);
	/* Nor in a stream that is new, */
	message.incarnation = 2;
	assert_int_equal(graph_apply(e.graph, agent, &message, &e.result), -EILSEQ);
	/* and the old one goes on. */
	message.incarnation = 1;
	message.first = 2;
	assert_int_equal(graph_apply(e.graph, agent, &message, &e.result), 0);
	assert_int_equal(e.result.verdict, GRAPH_APPLIED);
	assert_int_equal(e.result.durable[STREAM_STATE], 4);
	assert_int_equal(graph_commit(e.graph), 0);
	estate_remove(&e);
}

static void test_quarantine(void **state)
{
	struct writer facts cleanup(writer_free) = writer_growing(4096);
	struct message message = { .kind = MESSAGE_CHANGES };
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	/* One bad fact, and the good one before it has no effect either. */
	estate_pack(&facts, SECTION_HOST, "os", "{'nodename':'a'}");
	estate_pack(&facts, SECTION_LINK, "eth0", "{'ifname':");
	message.changes.facts = writer_span(&facts);
	estate_send(&e, agent, &message);
	assert_int_equal(e.result.verdict, GRAPH_QUARANTINED);
	assert_int_equal(e.result.durable[STREAM_STATE], 1);
	assert_non_null(strstr(e.result.reason, "link fact"));
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM fact"), 0);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	for (uint64_t i = 2; i < 100; i++) {
		assert_int_equal(estate_apply(&e, agent, 1, i, SPAN("\xee", 1)), 0);
		assert_int_equal(e.result.verdict, GRAPH_QUARANTINED);
	}
	assert_int_equal(estate_apply(&e, agent, 1, 100, SPAN("", 0)), 0);
	assert_int_equal(e.result.verdict, GRAPH_QUARANTINED);
	assert_int_equal(graph_commit(e.graph), 0);
	assert_int_equal(estate_sql(&e, "SELECT quarantined FROM agent"), 100);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM quarantine"), GRAPH_QUARANTINE_KEPT);
	assert_int_equal(estate_sql(&e, "SELECT length(message) FROM quarantine WHERE id = 2"), 1);
	/* The next good one is taken. */
	e.sequence = 100;
	estate_tell(&e, agent, SECTION_HOST, "os", "{'nodename':'a'}");
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM fact"), 1);
	estate_remove(&e);
}

/* The digest of a section computed from what the table holds, the slow way. */
static uint64_t recompute(
	struct estate *e, const uint8_t public_key[GRAPH_KEY], enum section section)
{
	char *path autofree = text_format("%s/graph.db", e->directory);
	uint8_t key[SEAL_FACT_KEY];
	uint64_t sum = 0;
	sqlite3_stmt *s;
	sqlite3 *db;

	seal_fact_key(public_key, key);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT key, value FROM fact WHERE section = ?"
				 " AND gone = 9223372036854775807",
				 -1, &s, NULL),
		SQLITE_OK);
	sqlite3_bind_text(s, 1, section_name(section), -1, SQLITE_STATIC);
	while (sqlite3_step(s) == SQLITE_ROW) {
		struct fact fact = {
			.section = section,
			.key = SPAN_TEXT((const char *)sqlite3_column_text(s, 0)),
			.value = SPAN_TEXT((const char *)sqlite3_column_text(s, 1)),
		};

		sum += seal_fact_hash(key, &fact);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return sum;
}

static void test_digest(void **state)
{
	struct message digest = { .kind = MESSAGE_DIGEST };
	uint64_t sums[SECTION_COUNT];
	uint8_t key[GRAPH_KEY];
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 9);
	memset(key, 9, sizeof(key));
	for (int i = 0; i < 40; i++) {
		char name[16], value[64];

		snprintf(name, sizeof(name), "eth%d", i % 10);
		snprintf(value, sizeof(value), "{'ifname':'%s','mtu':%d}", name, i);
		e.now++;
		estate_tell(&e, agent, SECTION_LINK, name, i % 7 == 3 ? NULL : value);
	}
	estate_tell(&e, agent, SECTION_HOST, "os", "{'nodename':'a'}");
	for (int i = 0; i < SECTION_COUNT; i++)
		sums[i] = recompute(&e, key, (enum section)i);
	assert_true(sums[SECTION_LINK] != 0);
	digest_set(&digest.digest, sums);
	estate_send(&e, agent, &digest);
	assert_int_equal(e.result.want, 0);
	sums[SECTION_LINK]++;
	sums[SECTION_LLDP]++;
	digest_set(&digest.digest, sums);
	estate_send(&e, agent, &digest);
	assert_int_equal(e.result.want, 1 << SECTION_LINK | 1 << SECTION_LLDP);
	assert_int_equal(e.result.digest_sequence, e.sequence);
	estate_remove(&e);
}

static void send_range(struct estate *e, int64_t agent, const char *from, const char *until,
	const char *const *keys, size_t count)
{
	struct writer facts cleanup(writer_free) = writer_growing(4096);
	struct message message = { .kind = MESSAGE_RANGE,
		.range = { .section = SECTION_LINK,
			.from = SPAN_TEXT(from),
			.until = SPAN_TEXT(until) } };

	for (size_t i = 0; i < count; i++)
		estate_pack(&facts, SECTION_LINK, keys[i], "{'mtu':1}");
	message.range.facts = writer_span(&facts);
	estate_send(e, agent, &message);
}

static void test_range(void **state)
{
	static const char *const bcf[] = { "b", "c", "f" };
	static const char *const cb[] = { "c", "b" };
	struct message digest = { .kind = MESSAGE_DIGEST };
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	for (const char *c = "a\0b\0d\0e\0f\0"; *c; c += 2)
		estate_tell(&e, agent, SECTION_LINK, c, "{'mtu':1}");
	estate_tell(&e, agent, SECTION_HOST, "c", "{}");
	digest.digest.sections[SECTION_LINK] = 1;
	estate_send(&e, agent, &digest);
	assert_int_equal(e.result.want & (1 << SECTION_LINK), 1 << SECTION_LINK);
	e.now++;

	/* b stays, c comes, d goes; a and e are outside, and so is another section. */
	send_range(&e, agent, "b", "e", bcf, 2);
	assert_int_equal(e.result.verdict, GRAPH_APPLIED);
	assert_int_equal(e.result.want & (1 << SECTION_LINK), 1 << SECTION_LINK);
	assert_int_equal(estate_sql(&e,
				 "SELECT group_concat(key, '') = 'abcef' FROM (SELECT key FROM"
				 " fact WHERE section = 'link' AND gone > 1e18 ORDER BY key)"),
		1);
	assert_int_equal(
		estate_sql(&e, "SELECT since FROM fact WHERE section = 'link' AND key = 'b'"),
		ESTATE_START);
	assert_int_equal(estate_sql(&e, "SELECT gone FROM fact WHERE key = 'd'"), ESTATE_START + 1);

	/* The last part ends at the end, and answers what was wanted. */
	send_range(&e, agent, "f", "", bcf + 2, 1);
	assert_int_equal(e.result.want & (1 << SECTION_LINK), 0);
	send_range(&e, agent, "", "", NULL, 0);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM fact WHERE gone > 1e18"), 1);

	/* Out of order, and out of bounds. */
	send_range(&e, agent, "a", "z", cb, 2);
	assert_int_equal(e.result.verdict, GRAPH_QUARANTINED);
	send_range(&e, agent, "b", "c", bcf, 2);
	assert_int_equal(e.result.verdict, GRAPH_QUARANTINED);
	send_range(&e, agent, "c", "", bcf, 2);
	assert_int_equal(e.result.verdict, GRAPH_QUARANTINED);
	estate_remove(&e);
}

static void test_rollback(void **state)
{
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(estate_apply(&e, agent, 5, 9, SPAN("\xee", 1)), 0);
	graph_rollback(e.graph);
	assert_int_equal(estate_sql(&e, "SELECT sequence FROM agent"), 0);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM quarantine"), 0);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_nothing_without_what_came_before),
		cmocka_unit_test(test_quarantine),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_rollback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
