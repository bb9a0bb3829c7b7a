// SPDX-License-Identifier: Apache-2.0
/* One array of objects; live: one object per line. */
#include "cli/output.h"

static int json_row(struct output *output, const json_t *row)
{
	json_t *object autojson = json_object();
	/* A terminal takes U+009B and its kind for commands; a program wants the text as it is. */
	size_t flags = output->width ? JSON_ENSURE_ASCII : 0;
	const json_t *value;
	size_t i;

	json_array_foreach (row, i, value)
		json_object_set(object, output_column(output, i), (json_t *)value);
	if (output->style != OUTPUT_LIVE)
		fputs(output->count ? ",\n  " : "[\n  ", output->to);
	json_dumpf(object, output->to, flags | JSON_REAL_PRECISION(OUTPUT_REAL_DIGITS));
	if (output->style == OUTPUT_LIVE)
		fputc('\n', output->to);
	return 0;
}

static void json_end(struct output *output)
{
	if (output->style != OUTPUT_LIVE)
		fputs(output->count ? "\n]\n" : "[]\n", output->to);
}

const struct output_format output_json = {
	.name = "json",
	.row = json_row,
	.end = json_end,
};
