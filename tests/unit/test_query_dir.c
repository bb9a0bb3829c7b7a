// SPDX-License-Identifier: Apache-2.0
/* The operator's own directory of queries: what is good in it works, what is not says why. */
#include "tests/unit/estate.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>

#include "base/file.h"

/* Opens the queries again with the estate's directory as the operator's. */
static void open_queries(struct estate *e)
{
	queries_close(e->queries);
	assert_int_equal(
		queries_open(e->directory, e->directory, &e->queries, e->error, sizeof(e->error)),
		0);
}

static void write_query(const struct estate *e, const char *file, const char *text)
{
	char *path autofree = text_format("%s/%s", e->directory, file);

	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), 0600), 0);
}

static void assert_broken(struct estate *e, const char *name, const char *why)
{
	json_t *rows autojson = NULL;
	char *error autofree = text_format("%s/%s", e->directory, why);

	assert_int_equal(estate_try(e, "default", name, NULL, &rows), -EINVAL);
	assert_string_equal(e->error, error);
}

static void test_one_bad_file(void **state)
{
	static const char many[] =
		"-- a\n-- param a: ip\n-- param b: ip\n-- param c: ip\n-- param d: ip\n"
		"-- param e: ip\n-- param f: ip\n-- param g: ip\n-- param h: ip\n-- param i: ip\n"
		"SELECT 1";
	struct estate e;

	(void)state;
	estate_new(&e);
	write_query(&e, "answer.sql", "-- the answer\nSELECT 42 AS answer");
	write_query(&e, "typo.sql", "-- a typo\nSELECT nme FROM node");
	write_query(&e, "empty.sql", "");
	write_query(&e, "bare.sql", "SELECT 1");
	write_query(&e, "name.sql", "-- a\n-- param ip ip\nSELECT 1");
	write_query(&e, "kind.sql", "-- a\n-- param a: ip\n-- param b: colour\nSELECT 1");
	write_query(&e, "many.sql", many);
	write_query(&e, "bad.sql", "-- a\n-- severity urgent\nSELECT 1");
	write_query(&e, "allips.sql", "-- two\nSELECT 1; SELECT 2");
	write_query(&e, "notes.txt", "not a query");
	open_queries(&e);
	estate_expect(&e, "answer", NULL, "[{'answer':42}]");
	estate_expect(&e, "allservers", NULL, "[]");
	assert_broken(&e, "typo", "typo.sql: no such column: nme");
	assert_broken(&e, "empty", "empty.sql: there is no SELECT in it");
	assert_broken(&e, "bare", "bare.sql: line 1: the first line is no '-- summary'");
	assert_broken(&e, "name", "name.sql: line 2: 'ip' is not 'NAME:'");
	assert_broken(&e, "kind", "kind.sql: line 3: 'colour' is not a type");
	assert_broken(&e, "many", "many.sql: line 10: more than 8 parameters");
	assert_broken(&e, "bad", "bad.sql: line 2: 'urgent' is none of info, warning and critical");
	assert_broken(&e, "allips", "allips.sql: more than one statement");
	estate_remove(&e);
}

/* Types of parameters and of columns that the compiled-in queries have little of. */
static void test_types(void **state)
{
	json_t *rows autojson = NULL;
	struct estate e;

	(void)state;
	estate_new(&e);
	write_query(&e, "half.sql",
		"-- a half\n-- param over: bool = no  whether\nSELECT 0.5 AS half, :over AS over");
	open_queries(&e);
	estate_expect(&e, "half", NULL, "[{'half':0.5,'over':0}]");
	estate_expect(&e, "half", "{'over':'yes'}", "[{'half':0.5,'over':1}]");
	assert_int_equal(estate_try(&e, "default", "half", "{'over':'perhaps'}", &rows), -EINVAL);
	assert_non_null(strstr(e.error, "true or false"));
	estate_remove(&e);
}

/* A store that cannot be read gives no answer, rather than that there is no such host. */
static void test_damaged_store(void **state)
{
	char *path autofree = NULL;
	json_t *rows autojson = NULL;
	struct estate e;
	sqlite3 *db;

	(void)state;
	estate_new(&e);
	write_query(&e, "one.sql", "-- one\n-- param host: host  it\nSELECT :host AS host");
	open_queries(&e);
	path = text_format("%s/graph.db", e.directory);
	estate_host(&e, 1, "a", NULL);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "ALTER TABLE node RENAME COLUMN label TO lost", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(estate_try(&e, "default", "one", "{'host':'a'}", &rows), -EIO);
	assert_int_equal(json_array_size(rows), 0);
	assert_null(strstr(e.error, "unknown host"));
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_bad_file),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_damaged_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
