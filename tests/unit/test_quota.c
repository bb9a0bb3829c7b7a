// SPDX-License-Identifier: Apache-2.0
/* What one agent may have in the graph, and how much of what it may not is kept. */
#include "tests/unit/estate.h"

#include "wire/digest.h"

enum { FACTS = 10, BYTES = 2000, KEPT = 1000 };

static int64_t open_small(struct estate *e)
{
	estate_new(e);
	estate_close(e);
	e->options.agent_facts = FACTS;
	e->options.agent_bytes = BYTES;
	e->options.quarantine_bytes = KEPT;
	estate_open(e);
	return estate_enrol(e, "default", 1);
}

/* Facts eth<from> to eth<until - 1>, with so long a value each; 0: they are gone. */
static void tell(struct estate *e, int64_t agent, int from, int until, size_t size)
{
	struct writer facts cleanup(writer_free) = writer_growing(1 << 20);
	struct message message = { .kind = MESSAGE_CHANGES };

	for (int i = from; i < until; i++) {
		char key[16];
		char *text autofree = mem_alloc(size + 1, 1);
		char *value autofree = NULL;

		memset(text, 'x', size);
		value = size ? text_format("{'ifname':'%s'}", text) : NULL;
		snprintf(key, sizeof(key), "eth%d", i);
		estate_pack(&facts, SECTION_LINK, key, value);
	}
	e->now++;
	message.changes.facts = writer_span(&facts);
	estate_send(e, agent, &message);
}

static void assert_applied(struct estate *e)
{
	assert_int_equal(e->result.verdict, GRAPH_APPLIED);
	/* What is kept up to date is what is there. */
	assert_int_equal(estate_sql(e,
				 "SELECT facts = (SELECT count(*) FROM fact WHERE gone > 1e18)"
				 " FROM agent"),
		1);
	assert_int_equal(
		estate_sql(e,
			"SELECT bytes = (SELECT coalesce(sum(length(key) + length(value)), 0)"
			" FROM fact WHERE gone > 1e18) FROM agent"),
		1);
	assert_int_equal(estate_sql(e,
				 "SELECT edges = (SELECT count(*) FROM edge WHERE gone > 1e18"
				 " AND fact <> 0) FROM agent"),
		1);
}

static void assert_refused(struct estate *e, int64_t facts)
{
	assert_int_equal(e->result.verdict, GRAPH_QUARANTINED);
	assert_string_equal(e->result.reason, "over quota");
	/* It counts as heard, and nothing of it is there. */
	assert_int_equal(e->result.durable[STREAM_STATE], e->sequence);
	assert_int_equal(estate_sql(e, "SELECT count(*) FROM fact WHERE gone > 1e18"), facts);
	assert_int_equal(estate_sql(e, "SELECT facts FROM agent"), facts);
	assert_int_equal(estate_sql(e,
				 "SELECT count(*) FROM incident WHERE kind = 'over-quota'"
				 " AND cleared > 1e18"),
		1);
}

static void test_facts(void **state)
{
	struct estate e;
	int64_t agent;

	(void)state;
	agent = open_small(&e);
	tell(&e, agent, 0, FACTS, 1);
	assert_applied(&e);
	/* One too many takes with it what it came with, edges and all. */
	tell(&e, agent, FACTS - 1, FACTS + 1, 2);
	assert_refused(&e, FACTS);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM fact WHERE value LIKE '%xx%'"), 0);
	assert_int_equal(
		estate_sql(&e, "SELECT count(*) FROM edge WHERE kind = 'nic' AND gone > 1e18"),
		FACTS);
	/* What does not make it more is taken, and what makes it less makes room. */
	tell(&e, agent, 0, FACTS, 2);
	assert_applied(&e);
	tell(&e, agent, 0, 2, 0);
	assert_applied(&e);
	tell(&e, agent, FACTS, FACTS + 2, 1);
	assert_applied(&e);
	tell(&e, agent, 0, 1, 1);
	assert_refused(&e, FACTS);
	assert_int_equal(estate_sql(&e, "SELECT quarantined FROM agent"), 2);
	estate_remove(&e);
}

static void test_bytes(void **state)
{
	struct estate e;
	int64_t agent;

	(void)state;
	agent = open_small(&e);
	tell(&e, agent, 0, 3, 500);
	assert_applied(&e);
	tell(&e, agent, 3, 4, 500);
	assert_refused(&e, 3);
	tell(&e, agent, 0, 1, 1);
	assert_applied(&e);
	tell(&e, agent, 3, 4, 500);
	assert_applied(&e);
	/* Over a quota that was made smaller: only less is taken. */
	estate_close(&e);
	e.options.agent_bytes = 1000;
	estate_open(&e);
	tell(&e, agent, 1, 2, 501);
	assert_refused(&e, 4);
	tell(&e, agent, 1, 2, 499);
	assert_applied(&e);
	estate_remove(&e);
}

/* So many addresses of a host, or listeners on all of them; all or none of them are there. */
static void tell_product(struct estate *e, int64_t agent, enum section section, int count)
{
	struct writer facts cleanup(writer_free) = writer_growing(1 << 20);
	struct message message = { .kind = MESSAGE_CHANGES };

	for (int i = 0; i < abs(count); i++) {
		char *key autofree = text_format("%d", i);
		char *address autofree = text_format(
			"{'addr':'10.0.%d.%d','ifname':'eth0','prefix':16}", i / 256, i % 256);
		char *listen autofree = text_format(
			"{'addr':'0.0.0.0','port':%d,'process':['p'],'proto':'tcp'}", i + 1);

		estate_pack(&facts, section, key,
			count < 0			    ? NULL
				: section == SECTION_LISTEN ? listen
							    : address);
	}
	e->now++;
	message.changes.facts = writer_span(&facts);
	estate_send(e, agent, &message);
}

/* Few words can say much: each listener on all addresses is there on each of them. */
static void test_edges(void **state)
{
	enum { MANY = 400 };
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	tell_product(&e, agent, SECTION_LISTEN, MANY);
	assert_applied(&e);
	tell_product(&e, agent, SECTION_ADDRESS, GRAPH_MESSAGE_EDGES / MANY - 2);
	assert_applied(&e);
	tell_product(&e, agent, SECTION_ADDRESS, -MANY);
	assert_applied(&e);
	tell_product(&e, agent, SECTION_ADDRESS, MANY);
	assert_refused(&e, MANY);
	tell_product(&e, agent, SECTION_LISTEN, -MANY);
	assert_applied(&e);
	tell_product(&e, agent, SECTION_ADDRESS, MANY);
	assert_applied(&e);
	tell_product(&e, agent, SECTION_LISTEN, MANY);
	assert_refused(&e, MANY);
	estate_remove(&e);
}

/* However it was told of. */
static void test_edges_of_an_agent(void **state)
{
	enum { SOME = 10 };
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	estate_close(&e);
	e.options.agent_edges = SOME * SOME + 4 * SOME;
	estate_open(&e);
	agent = estate_enrol(&e, "default", 1);
	tell_product(&e, agent, SECTION_ADDRESS, SOME);
	tell_product(&e, agent, SECTION_LISTEN, SOME);
	assert_applied(&e);
	tell_product(&e, agent, SECTION_LISTEN, SOME + 1);
	assert_refused(&e, 2 * SOME);
	tell_product(&e, agent, SECTION_ADDRESS, -1);
	assert_applied(&e);
	tell_product(&e, agent, SECTION_LISTEN, SOME + 1);
	assert_applied(&e);
	estate_remove(&e);
}

/* The incident is over when the host and the store agree again. */
static void test_incident_ends(void **state)
{
	struct message digest = { .kind = MESSAGE_DIGEST };
	uint64_t sums[SECTION_COUNT] = { 0 };
	struct estate e;
	int64_t agent;

	(void)state;
	agent = open_small(&e);
	tell(&e, agent, 0, FACTS + 1, 1);
	assert_refused(&e, 0);
	sums[SECTION_LINK] = 1;
	digest_set(&digest.digest, sums);
	estate_send(&e, agent, &digest);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM incident WHERE cleared > 1e18"), 1);
	sums[SECTION_LINK] = 0;
	digest_set(&digest.digest, sums);
	estate_send(&e, agent, &digest);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM incident WHERE cleared > 1e18"), 0);
	estate_remove(&e);
}

static void send_bad(struct estate *e, int64_t agent, size_t size)
{
	uint8_t *bytes autofree = mem_alloc(size, 1);

	memset(bytes, 0xee, size);
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(estate_apply(e, agent, 1, ++e->sequence, SPAN(bytes, size)), 0);
	assert_int_equal(e->result.verdict, GRAPH_QUARANTINED);
}

/* All agents together fill no more than that, and what a failed commit had kept does not count. */
static void test_quarantine(void **state)
{
	struct estate e;
	int64_t agents[2];

	(void)state;
	agents[0] = open_small(&e);
	agents[1] = estate_enrol(&e, "default", 2);
	send_bad(&e, agents[0], 900);
	graph_rollback(e.graph);
	for (int i = 0; i < 4; i++) {
		send_bad(&e, agents[i % 2], 300);
		assert_int_equal(graph_commit(e.graph), 0);
	}
	assert_int_equal(estate_sql(&e, "SELECT sum(length(message)) FROM quarantine"), 900);
	assert_int_equal(estate_sql(&e, "SELECT sum(quarantined) FROM agent"), 4);
	/* A new process counts on from there. */
	estate_close(&e);
	e.options.quarantine_bytes = 2 * GRAPH_QUARANTINE_CUT;
	estate_open(&e);
	send_bad(&e, agents[0], 3 * GRAPH_QUARANTINE_CUT);
	assert_int_equal(graph_commit(e.graph), 0);
	assert_int_equal(estate_sql(&e, "SELECT max(length(message)) FROM quarantine"),
		GRAPH_QUARANTINE_CUT);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM quarantine"), 4);
	estate_remove(&e);
}

/* More in one message than the writer wants to do at a time. */
static void test_message(void **state)
{
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	tell(&e, agent, 0, GRAPH_MESSAGE_FACTS + 1, 0);
	assert_int_equal(e.result.verdict, GRAPH_QUARANTINED);
	tell(&e, agent, 0, GRAPH_MESSAGE_FACTS, 0);
	assert_int_equal(e.result.verdict, GRAPH_APPLIED);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_edges_of_an_agent),
		cmocka_unit_test(test_incident_ends),
		cmocka_unit_test(test_quarantine),
		cmocka_unit_test(test_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
