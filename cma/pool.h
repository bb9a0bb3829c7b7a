/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_POOL_H
#define CMA_POOL_H
/*
 * Objects of one size, of which there may be a million: taken from blocks of many, so that each
 * costs its own bytes and no more. What is given back is taken again; blocks stay until the end.
 */
#include <stddef.h>

struct pool {
	size_t size; /* of an object: at least a pointer's, and a multiple of it. Set it first */
	void *blocks, *unused;
};

/* Zeroed. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *object);
/* Ends every object, too. */
void pool_deinit(struct pool *pool);

#endif
