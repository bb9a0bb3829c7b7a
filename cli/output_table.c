// SPDX-License-Identifier: Apache-2.0
/* Aligned columns for a person, through libsmartcols. */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <wchar.h>

#include "cli/escape.h"
#include "cli/output.h"

enum { LIVE_WIDTH_MAX = 40 };

/* Columns a text takes on a terminal. */
static size_t shown_width(const char *text)
{
	wchar_t wide[LIVE_WIDTH_MAX + 1];
	size_t count = mbstowcs(wide, text, LIVE_WIDTH_MAX + 1);
	int width = count > LIVE_WIDTH_MAX ? -1 : wcswidth(wide, count);

	return width < 0 ? LIVE_WIDTH_MAX : (size_t)width;
}

/* A value on one line: its line breaks and tabs are blanks. The caller frees. */
static char *cell_text(const json_t *value)
{
	char *text autofree = output_value(value);

	for (char *c = text; *c; c++) {
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
	return escape_text(text);
}

/* A live table cannot know its widths: each column grows as wider values come. */
static int live_row(struct output *output, const json_t *row)
{
	size_t last = json_array_size(row) - 1;

	for (size_t i = 0; i <= last; i++) {
		char *text autofree = cell_text(json_array_get(row, i));
		size_t width = shown_width(text);

		if (width > output->widths[i])
			output->widths[i] = width;
		fprintf(output->to, "%s%*s", text,
			i == last ? 0 : (int)(output->widths[i] - width + 2), "");
	}
	fputc('\n', output->to);
	return 0;
}

static int table_begin(struct output *output)
{
	output->rows = json_array();
	output->widths = mem_alloc(json_array_size(output->columns), sizeof(*output->widths));
	return 0;
}

static int table_row(struct output *output, const json_t *row)
{
	if (output->style == OUTPUT_LIVE)
		return live_row(output, row);
	json_array_append_new(output->rows, json_copy((json_t *)row));
	return 0;
}

/* A column of numbers is aligned to the right. */
static bool all_numbers(const json_t *rows, size_t column)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const json_t *value = json_array_get(row, column);

		if (!json_is_number(value) && !json_is_null(value))
			return false;
	}
	return true;
}

static struct libscols_table *new_table(const struct output *output)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		mem_exhausted();
	/* Our own escaping knows more than theirs, and leaves backslashes alone. */
	scols_table_enable_noencoding(table, 1);
	scols_table_set_stream(table, output->to);
	scols_table_set_termforce(
		table, output->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (output->width)
		scols_table_set_termwidth(table, output->width);
	return table;
}

static void add_column(
	const struct output *output, struct libscols_table *table, const char *name, int flags)
{
	char *heading autofree = text_copy(name);

	for (char *c = heading; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	if (output->width && !(flags & SCOLS_FL_RIGHT))
		flags |= SCOLS_FL_WRAP;
	if (!scols_table_new_column(table, heading, 1, flags))
		mem_exhausted();
}

static void set_cell(struct libscols_line *line, size_t index, char *text)
{
	if (!line || scols_line_refer_data(line, index, text))
		mem_exhausted();
}

static void fill_record(const struct output *output, struct libscols_table *table)
{
	const json_t *row = json_array_get(output->rows, 0), *name;
	size_t i;

	scols_table_enable_noheadings(table, 1);
	add_column(output, table, "name", 0);
	add_column(output, table, "value", 0);
	json_array_foreach (output->columns, i, name) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		set_cell(line, 0, cell_text(name));
		set_cell(line, 1, cell_text(json_array_get(row, i)));
	}
}

static void fill_rows(const struct output *output, struct libscols_table *table)
{
	const json_t *row, *value;
	size_t i, j;

	for (i = 0; i < json_array_size(output->columns); i++) {
		add_column(output, table, output_column(output, i),
			all_numbers(output->rows, i) ? SCOLS_FL_RIGHT : 0);
	}
	json_array_foreach (output->rows, i, row) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		json_array_foreach (row, j, value)
			set_cell(line, j, cell_text(value));
	}
}

static void table_end(struct output *output)
{
	struct libscols_table *table;

	if (output->style == OUTPUT_LIVE || !json_array_size(output->rows))
		return;
	table = new_table(output);
	if (output->style == OUTPUT_RECORD)
		fill_record(output, table);
	else
		fill_rows(output, table);
	if (scols_print_table(table))
		snprintf(output->error, sizeof(output->error), "cannot print the table");
	scols_unref_table(table);
}

const struct output_format output_table = {
	.name = "table",
	.begin = table_begin,
	.row = table_row,
	.end = table_end,
};
