// SPDX-License-Identifier: Apache-2.0
/*
 * A Graphviz digraph. A query says how its rows make one, in paths separated by commas:
 *	host -> host/ifname -> switch/port -> switch
 * Each node is one column, or several joined with '/'. A node whose columns are all empty in a row
 * cuts the path there. The same name is the same node, and an edge is drawn once.
 */
#include <errno.h>
#include <string.h>

#include "cli/output.h"

static int dot_begin(struct output *output)
{
	if (!output->edges) {
		snprintf(output->error, sizeof(output->error),
			"this has no edges to draw: -o dot does not go with it");
		return -EINVAL;
	}
	output->rows = json_object(); /* the edges that are drawn */
	fputs("digraph assim {\n\trankdir=LR;\n\tnode [shape=box];\n", output->to);
	return 0;
}

/* The next part of *text up to the separator, without spaces around it; NULL at the end. */
static char *next_part(const char **text, const char *separator)
{
	const char *start = *text, *end;

	if (!start)
		return NULL;
	start += strspn(start, " ");
	end = strstr(start, separator);
	*text = end ? end + strlen(separator) : NULL;
	if (!end)
		end = start + strlen(start);
	while (end > start && end[-1] == ' ')
		end--;
	return text_copy_n(start, (size_t)(end - start));
}

static char *column_value(const struct output *output, const json_t *row, const char *name)
{
	for (size_t i = 0; i < json_array_size(row); i++) {
		if (!strcmp(output_column(output, i), name))
			return output_value_escaped(json_array_get(row, i));
	}
	return text_copy("");
}

/* "host/ifname" in this row -> "web1/eth0"; "" when there is nothing. The caller frees. */
static char *node_name(const struct output *output, const json_t *row, const char *node)
{
	char *name = text_copy(""), *column;

	while ((column = next_part(&node, "/"))) {
		char *value autofree = column_value(output, row, column), *before = name;

		name = text_format("%s%s%s", before, *before && *value ? "/" : "", value);
		free(before);
		free(column);
	}
	return name;
}

static void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static void put_edge(const struct output *output, const char *from, const char *to)
{
	/* No name holds a line break: it is escaped. */
	char *edge autofree = text_format("%s\n%s", from, to);

	if (json_object_get(output->rows, edge))
		return;
	json_object_set_new(output->rows, edge, json_true());
	fputc('\t', output->to);
	put_quoted(output->to, from);
	fputs(" -> ", output->to);
	put_quoted(output->to, to);
	fputs(";\n", output->to);
}

static void put_path(const struct output *output, const json_t *row, const char *path)
{
	char *before autofree = text_copy(""), *node;

	while ((node = next_part(&path, "->"))) {
		char *name = node_name(output, row, node);

		if (*before && *name && strcmp(before, name))
			put_edge(output, before, name);
		free(before);
		before = name;
		free(node);
	}
}

static int dot_row(struct output *output, const json_t *row)
{
	const char *edges = output->edges;
	char *path;

	while ((path = next_part(&edges, ","))) {
		put_path(output, row, path);
		free(path);
	}
	return 0;
}

static void dot_end(struct output *output)
{
	fputs("}\n", output->to);
}

const struct output_format output_dot = {
	.name = "dot",
	.begin = dot_begin,
	.row = dot_row,
	.end = dot_end,
};
