// SPDX-License-Identifier: Apache-2.0
#include "cma/table.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { SIZE_FIRST = 64 };

void table_deinit(struct table *table)
{
	free(table->buckets);
	*table = (struct table){ .buckets = NULL };
}

static void put(struct table *table, struct table_link *link)
{
	struct table_link **bucket = &table->buckets[link->hash & (table->size - 1)];

	link->next = *bucket;
	*bucket = link;
}

static void grow(struct table *table)
{
	struct table old = *table;

	table->size = old.size ? 2 * old.size : SIZE_FIRST;
	table->buckets = mem_alloc(table->size, sizeof(*table->buckets));
	for (size_t i = 0; i < old.size; i++) {
		for (struct table_link *link = old.buckets[i], *next; link; link = next) {
			next = link->next;
			put(table, link);
		}
	}
	free(old.buckets);
}

void table_insert(struct table *table, struct table_link *link, uint64_t hash)
{
	if (table->count >= table->size)
		grow(table);
	link->hash = hash;
	put(table, link);
	table->count++;
}

void table_remove(struct table *table, struct table_link *link)
{
	struct table_link **at = &table->buckets[link->hash & (table->size - 1)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	table->count--;
}

static struct table_link *skip(struct table_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct table_link *table_find(const struct table *table, uint64_t hash)
{
	return table->size ? skip(table->buckets[hash & (table->size - 1)], hash) : NULL;
}

struct table_link *table_find_next(const struct table_link *link)
{
	return skip(link->next, link->hash);
}

void table_each(
	struct table *table, void (*visit)(void *owner, struct table_link *link), void *owner)
{
	for (size_t i = 0; i < table->size; i++) {
		for (struct table_link *link = table->buckets[i], *next; link; link = next) {
			next = link->next;
			visit(owner, link);
		}
	}
}
