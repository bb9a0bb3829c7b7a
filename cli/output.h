/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H
/* Rows with named columns, shown as a table, JSON, CSV or a Graphviz graph. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json.h"

enum output_style {
	OUTPUT_ROWS,   /* any number of rows, known when the last is there */
	OUTPUT_RECORD, /* one row: a table has a line for each column */
	OUTPUT_LIVE,   /* rows without end, each shown at once; JSON is one object per line */
	OUTPUT_PLAIN,  /* unless a format is asked for: the bare values, without heading */
};

enum {
	OUTPUT_ERROR_SIZE = 256,
	OUTPUT_REAL_DIGITS = 15, /* what a double holds of a decimal fraction */
};

struct output;

/* What a format does; NULL where it does nothing. Each returns 0 or -EINVAL with ->error set. */
struct output_format {
	const char *name;
	int (*begin)(struct output *output);
	int (*row)(struct output *output, const json_t *row);
	void (*end)(struct output *output);
};

extern const struct output_format output_table, output_json, output_csv, output_dot, output_plain;

struct output {
	const struct output_format *format;
	enum output_style style;
	FILE *to;
	size_t width;	 /* of the terminal; 0: no terminal, so nothing is wrapped or escaped */
	json_t *columns; /* array of names */
	char *edges;	 /* how rows make a graph (see output_dot.c); NULL: they do not */
	json_t *rows;	 /* what a format has to keep of them */
	size_t *widths;	 /* of the columns, in a live table */
	uint64_t count;
	char error[OUTPUT_ERROR_SIZE];
};

/*
 * format is a name or NULL for what the style asks for; -EINVAL with ->error set for an unknown
 * one. End it with output_close.
 */
int output_open(struct output *output, const char *format, enum output_style style, FILE *to);
void output_close(struct output *output);

/* The first call: names of the columns. Takes no reference. -EINVAL, -EPROTO with ->error set. */
int output_begin(struct output *output, const json_t *columns, const char *edges);
/* A row has as many values as there are columns. The same errors. */
int output_row(struct output *output, const json_t *row);
void output_end(struct output *output);

/* A value as text: lists joined with ", ", objects as JSON, null as nothing. The caller frees. */
char *output_value(const json_t *value);
/* The same, safe to show on a terminal. */
char *output_value_escaped(const json_t *value);
const char *output_column(const struct output *output, size_t index);

#endif
