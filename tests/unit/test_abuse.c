// SPDX-License-Identifier: Apache-2.0
/* What a hostile agent, or a clock that is set back, must not do to the store. */
#include "tests/unit/estate.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_latest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
