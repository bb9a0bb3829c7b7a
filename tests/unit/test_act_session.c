// SPDX-License-Identifier: Apache-2.0
/* The incidents that follow from sessions: opened, kept open, over. */
#include "tests/unit/estate.h"

#include "cma/act_session.h"
#include "cma/graph/admit.h"
#include "cma/graph/incident.h"

enum { HOUR = 3600 * 1000 };

struct scene {
	struct estate e;
	struct act act;
	int64_t web, db;
};

static void scene_new(struct scene *s)
{
	*s = (struct scene){ .web = 0 };
	estate_new(&s->e);
	s->web = estate_host(&s->e, 1, "web", NULL);
	s->db = estate_host(&s->e, 2, "db", NULL);
	s->act.graph = s->e.graph;
}

static void scene_end(struct scene *s)
{
	act_deinit(&s->act);
	estate_remove(&s->e);
}

/* One event, in a transaction of its own. */
static int event(struct scene *s, enum hub_event_kind kind, int64_t host)
{
	struct hub_event event = { .kind = kind, .id = (uint64_t)host };
	struct graph_result result;
	int err;

	addr_parse("10.0.0.1:99", &event.address);
	addr_parse("10.0.0.2:99", &event.other);
	assert_int_equal(graph_begin(s->e.graph, s->e.now), 0);
	err = act_event(&s->act, &event, &result);
	assert_int_equal(graph_commit(s->e.graph), 0);
	return err;
}

/* The host has told something; want: the sections that the CMA lacks. */
static void heard(struct scene *s, int64_t host, uint16_t want, uint64_t digest)
{
	const struct graph_result result = { .want = want, .digest_sequence = digest };

	assert_int_equal(graph_begin(s->e.graph, s->e.now), 0);
	assert_int_equal(act_heard(&s->act, host, &result), 0);
	assert_int_equal(graph_commit(s->e.graph), 0);
}

/* "kind node hosts" of each that is open. */
static char *open_ones(struct scene *s)
{
	char *text = text_copy("");
	json_t *rows, *row;
	size_t i;

	assert_int_equal(estate_try(&s->e, "default", "incidents", NULL, &rows), 0);
	json_array_foreach (rows, i, row) {
		char *before autofree = text;

		text = text_format("%s%s%s %s: %s", before, i ? ", " : "",
			json_get_text(row, "kind"), json_get_text(row, "node"),
			json_get_text(row, "hosts"));
	}
	json_decref(rows);
	return text;
}

#define assert_open(s, expected)                      \
	do {                                          \
		char *got__ autofree = open_ones(s);  \
		assert_string_equal(got__, expected); \
	} while (0)

/* A day after the last sight of a second one, and not before, its next session ends it. */
static void test_duplicate_key(void **state)
{
	struct scene s;

	(void)state;
	scene_new(&s);
	assert_int_equal(event(&s, HUB_DUPLICATE_KEY, s.web), 0);
	assert_open(&s, "duplicate-key web: web");
	s.e.now += 23 * HOUR;
	assert_int_equal(event(&s, HUB_HERE, s.web), 0);
	assert_int_equal(event(&s, HUB_DUPLICATE_KEY, s.web), 0);
	assert_open(&s, "duplicate-key web: web");
	s.e.now += ACT_ALONE_MS - 1;
	assert_int_equal(event(&s, HUB_HERE, s.web), 0);
	assert_open(&s, "duplicate-key web: web");
	s.e.now += 1;
	assert_int_equal(event(&s, HUB_HERE, s.db), 0); /* says nothing of web */
	assert_open(&s, "duplicate-key web: web");
	assert_int_equal(event(&s, HUB_HERE, s.web), 0);
	assert_open(&s, "");
	s.e.now += HOUR;
	assert_int_equal(event(&s, HUB_DUPLICATE_KEY, s.web), 0);
	assert_open(&s, "duplicate-key web: web");
	assert_int_equal(estate_sql(&s.e, "SELECT count(*) FROM incident"), 2);
	assert_int_equal(event(&s, HUB_DUPLICATE_KEY, 4711), ACT_REFUSED);
	scene_end(&s);
}

/* What one of two knows of the other's stream is no sign of a backup. */
static void test_duplicate_is_no_restored_store(void **state)
{
	struct scene s;

	(void)state;
	scene_new(&s);
	assert_int_equal(event(&s, HUB_DUPLICATE_KEY, s.web), 0);
	assert_int_equal(event(&s, HUB_ROLLED_BACK, s.web), 0);
	assert_open(&s, "duplicate-key web: web");
	scene_end(&s);
}

/* One incident for all hosts; it is over when the last of them has told all. */
static void test_store_restored(void **state)
{
	struct scene s;

	(void)state;
	scene_new(&s);
	assert_int_equal(event(&s, HUB_ROLLED_BACK, s.web), 0);
	assert_int_equal(event(&s, HUB_ROLLED_BACK, s.db), 0);
	assert_int_equal(event(&s, HUB_ROLLED_BACK, s.web), 0);
	assert_open(&s, "store-restored default: db, web");
	heard(&s, s.web, 0, 0); /* before its digest */
	heard(&s, s.web, 4, 7); /* something is still missing */
	assert_open(&s, "store-restored default: db, web");
	heard(&s, s.web, 0, 7);
	assert_open(&s, "store-restored default: db");
	heard(&s, s.web, 0, 8);
	assert_open(&s, "store-restored default: db");
	heard(&s, s.db, 0, 3);
	assert_open(&s, "");
	scene_end(&s);
}

/* A new process, and one whose transaction failed, know it from the store. */
static void test_store_restored_is_remembered(void **state)
{
	int64_t tenant, id;
	struct scene s;

	(void)state;
	scene_new(&s);
	assert_int_equal(event(&s, HUB_ROLLED_BACK, s.web), 0);
	act_failed(&s.act);
	heard(&s, s.db, 0, 1);
	assert_open(&s, "store-restored default: web");
	act_deinit(&s.act);
	s.act = (struct act){ .graph = s.e.graph };
	heard(&s, s.web, 0, 1);
	assert_open(&s, "");
	/* A person was faster. */
	assert_int_equal(event(&s, HUB_ROLLED_BACK, s.web), 0);
	assert_int_equal(graph_begin(s.e.graph, s.e.now), 0);
	assert_int_equal(graph_tenant(s.e.graph, "default", &tenant), 0);
	assert_int_equal(graph_incident_find(s.e.graph, tenant, "store-restored", tenant, &id), 1);
	assert_int_equal(graph_incident_clear(s.e.graph, tenant, id), 0);
	assert_int_equal(graph_commit(s.e.graph), 0);
	heard(&s, s.web, 0, 2);
	assert_open(&s, "");
	scene_end(&s);
}

/* That it ended was in a transaction that failed: it is open, and ends with the next. */
static void test_end_that_was_rolled_back(void **state)
{
	const struct graph_result all = { .digest_sequence = 5 };
	struct scene s;

	(void)state;
	scene_new(&s);
	assert_int_equal(event(&s, HUB_ROLLED_BACK, s.web), 0);
	assert_int_equal(graph_begin(s.e.graph, s.e.now), 0);
	assert_int_equal(act_heard(&s.act, s.web, &all), 0);
	graph_rollback(s.e.graph);
	act_failed(&s.act);
	assert_open(&s, "store-restored default: web");
	heard(&s, s.web, 0, 6);
	assert_open(&s, "");
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duplicate_key),
		cmocka_unit_test(test_duplicate_is_no_restored_store),
		cmocka_unit_test(test_store_restored),
		cmocka_unit_test(test_store_restored_is_remembered),
		cmocka_unit_test(test_end_that_was_rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
