// SPDX-License-Identifier: Apache-2.0
/* What happened, in order: durable with what it tells of, and told from any place on. */
#include "tests/unit/estate.h"

#include "cma/graph/admit.h"
#include "cma/graph/event.h"
#include "cma/graph/incident.h"

static int64_t tenant_of(struct estate *e, const char *name)
{
	int64_t tenant;

	assert_int_equal(graph_tenant(e->graph, name, &tenant), 0);
	return tenant;
}

static void add(struct estate *e, const char *tenant, const char *kind, const char *text)
{
	const struct graph_event event = {
		.tenant = tenant_of(e, tenant),
		.kind = kind,
		.node = tenant_of(e, tenant),
		.text = text,
	};

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_event_add(e->graph, &event), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

/* "kind text" of those of tenant "default", but the first, which is that its host is up. */
static char *told(struct estate *e)
{
	char *text = text_copy("");
	json_t *rows autojson = NULL, *row;
	size_t i;

	assert_int_equal(estate_try(e, "default", "events", "{'after':1}", &rows), 0);
	json_array_foreach (rows, i, row) {
		char *before autofree = text;

		text = text_format("%s%s%s %s", before, i ? ", " : "", json_get_text(row, "kind"),
			json_get_text(row, "text"));
	}
	return text;
}

/* Rows rise over all tenants, numbers in each. */
static void test_numbers(void **state)
{
	struct estate e;
	int64_t last;

	(void)state;
	estate_new(&e);
	assert_int_equal(graph_event_last(e.graph, &last), 0);
	assert_int_equal(last, 0);
	estate_enrol(&e, "red", 1);
	estate_enrol(&e, "blue", 2);
	add(&e, "red", "x", "one");
	add(&e, "blue", "y", "two");
	add(&e, "red", "z", "three");
	assert_int_equal(graph_event_last(e.graph, &last), 0);
	assert_int_equal(last, 5);
	assert_int_equal(estate_sql(&e,
				 "SELECT count(*) FROM event WHERE (id, number, text) IN"
				 " (VALUES (3, 2, 'one'), (4, 2, 'two'), (5, 3, 'three'))"),
		3);
	estate_remove(&e);
}

/* What is rolled back has not happened. */
static void test_rollback(void **state)
{
	struct estate e;
	int64_t host, id, last;

	(void)state;
	estate_new(&e);
	host = estate_enrol(&e, "default", 1);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(
		graph_incident_open(e.graph, tenant_of(&e, "default"), "host", host, "x", &id), 0);
	graph_rollback(e.graph);
	assert_int_equal(graph_event_last(e.graph, &last), 0);
	assert_int_equal(last, 1);
	estate_remove(&e);
}

/* Of an incident: what is new, and nothing when it is not. */
static void test_incident(void **state)
{
	char *text autofree = NULL;
	struct estate e;
	int64_t host, tenant, id;

	(void)state;
	estate_new(&e);
	host = estate_enrol(&e, "default", 1);
	tenant = tenant_of(&e, "default");
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			graph_incident_open(e.graph, tenant, "host", host, "first", &id), 0);
	assert_int_equal(graph_incident_open(e.graph, tenant, "host", host, "more", &id), 0);
	assert_int_equal(graph_incident_clear(e.graph, tenant, id), 0);
	assert_true(graph_incident_clear(e.graph, tenant, id) != 0);
	assert_int_equal(
		graph_incident_open(e.graph, tenant, "duplicate-key", host, "two", &id), 0);
	assert_int_equal(graph_incident_quiet(e.graph, tenant, "duplicate-key", host, 1), 0);
	assert_int_equal(graph_commit(e.graph), 0);
	e.now += 10;
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(graph_incident_quiet(e.graph, tenant, "duplicate-key", host, 10), 0);
	assert_int_equal(graph_incident_quiet(e.graph, tenant, "duplicate-key", host, 10), 0);
	assert_int_equal(graph_commit(e.graph), 0);
	text = told(&e);
	assert_string_equal(text, "open first, update more, clear more, open two, clear two");
	estate_remove(&e);
}

static void assert_ids(struct estate *e, const char *params, const char *ids)
{
	char *text autofree = text_copy("");
	json_t *rows autojson = NULL, *row;
	size_t i;

	assert_int_equal(estate_try(e, "default", "events", params, &rows), 0);
	json_array_foreach (rows, i, row) {
		char *before autofree = text;

		text = text_format("%s%s%lld", before, i ? " " : "",
			(long long)json_integer_value(json_object_get(row, "id")));
	}
	assert_string_equal(text, ids);
}

/* People follow it: the last ones first, then those behind what they have seen. */
static void test_query(void **state)
{
	struct estate e;

	(void)state;
	estate_new(&e);
	estate_enrol(&e, "default", 1);
	estate_enrol(&e, "other", 2);
	for (int i = 0; i < 5; i++) {
		e.now += 1000;
		add(&e, "default", "x", "text");
		add(&e, "other", "x", "text");
	}
	assert_ids(&e, NULL, "1 2 3 4 5 6");
	assert_ids(&e, "{'limit':2}", "5 6");
	assert_ids(&e, "{'after':2,'limit':2}", "3 4");
	assert_ids(&e, "{'after':6}", "");
	assert_ids(&e, "{'since':'-2s'}", "4 5 6");
	assert_ids(&e, "{'as_of':'-2s'}", "1 2 3 4");
	e.now += (int64_t)8 * 24 * 3600 * 1000;
	assert_ids(&e, NULL, "");
	estate_remove(&e);
}

/* No later transaction may be given an earlier time. */
static void test_latest(void **state)
{
	struct estate e;
	int64_t latest;

	(void)state;
	estate_new(&e);
	estate_enrol(&e, "default", 1);
	e.now += 5000;
	add(&e, "default", "x", "text");
	assert_int_equal(graph_latest(e.graph, &latest), 0);
	assert_int_equal(latest, e.now);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_incident),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_latest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
