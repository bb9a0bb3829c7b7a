// SPDX-License-Identifier: Apache-2.0
/* Comma-separated values as in RFC 4180, with a header line; and bare values. */
#include <string.h>

#include "cli/output.h"

static void csv_field(const struct output *output, const json_t *value)
{
	char *text autofree = output->width ? output_value_escaped(value) : output_value(value);

	/* Leading and trailing spaces belong to the field, but some readers trim unless quoted. */
	if (!strpbrk(text, "\",\r\n") && *text != ' ' &&
		(!*text || text[strlen(text) - 1] != ' ')) {
		fputs(text, output->to);
		return;
	}
	fputc('"', output->to);
	for (const char *c = text; *c; c++) {
		if (*c == '"')
			fputc('"', output->to);
		fputc(*c, output->to);
	}
	fputc('"', output->to);
}

static int csv_row(struct output *output, const json_t *row)
{
	const json_t *value;
	size_t i;

	json_array_foreach (row, i, value) {
		if (i)
			fputc(',', output->to);
		csv_field(output, value);
	}
	fputs("\r\n", output->to);
	return 0;
}

static int csv_begin(struct output *output)
{
	return csv_row(output, output->columns);
}

const struct output_format output_csv = {
	.name = "csv",
	.begin = csv_begin,
	.row = csv_row,
};

static int plain_row(struct output *output, const json_t *row)
{
	const json_t *value;
	size_t i;

	json_array_foreach (row, i, value) {
		char *text autofree = output_value_escaped(value);

		fprintf(output->to, "%s%s", i ? "\t" : "", text);
	}
	fputc('\n', output->to);
	return 0;
}

const struct output_format output_plain = {
	.name = "plain",
	.row = plain_row,
};
