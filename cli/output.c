// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/escape.h"

enum { WIDTH_DEFAULT = 80 };

static const struct output_format *const formats[] = {
	&output_table,
	&output_json,
	&output_csv,
	&output_dot,
};

static size_t terminal_width(FILE *to)
{
	struct winsize size;

	if (!isatty(fileno(to)))
		return 0;
	if (ioctl(fileno(to), TIOCGWINSZ, &size) || !size.ws_col)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

int output_open(struct output *output, const char *format, enum output_style style, FILE *to)
{
	*output = (struct output){ .style = style, .to = to, .width = terminal_width(to) };
	if (!format) {
		output->format = style == OUTPUT_PLAIN ? &output_plain : &output_table;
		return 0;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!strcmp(formats[i]->name, format))
			output->format = formats[i];
	}
	if (output->format)
		return 0;
	snprintf(output->error, sizeof(output->error),
		"unknown output format '%s': must be table, json, csv or dot", format);
	return -EINVAL;
}

void output_close(struct output *output)
{
	json_decref(output->columns);
	json_decref(output->rows);
	free(output->edges);
	free(output->widths);
}

const char *output_column(const struct output *output, size_t index)
{
	return json_string_value(json_array_get(output->columns, index));
}

int output_begin(struct output *output, const json_t *columns, const char *edges)
{
	for (size_t i = 0; i < json_array_size(columns); i++) {
		if (!json_is_string(json_array_get(columns, i)))
			columns = NULL;
	}
	if (output->columns || !json_array_size(columns)) {
		snprintf(output->error, sizeof(output->error), "the answer has no list of columns");
		return -EPROTO;
	}
	output->columns = json_deep_copy(columns);
	output->edges = text_copy(edges);
	return output->format->begin ? output->format->begin(output) : 0;
}

int output_row(struct output *output, const json_t *row)
{
	int err;

	if (!output->columns || json_array_size(row) != json_array_size(output->columns)) {
		snprintf(output->error, sizeof(output->error), "a row of the answer has %zu values",
			json_array_size(row));
		return -EPROTO;
	}
	err = output->format->row(output, row);
	output->count++;
	if (output->style == OUTPUT_LIVE)
		fflush(output->to);
	return err;
}

void output_end(struct output *output)
{
	if (output->columns && output->format->end)
		output->format->end(output);
}

static char *joined(const json_t *list)
{
	char *text = text_copy("");
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		char *value autofree = output_value(item), *before = text;

		text = text_format("%s%s%s", before, i ? ", " : "", value);
		free(before);
	}
	return text;
}

char *output_value(const json_t *value)
{
	if (json_is_null(value))
		return text_copy("");
	if (json_is_string(value))
		return text_copy(json_string_value(value));
	if (json_is_array(value))
		return joined(value);
	if (json_is_real(value))
		return text_format("%.*g", OUTPUT_REAL_DIGITS, json_real_value(value));
	return json_text(value);
}

char *output_value_escaped(const json_t *value)
{
	char *text autofree = output_value(value);

	return escape_text(text);
}
