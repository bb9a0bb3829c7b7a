// SPDX-License-Identifier: Apache-2.0
/* A store of each earlier schema (tests/data/graph/schema_N.sql) becomes one like a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "tests/unit/estate.h"

static sqlite3 *open_store(const struct estate *e)
{
	char *path autofree = text_format("%s/graph.db", e->directory);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

/* Every column of every table, index and view: what a statement can see of a schema. */
static char *shape_of(const struct estate *e)
{
	const char *sql =
		"SELECT group_concat(m.name || ' ' || c.name || ' ' || ifnull(c.type, '')"
		" || ' ' || c.pk || ' ' || ifnull(c.dflt_value, ''), char(10))"
		" FROM (SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name)"
		" AS m, pragma_table_info(m.name) AS c";
	const char *indexes = "SELECT group_concat(name || ' ' || tbl_name || ' ' || sql, char(10))"
			      " FROM (SELECT * FROM sqlite_master WHERE type IN ('index', 'view')"
			      " AND sql IS NOT NULL ORDER BY name)";
	sqlite3 *db = open_store(e);
	sqlite3_stmt *a, *b;
	char *shape;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &a, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, indexes, -1, &b, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(a), SQLITE_ROW);
	assert_int_equal(sqlite3_step(b), SQLITE_ROW);
	shape = text_format("%s\n%s", sqlite3_column_text(a, 0), sqlite3_column_text(b, 0));
	sqlite3_finalize(a);
	sqlite3_finalize(b);
	sqlite3_close(db);
	return shape;
}

static void make_old(const struct estate *e, int version)
{
	char *name autofree = text_format("tests/data/graph/schema_%d.sql", version);
	char *sql autofree = file_read(AT_FDCWD, name, 1 << 20, NULL);
	char *path autofree = text_format("%s/graph.db", e->directory);
	char *pragma autofree = text_format("PRAGMA user_version = %d", version);
	sqlite3 *db;

	assert_non_null(sql);
	unlink(path);
	db = open_store(e);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, pragma, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_upgrade(void **state)
{
	char *fresh autofree = NULL;
	struct estate e;

	(void)state;
	estate_new(&e);
	estate_close(&e);
	fresh = shape_of(&e);
	for (int version = 1; version < GRAPH_SCHEMA; version++) {
		char *upgraded autofree = NULL;

		make_old(&e, version);
		estate_open(&e);
		estate_close(&e);
		upgraded = shape_of(&e);
		assert_string_equal(upgraded, fresh);
	}
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_upgrade) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
