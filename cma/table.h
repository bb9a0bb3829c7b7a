/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_TABLE_H
#define CMA_TABLE_H
/*
 * A hash table of objects that hold a struct table_link. It costs them 16 bytes where uthash costs
 * 56, which matters at a million agents with three keys each. It neither allocates nor frees them.
 */
#include <stddef.h>
#include <stdint.h>

struct table_link {
	struct table_link *next;
	uint64_t hash;
};

struct table {
	struct table_link **buckets;
	size_t size;  /* of buckets: 0, or a power of two */
	size_t count; /* of objects */
};

/* The object of a type whose member is this link. */
#define table_object(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* A table starts as zeroes. Frees the buckets; the objects are their owner's. */
void table_deinit(struct table *table);
/* hash must be spread over its low bits. There may be several of one hash. */
void table_insert(struct table *table, struct table_link *link, uint64_t hash);
/* link must be in the table. */
void table_remove(struct table *table, struct table_link *link);
/* The first link of that hash, and the one after it; NULL. The caller compares the rest of a key.
 */
struct table_link *table_find(const struct table *table, uint64_t hash);
struct table_link *table_find_next(const struct table_link *link);
/* Calls visit for every object, which visit may remove (that one, no other) and free. */
void table_each(
	struct table *table, void (*visit)(void *owner, struct table_link *link), void *owner);

#endif
