// SPDX-License-Identifier: Apache-2.0
#include "agent/table.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

void table_init(struct table *table, const char *const *headings, size_t columns)
{
	assert(columns <= TABLE_COLUMNS_MAX);
	*table = (struct table){ .columns = columns };
	table_add(table, headings);
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
}

static char *printable(const char *text)
{
	char *copy = text_copy(text ? text : "");

	for (char *at = copy; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
	return copy;
}

void table_add(struct table *table, const char *const *texts)
{
	if (table->count + table->columns > table->capacity) {
		table->capacity = 2 * table->capacity + 8 * table->columns;
		table->cells = mem_resize(table->cells, table->capacity, sizeof(*table->cells));
	}
	for (size_t i = 0; i < table->columns; i++)
		table->cells[table->count++] = printable(texts[i]);
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void table_print(const struct table *table, FILE *to)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };

	if (table->count <= table->columns)
		return;
	for (size_t i = 0; i < table->count; i++) {
		size_t width = width_of(table->cells[i]), column = i % table->columns;

		if (width > widths[column])
			widths[column] = width;
	}
	for (size_t i = 0; i < table->count; i++) {
		bool last = i % table->columns == table->columns - 1;
		size_t pad = last ? 0 : widths[i % table->columns] - width_of(table->cells[i]) + 2;

		fprintf(to, "%s%*s%s", table->cells[i], (int)pad, "", last ? "\n" : "");
	}
}
