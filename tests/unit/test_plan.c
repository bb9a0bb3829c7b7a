// SPDX-License-Identifier: Apache-2.0
/* How SQLite goes about it: what has to stay fast never scans a table that grows with the estate.
 */
#include "tests/unit/estate.h"

#include "cma/graph/db.h"
#include "cma/graph/embedded.h"
#include "cma/graph/walk.h"

static void rfc3339(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	sqlite3_result_value(context, values[0]);
}

static sqlite3 *open_schema(void)
{
	const struct embedded_sql *file = embedded_sql;
	sqlite3 *db;

	while (strcmp(file->path, "graph/schema.sql") != 0)
		file++;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, file->text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(walk_register(db), SQLITE_OK);
	assert_int_equal(
		sqlite3_create_function(db, "rfc3339", 1, SQLITE_UTF8, NULL, rfc3339, NULL, NULL),
		SQLITE_OK);
	return db;
}

/* The first step that scans one of the tables, or "". The caller frees. */
static char *first_scan(sqlite3 *db, const char *sql)
{
	static const char *const tables[] = { "node", "edge", "fact", "agent", "local", "n", "e",
		"f", "h", "p", "ip", "mac", "q", "g" };
	char *text autofree = text_format("EXPLAIN QUERY PLAN %s", sql);
	char *found = text_copy("");
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(s, 3);

		for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !*found; i++) {
			char *scan autofree = text_format("SCAN %s", tables[i]);
			size_t length = strlen(scan);

			if (!strncmp(detail, scan, length) &&
				(!detail[length] || detail[length] == ' ')) {
				free(found);
				found = text_copy(detail);
			}
		}
	}
	sqlite3_finalize(s);
	return found;
}

static void test_queries(void **state)
{
	static const char *const fast[] = { "findip", "findmac", "hostdependencies", "impact",
		"hostswitchports", "hostipports", "history", "explain", "changes" };
	sqlite3 *db = open_schema();

	(void)state;
	for (size_t i = 0; i < sizeof(fast) / sizeof(*fast); i++) {
		char *path autofree = text_format("queries/%s.sql", fast[i]);
		const struct embedded_sql *file = embedded_sql;
		char *scan autofree = NULL;

		while (strcmp(file->path, path) != 0)
			file++;
		/* The comments of a query are no obstacle to EXPLAIN: they end with their line. */
		scan = first_scan(db,
			strstr(file->text, "\nWITH") ? strstr(file->text, "\nWITH")
						     : strstr(file->text, "\nSELECT"));
		if (*scan)
			fail_msg("%s: %s", fast[i], scan);
	}
	sqlite3_close(db);
}

static void test_writer(void **state)
{
	static const struct {
		const char *name;
		const char *sql;
	} statements[] = {
#define STATEMENT(NAME, sql) { #NAME, sql },
#include "cma/graph/statements.def"
	};
	sqlite3 *db = open_schema();

	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		char *scan autofree = first_scan(db, statements[i].sql);

		/* These are read whole, once, at the start. */
		if (*scan && strcmp(statements[i].name, "AGENT_LIST") != 0 &&
			strcmp(statements[i].name, "INCIDENT_HOSTS") != 0)
			fail_msg("%s: %s", statements[i].name, scan);
	}
	sqlite3_close(db);
}

/* What walk() runs inside. */
static void test_walk(void **state)
{
	sqlite3 *db = open_schema();
	sqlite3_stmt *s = NULL;
	int count = 0;

	(void)state;
	assert_int_equal(
		sqlite3_exec(db, "SELECT * FROM walk(1, 'up', 1, '', 1)", NULL, NULL, NULL),
		SQLITE_OK);
	while ((s = sqlite3_next_stmt(db, s))) {
		char *scan autofree = first_scan(db, sqlite3_sql(s));

		if (*scan)
			fail_msg("%s: %s", sqlite3_sql(s), scan);
		count++;
	}
	assert_true(count >= 7);
	sqlite3_close(db);
}

/* The test itself sees a scan. */
static void test_scan_is_seen(void **state)
{
	sqlite3 *db = open_schema();
	char *scan autofree = first_scan(db, "SELECT * FROM node WHERE label = 'x'");

	(void)state;
	assert_string_equal(scan, "SCAN node");
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_scan_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
