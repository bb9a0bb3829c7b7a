// SPDX-License-Identifier: Apache-2.0
/* The four renderers of cmactl: exact output. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cli/output.h"

/* What format makes of columns and rows (JSON texts) on a terminal of width columns, or none. */
static char *render(const char *format, enum output_style style, size_t width, const char *edges,
	const char *columns_text, const char *rows_text)
{
	json_t *columns autojson = json_loads(columns_text, 0, NULL);
	json_t *rows autojson = json_loads(rows_text, 0, NULL);
	struct output output;
	const json_t *row;
	char *text = NULL;
	size_t size, i;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(columns);
	assert_non_null(rows);
	assert_int_equal(output_open(&output, format, style, to), 0);
	output.width = width;
	assert_int_equal(output_begin(&output, columns, edges), 0);
	json_array_foreach (rows, i, row)
		assert_int_equal(output_row(&output, row), 0);
	output_end(&output);
	output_close(&output);
	fclose(to);
	return text;
}

struct sample {
	const char *format;
	enum output_style style;
	size_t width;
	const char *edges, *columns, *rows;
	const char *expect;
};

#define HOSTS "[\"host\",\"port\"]", "[[\"web1\",80],[\"db\",5432]]"
#define EMPTY "[\"host\",\"port\"]", "[]"
/* An escape sequence, a line break, wide characters, quotes, a right-to-left override. */
#define NASTY                                                   \
	"[\"a\",\"b\"]",                                        \
		"[[\"\\u001b[31mred\\nx\",\"\\u65e5\\u672c\"]," \
		"[\"say \\\"hi\\\", you\",\"\\u202eoverride\\u009b\"]]"
#define MIXED "[\"list\",\"object\",\"nothing\",\"flag\"]", "[[[\"x\",\"y\"],{\"k\":1},null,true]]"

static const struct sample samples[] = {
	{ "table", OUTPUT_ROWS, 0, NULL, HOSTS, "HOST PORT\nweb1   80\ndb   5432\n" },
	{ "json", OUTPUT_ROWS, 0, NULL, HOSTS,
		"[\n  {\"host\": \"web1\", \"port\": 80},\n"
		"  {\"host\": \"db\", \"port\": 5432}\n]\n" },
	{ "csv", OUTPUT_ROWS, 0, NULL, HOSTS, "host,port\r\nweb1,80\r\ndb,5432\r\n" },
	{ "table", OUTPUT_RECORD, 0, NULL, HOSTS, "host web1\nport 80\n" },
	{ "table", OUTPUT_LIVE, 0, NULL, HOSTS, "web1  80\ndb    5432\n" },
	{ "json", OUTPUT_LIVE, 0, NULL, HOSTS,
		"{\"host\": \"web1\", \"port\": 80}\n{\"host\": \"db\", \"port\": 5432}\n" },
	{ NULL, OUTPUT_PLAIN, 0, NULL, HOSTS, "web1\t80\ndb\t5432\n" },
	{ "csv", OUTPUT_PLAIN, 0, NULL, HOSTS, "host,port\r\nweb1,80\r\ndb,5432\r\n" },

	{ "table", OUTPUT_ROWS, 0, NULL, EMPTY, "" },
	{ "json", OUTPUT_ROWS, 0, NULL, EMPTY, "[]\n" },
	{ "json", OUTPUT_LIVE, 0, NULL, EMPTY, "" },
	{ "csv", OUTPUT_ROWS, 0, NULL, EMPTY, "host,port\r\n" },
	{ "dot", OUTPUT_ROWS, 0, "host -> port", EMPTY,
		"digraph assim {\n\trankdir=LR;\n\tnode [shape=box];\n}\n" },

	{ "table", OUTPUT_ROWS, 0, NULL, NASTY,
		"A             B\n"
		"\\x1b[31mred x 日本\n"
		"say \"hi\", you \\u202eoverride\\u009b\n" },
	{ "json", OUTPUT_ROWS, 0, NULL, NASTY,
		"[\n  {\"a\": \"\\u001B[31mred\\nx\", \"b\": \"日本\"},\n"
		"  {\"a\": \"say \\\"hi\\\", you\", \"b\": \"\u202eoverride\xc2\x9b\"}\n]\n" },
	{ "json", OUTPUT_ROWS, 80, NULL, NASTY,
		"[\n  {\"a\": \"\\u001B[31mred\\nx\", \"b\": \"\\u65E5\\u672C\"},\n"
		"  {\"a\": \"say \\\"hi\\\", you\", \"b\": \"\\u202Eoverride\\u009B\"}\n]\n" },
	{ "csv", OUTPUT_ROWS, 0, NULL, NASTY,
		"a,b\r\n\"\x1b[31mred\nx\",日本\r\n"
		"\"say \"\"hi\"\", you\",\u202eoverride\xc2\x9b\r\n" },
	{ "csv", OUTPUT_ROWS, 80, NULL, NASTY,
		"a,b\r\n\\x1b[31mred\\x0ax,日本\r\n"
		"\"say \"\"hi\"\", you\",\\u202eoverride\\u009b\r\n" },
	{ "dot", OUTPUT_ROWS, 0, "a -> b", NASTY,
		"digraph assim {\n\trankdir=LR;\n\tnode [shape=box];\n"
		"\t\"\\\\x1b[31mred\\\\x0ax\" -> \"日本\";\n"
		"\t\"say \\\"hi\\\", you\" -> \"\\\\u202eoverride\\\\u009b\";\n}\n" },

	{ "csv", OUTPUT_ROWS, 0, NULL, "[\"ms\"]", "[[404.27999999999997]]", "ms\r\n404.28\r\n" },
	{ "json", OUTPUT_ROWS, 0, NULL, "[\"ms\"]", "[[404.27999999999997]]",
		"[\n  {\"ms\": 404.28}\n]\n" },

	{ "table", OUTPUT_ROWS, 0, NULL, MIXED,
		"LIST OBJECT  NOTHING FLAG\nx, y {\"k\":1}         true\n" },
	{ "csv", OUTPUT_ROWS, 0, NULL, MIXED,
		"list,object,nothing,flag\r\n\"x, y\",\"{\"\"k\"\":1}\",,true\r\n" },
	{ "json", OUTPUT_ROWS, 0, NULL, MIXED,
		"[\n  {\"list\": [\"x\", \"y\"], \"object\": {\"k\": 1}, \"nothing\": null, "
		"\"flag\": true}\n]\n" },
};

static void test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];
		char *text autofree =
			render(s->format, s->style, s->width, s->edges, s->columns, s->rows);

		if (strcmp(text, s->expect))
			print_error("sample %zu (%s)\n", i, s->format ? s->format : "plain");
		assert_string_equal(text, s->expect);
	}
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		longest = length > longest ? length : longest;
		text += length + (text[length] == '\n');
	}
	return longest;
}

#define WORDS "a very long command line that goes on and on until it is wider than any terminal"

static void test_table_fits_terminal(void **state)
{
	const char *columns = "[\"host\",\"exe\"]", *rows = "[[\"web1\",\"" WORDS "\"]]";
	char *narrow autofree = render("table", OUTPUT_ROWS, 40, NULL, columns, rows);
	char *whole autofree = render("table", OUTPUT_ROWS, 0, NULL, columns, rows);

	(void)state;
	assert_true(longest_line(narrow) <= 40);
	assert_non_null(strstr(narrow, "terminal")); /* wrapped, not cut */
	assert_non_null(strstr(whole, "web1 " WORDS "\n"));
}

static void test_dot_paths(void **state)
{
	char *text autofree = render("dot", OUTPUT_ROWS, 0,
		"host -> host/ifname -> switch/port -> switch, host -> rack",
		"[\"host\",\"ifname\",\"switch\",\"port\",\"rack\"]",
		"[[\"web1\",\"eth0\",\"sw1\",\"7\",\"\"],[\"web2\",\"eth0\",\"\",null,\"r9\"],"
		"[\"web2\",\"eth0\",\"\",null,\"r9\"]]"); /* the same again: drawn once */

	(void)state;
	assert_string_equal(text,
		"digraph assim {\n\trankdir=LR;\n\tnode [shape=box];\n"
		"\t\"web1\" -> \"web1/eth0\";\n"
		"\t\"web1/eth0\" -> \"sw1/7\";\n"
		"\t\"sw1/7\" -> \"sw1\";\n"
		"\t\"web2\" -> \"web2/eth0\";\n"
		"\t\"web2\" -> \"r9\";\n}\n");
}

static void test_errors(void **state)
{
	json_t *columns autojson = json_loads("[\"a\"]", 0, NULL);
	json_t *wide autojson = json_loads("[1,2]", 0, NULL);
	json_t *numbers autojson = json_loads("[1,2]", 0, NULL);
	struct output output;

	(void)state;
	assert_int_equal(output_open(&output, "xml", OUTPUT_ROWS, stdout), -EINVAL);
	assert_non_null(strstr(output.error, "'xml'"));

	assert_int_equal(output_open(&output, "dot", OUTPUT_ROWS, stdout), 0);
	assert_int_equal(output_begin(&output, columns, NULL), -EINVAL);
	assert_non_null(strstr(output.error, "no edges"));
	output_close(&output);

	assert_int_equal(output_open(&output, "json", OUTPUT_ROWS, stdout), 0);
	assert_int_equal(output_begin(&output, numbers, NULL), -EPROTO);
	assert_int_equal(output_row(&output, wide), -EPROTO); /* no columns yet */
	assert_int_equal(output_begin(&output, columns, NULL), 0);
	assert_int_equal(output_row(&output, wide), -EPROTO);
	assert_int_equal(output_begin(&output, columns, NULL), -EPROTO); /* twice */
	output_close(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_table_fits_terminal),
		cmocka_unit_test(test_dot_paths),
		cmocka_unit_test(test_errors),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
