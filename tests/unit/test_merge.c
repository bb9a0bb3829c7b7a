// SPDX-License-Identifier: Apache-2.0
/* Facts in any order, many or few to a message, make the graph that they make in one go. */
#include "tests/unit/estate.h"

#include <sqlite3.h>

/* What a host may say; of two values one at a time, or none. */
static const struct {
	enum section section;
	const char *key;
	const char *values[2];
} pool[] = {
	{ SECTION_ADDRESS, "eth0 10.0.0.1/24",
		{ "{'addr':'10.0.0.1','ifname':'eth0','prefix':24}",
			"{'addr':'10.0.0.1','ifname':'eth0','prefix':25}" } },
	{ SECTION_ADDRESS, "eth1 10.0.0.1/24",
		{ "{'addr':'10.0.0.1','ifname':'eth1','prefix':24}",
			"{'addr':'10.0.0.2','ifname':'eth1','prefix':24}" } },
	{ SECTION_ADDRESS, "eth0 2001:db8::1/64",
		{ "{'addr':'2001:db8::1','ifname':'eth0','prefix':64}",
			"{'addr':'2001:db8::2','ifname':'eth0','prefix':64}" } },
	{ SECTION_ADDRESS, "lo 127.0.1.1/8",
		{ "{'addr':'127.0.1.1','ifname':'lo','prefix':8}",
			"{'addr':'127.0.0.1','ifname':'lo','prefix':8}" } },
	{ SECTION_INBOUND, "1",
		{ "{'addr':'10.0.0.1','peer':'10.0.0.9','port':80,'proto':'tcp'}",
			"{'addr':'10.9.0.1','peer':'10.0.0.9','port':80,'proto':'tcp'}" } },
	{ SECTION_INBOUND, "2",
		{ "{'addr':'10.9.0.1','peer':'10.0.0.8','port':80,'proto':'tcp'}",
			"{'addr':'10.9.0.1','peer':'10.0.0.7','port':53,'proto':'udp'}" } },
	{ SECTION_INBOUND, "3",
		{ "{'addr':'10.0.0.1','netns':'blue','peer':'10.0.0.9','port':80,'proto':'tcp'}",
			"{'addr':'10.9.0.2','peer':'10.0.0.9','port':80,'proto':'tcp'}" } },
	{ SECTION_PROCESS, "a:1", { "{'exe':'/a','unit':'a.service'}", "{'exe':'/a'}" } },
	{ SECTION_LISTEN, "tcp 0.0.0.0:80",
		{ "{'addr':'0.0.0.0','port':80,'process':['a:1'],'proto':'tcp'}",
			"{'addr':'0.0.0.0','port':80,'process':['a:1','b:1'],'proto':'tcp'}" } },
	{ SECTION_LISTEN, "tcp [::]:443",
		{ "{'addr':'::','dual':true,'port':443,'process':['b:1'],'proto':'tcp'}",
			"{'addr':'::','port':443,'process':['b:1'],'proto':'tcp'}" } },
	{ SECTION_LISTEN, "tcp 0.0.0.0:80 blue",
		{ "{'addr':'0.0.0.0','netns':'blue','port':80,'process':['a:1'],'proto':'tcp'}",
			"{'addr':'0.0.0.0','netns':'blue',"
			"'port':80,'process':[],'proto':'tcp'}" } },
	{ SECTION_LISTEN, "udp 53",
		{ "{'addr':'0.0.0.0','port':53,'process':['c:1'],'proto':'udp'}",
			"{'addr':'10.0.0.2','port':53,'process':['c:1'],'proto':'udp'}" } },
	{ SECTION_CLIENT, "c:1 tcp 10.0.0.1:80",
		{ "{'addr':'10.0.0.1','port':80,'process':'c:1','proto':'tcp'}",
			"{'addr':'10.9.0.1','port':80,'process':'c:1','proto':'tcp'}" } },
};

enum { POOL = sizeof(pool) / sizeof(pool[0]), NOTHING = 2 };

static unsigned pick(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(*seed >> 33) % below;
}

/* All that is alive, a line each, without ids and times. */
static char *alive(struct estate *e)
{
	static const char sql[] =
		"WITH now AS (SELECT n.id, iif(o.kind IN ('host', 'tenant'), '', o.key || '/')"
		" || n.kind || ':' || n.key AS name, n.gone FROM node n"
		" LEFT JOIN node o ON o.id = n.owner)"
		" SELECT group_concat(line, char(10)) FROM ("
		"SELECT name AS line FROM now WHERE gone = 9223372036854775807"
		" UNION ALL SELECT s.name || ' ' || e.kind || ' ' || d.name || ' by ' || f.key"
		" FROM edge e JOIN now s ON s.id = e.src JOIN now d ON d.id = e.dst"
		" JOIN fact f ON f.id = e.fact WHERE e.gone = 9223372036854775807"
		" UNION ALL SELECT netns || ' ' || ip || ' ' || facts FROM local ORDER BY line)";
	char *path autofree = text_format("%s/graph.db", e->directory);
	sqlite3_stmt *s;
	sqlite3 *db;
	char *text;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	text = text_copy((const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return text;
}

static void add(struct writer *facts, unsigned which, unsigned value)
{
	estate_pack(facts, pool[which].section, pool[which].key,
		value == NOTHING ? NULL : pool[which].values[value]);
}

static void send(struct estate *e, int64_t agent, struct writer *facts)
{
	struct message message = { .kind = MESSAGE_CHANGES, .changes.facts = writer_span(facts) };

	estate_send(e, agent, &message);
	assert_int_equal(e->result.verdict, GRAPH_APPLIED);
	writer_reset(facts);
}

/* The graph of an estate that was told all in one message, each fact once, from any one on. */
static char *from_scratch(const unsigned said[POOL], unsigned first)
{
	struct writer facts cleanup(writer_free) = writer_growing(1 << 20);
	struct estate e;
	char *text;

	estate_new(&e);
	for (unsigned i = first; i < first + POOL; i++)
		if (said[i % POOL] != NOTHING)
			add(&facts, i % POOL, said[i % POOL]);
	send(&e, estate_enrol(&e, "default", 1), &facts);
	text = alive(&e);
	estate_remove(&e);
	return text;
}

static void test_any_order(void **state)
{
	(void)state;
	for (uint64_t run = 0; run < 8; run++) {
		struct writer facts cleanup(writer_free) = writer_growing(1 << 20);
		unsigned said[POOL];
		uint64_t seed = run;
		struct estate e;
		int64_t agent;

		estate_new(&e);
		agent = estate_enrol(&e, "default", 1);
		for (unsigned i = 0; i < POOL; i++)
			said[i] = NOTHING;
		for (unsigned message = 0; message < 40; message++) {
			e.now += pick(&seed, 2);
			for (unsigned left = 1 + pick(&seed, 12); left; left--) {
				unsigned which = pick(&seed, POOL);

				said[which] = pick(&seed, NOTHING + 1);
				add(&facts, which, said[which]);
			}
			send(&e, agent, &facts);
			if (message % 10 == 9) {
				char *got autofree = alive(&e);
				char *expected autofree = from_scratch(said, pick(&seed, POOL));

				if (strcmp(got, expected) != 0)
					fail_msg("run %u, message %u:\n%s\nnot\n%s", (unsigned)run,
						message, got, expected);
			}
		}
		estate_remove(&e);
	}
}

/* An address that comes, goes and comes within one message; one that goes and comes stays. */
static void test_within_message(void **state)
{
	static const unsigned told[] = { NOTHING, 0, NOTHING, 0 };
	struct writer facts cleanup(writer_free) = writer_growing(1 << 20);
	char *before autofree = NULL, *after autofree = NULL;
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	estate_service(&e, agent, "web", 80);
	for (unsigned i = 1; i < 4; i++)
		add(&facts, 0, told[i]);
	send(&e, agent, &facts);
	before = alive(&e);
	assert_non_null(strstr(before, "process:web:1 serves 10.0.0.1/endpoint:tcp 80"));
	e.now++;
	for (unsigned i = 0; i < 4; i++)
		add(&facts, 0, told[i]);
	send(&e, agent, &facts);
	after = alive(&e);
	assert_string_equal(after, before);
	estate_remove(&e);
}

/* Nodes that a commit which failed had made are made again, and nobody points to where they were.
 */
static void test_rolled_back(void **state)
{
	static const char dangling[] =
		"SELECT count(*) FROM edge WHERE src NOT IN (SELECT id FROM node)"
		" OR dst NOT IN (SELECT id FROM node)";
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	for (int i = 0; i < 3; i++) {
		struct writer facts cleanup(writer_free) = writer_growing(4096);
		struct writer bytes cleanup(writer_free) = writer_growing(4096);
		struct message message = { .kind = MESSAGE_CHANGES };

		for (int client = i; client < i + 3; client++) {
			char *key autofree = text_format("c:%d tcp 10.0.0.%d:80", client, client);
			char *value autofree = text_format(
				"{'addr':'10.0.0.%d','port':80,'process':'c:%d','proto':'tcp'}",
				client, client);

			estate_pack(&facts, SECTION_CLIENT, key, value);
		}
		message.changes.facts = writer_span(&facts);
		message_encode(&bytes, &message);
		assert_int_equal(graph_begin(e.graph, e.now), 0);
		assert_int_equal(
			estate_apply(&e, agent, 1, (uint64_t)i + 1, writer_span(&bytes)), 0);
		if (i == 1)
			assert_int_equal(graph_commit(e.graph), 0);
		else
			graph_rollback(e.graph);
	}
	assert_int_equal(estate_sql(&e, dangling), 0);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM edge WHERE kind = 'uses'"), 3);
	e.sequence = 3;
	estate_service(&e, agent, "c", 80);
	estate_client(&e, agent, "c", "10.0.0.9", 80, true);
	estate_client(&e, agent, "c", "10.0.0.4", 80, true);
	assert_int_equal(estate_sql(&e, dangling), 0);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_within_message),
		cmocka_unit_test(test_rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
