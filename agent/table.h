/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_TABLE_H
#define AGENT_TABLE_H
/* Rows of text under headings, aligned, for a terminal. */
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
	size_t columns;
	char **cells; /* rows of columns; owned */
	size_t count, capacity;
};

/* The headings, columns of them, are copied as the first row. End it with table_free. */
void table_init(struct table *table, const char *const *headings, size_t columns);
void table_free(struct table *table);
/* The texts of one row, copied; NULL is empty. */
void table_add(struct table *table, const char *const *texts);
/* Nothing when there is no row but the headings. Control characters are printed as '?'. */
void table_print(const struct table *table, FILE *to);

#endif
