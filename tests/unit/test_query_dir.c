// SPDX-License-Identifier: Apache-2.0
/* The operator's own directory of queries: what is good in it works, what is not says why. */
#include "tests/unit/estate.h"

#include <errno.h>
#include <fcntl.h>

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
	struct estate e;

	(void)state;
	estate_new(&e);
	write_query(&e, "answer.sql", "-- the answer\nSELECT 42 AS answer");
	write_query(&e, "typo.sql", "-- a typo\nSELECT nme FROM node");
	write_query(&e, "empty.sql", "");
	write_query(&e, "allips.sql", "-- two\nSELECT 1; SELECT 2");
	write_query(&e, "notes.txt", "not a query");
	open_queries(&e);
	estate_expect(&e, "answer", NULL, "[{'answer':42}]");
	estate_expect(&e, "allservers", NULL, "[]");
	assert_broken(&e, "typo", "typo.sql: no such column: nme");
	assert_broken(&e, "empty", "empty.sql: there is no SELECT in it");
	assert_broken(&e, "allips", "allips.sql: more than one statement");
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_bad_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
