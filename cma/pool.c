// SPDX-License-Identifier: Apache-2.0
#include "cma/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK_OBJECTS = 64 };

/* The first bytes of a block, and of an object that nobody uses, point to the next one. */
static void push(void **list, void *object)
{
	memcpy(object, list, sizeof(*list));
	*list = object;
}

static void *pop(void **list)
{
	void *object = *list;

	memcpy(list, object, sizeof(*list));
	return object;
}

static void add_block(struct pool *pool)
{
	char *block = mem_alloc(1, sizeof(void *) + BLOCK_OBJECTS * pool->size);

	push(&pool->blocks, block);
	for (size_t i = 0; i < BLOCK_OBJECTS; i++)
		push(&pool->unused, block + sizeof(void *) + i * pool->size);
}

void *pool_take(struct pool *pool)
{
	void *object;

	if (!pool->unused)
		add_block(pool);
	object = pop(&pool->unused);
	memset(object, 0, pool->size);
	return object;
}

void pool_give(struct pool *pool, void *object)
{
	push(&pool->unused, object);
}

void pool_deinit(struct pool *pool)
{
	while (pool->blocks)
		free(pop(&pool->blocks));
	pool->unused = NULL;
}
