/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_RING_LIST_H
#define CMA_ALIVE_RING_LIST_H
/* Whom one agent exchanges heartbeats with: what the record RING tells it. */
#include "wire/message.h"
#include "wire/ring_edge.h"
#include "wire/seal.h"

enum { RING_LIST_EDGES = 4 };

struct ring_list {
	uint64_t version; /* tells the lists of one agent apart, never 0: HELD says it back */
	uint16_t interval_ms;
	uint8_t probe[SEAL_KEY]; /* of edge 0, on which the CMA asks */
	uint64_t echo;		 /* what its echo requests hold */
	size_t size;		 /* bytes of edges that are used: pieces as in wire/ring_edge.h */
	uint8_t edges[RING_LIST_EDGES * RING_EDGE_SIZE];
};

/* The record; its edges borrow from list. */
struct record ring_list_record(const struct ring_list *list);

#endif
