// SPDX-License-Identifier: Apache-2.0
/* The document and the report of --once, from the table of facts in tests/data/document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/document.h"
#include "agent/report.h"
#include "agent/table.h"
#include "base/file.h"

#define DATA "tests/data/document/"
enum { DATA_MAX = 1 << 16 };

/* The facts of DATA "facts", one JSON object a line as --dry-run --json prints them. */
static struct tracker *make_tracker(void)
{
	static const uint8_t no_key[16];
	struct tracker *tracker = tracker_new(no_key);
	char *text autofree = file_read(AT_FDCWD, DATA "facts", DATA_MAX, NULL);
	char *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n")) && *line) {
		json_t *change autojson = json_parse(SPAN_TEXT(line), DATA_MAX, NULL, 0);
		char *value autofree = json_text(json_object_get(change, "value"));
		struct fact fact = { .key = SPAN_TEXT(json_get_text(change, "key")),
			.value = SPAN_TEXT(value) };

		while (strcmp(section_name(fact.section), json_get_text(change, "section")))
			fact.section++;
		tracker_apply(tracker, &fact);
	}
	return tracker;
}

static void test_document_has_its_shape(void **state)
{
	struct tracker *tracker = make_tracker();
	json_t *document autojson = document_of(tracker), *expected autojson = NULL;
	char *text autofree = file_read(AT_FDCWD, DATA "document.json", DATA_MAX, NULL);
	char *got autofree = json_text(document);

	(void)state;
	expected = json_parse(SPAN_TEXT(text), DATA_MAX, NULL, 0);
	if (!json_equal(document, expected)) {
		fprintf(stderr, "%s\n", got);
		fail();
	}
	tracker_free(tracker);
}

static void test_report_is_aligned_and_harmless(void **state)
{
	struct tracker *tracker = make_tracker();
	char *expected autofree = file_read(AT_FDCWD, DATA "report.txt", DATA_MAX, NULL);
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	report_print(tracker, to);
	fclose(to);
	assert_string_equal(text, expected);
	free(text);
	tracker_free(tracker);
}

static void test_table_counts_characters(void **state)
{
	static const char *const headings[] = { "A", "B" };
	static const char *const row[] = { "häß", "x" };
	struct table table;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	table_init(&table, headings, 2);
	table_print(&table, to);
	table_add(&table, row);
	table_print(&table, to);
	table_free(&table);
	fclose(to);
	assert_string_equal(text, "A    B\nhäß  x\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document_has_its_shape),
		cmocka_unit_test(test_report_is_aligned_and_harmless),
		cmocka_unit_test(test_table_counts_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
