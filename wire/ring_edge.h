/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_RING_EDGE_H
#define WIRE_RING_EDGE_H
/*
 * A piece of record RING: one neighbour to exchange heartbeats with.
 *
 *	u32 edge | u8 flags | address 16 | u16 port | key 32
 */
#include <stdbool.h>

#include "base/addr.h"
#include "wire/beat.h"

enum {
	RING_EDGE_SIZE = 4 + 1 + 16 + 2 + BEAT_KEY,
	RING_EDGES_MAX = 8, /* of one host: twice the highest degree */
};

/* In flags; others are of a later version and to be ignored. */
enum {
	RING_EDGE_HIGH = 1,   /* the list is for the high end: its beats say BEAT_HIGH */
	RING_EDGE_INSIDE = 2, /* the neighbour is behind the same switch, or in the same subnet */
};

struct ring_edge {
	uint32_t edge; /* not BEAT_EDGE_CMA */
	uint8_t flags;
	struct addr at;
	uint8_t key[BEAT_KEY];
};

void ring_edge_put(struct writer *w, const struct ring_edge *edge);
/* The next one. False at the end and on failure: r->failed tells. */
bool ring_edge_get(struct reader *r, struct ring_edge *edge);

#endif
