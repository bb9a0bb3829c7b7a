// SPDX-License-Identifier: Apache-2.0
/* What a hostile agent, or a clock that is set back, must not do to the store. */
#include "tests/unit/estate.h"

#include "cma/graph/derive.h"

/* What nests deeper than a reader of the store can follow is not taken; what is just as deep is. */
static void test_nesting(void **state)
{
	const char *opened = "[[[[[[[[[[[[[[[[", *closed = "]]]]]]]]]]]]]]]]";
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_enrol(&e, "default", 1);
	for (int depth = FACT_DEPTH_MAX; depth <= FACT_DEPTH_MAX + 1; depth++) {
		struct writer facts cleanup(writer_free) = writer_growing(4096);
		struct message message = { .kind = MESSAGE_CHANGES };
		char *json autofree =
			text_format("{'x':%.*s%.*s}", depth - 1, opened, depth - 1, closed);

		estate_pack(&facts, SECTION_COVERAGE, "tcp", json);
		message.changes.facts = writer_span(&facts);
		estate_send(&e, agent, &message);
		assert_int_equal(e.result.verdict,
			depth > FACT_DEPTH_MAX ? GRAPH_QUARANTINED : GRAPH_APPLIED);
	}
	assert_string_equal(e.result.reason, "coverage fact: nested too deep");
	estate_remove(&e);
}

/* Whatever changes last, its time is where a CMA that starts with an earlier clock goes on. */
static void test_latest(void **state)
{
	static const char *const states[] = { "{'state':'off'}", "{'state':'complete'}", NULL };
	int64_t agent, at_ms;
	struct estate e;

	(void)state;
	estate_new(&e);
	assert_int_equal(graph_latest(e.graph, &at_ms), 0);
	assert_int_equal(at_ms, 0);
	agent = estate_enrol(&e, "default", 1);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		assert_int_equal(graph_latest(e.graph, &at_ms), 0);
		assert_int_equal(at_ms, e.now);
		e.now += 10;
		estate_tell(&e, agent, SECTION_COVERAGE, "tcp", states[i]);
	}
	assert_int_equal(graph_latest(e.graph, &at_ms), 0);
	assert_int_equal(at_ms, e.now);
	assert_int_equal(graph_begin(e.graph, e.now += 10), 0);
	assert_int_equal(graph_status(e.graph, agent, "left"), 0);
	assert_int_equal(graph_commit(e.graph), 0);
	estate_close(&e);
	estate_open(&e);
	assert_int_equal(graph_latest(e.graph, &at_ms), 0);
	assert_int_equal(at_ms, e.now);
	estate_remove(&e);
}

/* A fact may name many things, and each again: they are as many nodes, found at once. */
static void test_many_nodes(void **state)
{
	enum { NAMES = 20000 };
	json_t *value autojson =
		json_pack("{s:s,s:i,s:s}", "addr", "10.0.0.1", "port", 80, "proto", "tcp");
	struct derive_locals none = { .count = 0 };
	json_t *names = json_array();
	struct derived d;

	(void)state;
	for (int i = 0; i < 2 * NAMES; i++)
		json_array_append_new(names, json_sprintf("p:%d", i % NAMES));
	json_object_set_new(value, "process", names);
	d = derive(SECTION_LISTEN, "tcp 10.0.0.1:80", value, &none);
	assert_int_equal(d.node_count, NAMES + 2); /* the address and its endpoint */
	assert_int_equal(d.edge_count, 2 * NAMES);
	for (size_t i = 0; i < NAMES; i++)
		assert_int_equal(d.edges[i].src, d.edges[i + NAMES].src);
	derived_free(&d);
}

/* As many processes on as many addresses are no product of what a host can say. */
static void test_many_holders(void **state)
{
	enum { ADDRESSES = 100 };
	json_t *value autojson =
		json_pack("{s:s,s:i,s:s}", "addr", "0.0.0.0", "port", 80, "proto", "tcp");
	struct derive_locals locals cleanup(derive_locals_free) = { .count = 0 };
	json_t *names = json_array();
	struct derived d;

	(void)state;
	for (int i = 0; i < ADDRESSES; i++) {
		char *ip autofree = text_format("10.0.0.%d", i);

		derive_locals_add(&locals, "", ip);
		json_array_append_new(names, json_sprintf("p:%d", i));
	}
	json_object_set_new(value, "process", names);
	d = derive(SECTION_LISTEN, "tcp 0.0.0.0:80", value, &locals);
	assert_int_equal(d.edge_count, DERIVE_HOLDERS_MAX * (ADDRESSES + 1)); /* and loopback */
	derived_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_latest),
		cmocka_unit_test(test_many_nodes),
		cmocka_unit_test(test_many_holders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
