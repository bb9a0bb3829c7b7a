/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_RING_H
#define CMA_GRAPH_RING_H
/*
 * Who exchanges heartbeats with whom, as cma/alive planned it, and how each end sees the other one.
 * It is kept because a key follows from the number of an edge: whoever starts again gets the same
 * list, and its neighbours hear nothing of it. There is no history of it; since says how old an
 * edge is. Call these between graph_begin and graph_commit (graph.h), but for graph_ring_secret.
 */
#include "cma/graph/graph.h"
#include "wire/beat.h"
#include "wire/message.h"

struct graph_ring_edge {
	uint32_t edge; /* its number, never used again */
	uint8_t layer;
	int64_t low, high;		/* agents */
	enum sight low_sees, high_sees; /* SIGHT_HEARD at first */
};

/* What the keys of edges follow from; made, in a transaction of its own, when there is none yet. */
int graph_ring_secret(struct graph *g, uint8_t secret[GRAPH_KEY]);

/* An edge; one that is there already stays as it is. -ENOENT: an end of it is no agent. */
int graph_ring_add(struct graph *g, const struct graph_ring_edge *edge);
/* Nothing when it is not there. */
int graph_ring_remove(struct graph *g, uint32_t edge);
/* What an agent sees of an edge that it is an end of; nothing when it is not. */
int graph_ring_sees(struct graph *g, int64_t agent, uint32_t edge, enum sight sight);
/* Another run of the agent: what the former one saw is void, and this one says what it does not
 * hear. */
int graph_ring_begin(struct graph *g, int64_t agent);

/* The highest number that an edge ever had, 0: none. */
int graph_ring_last(struct graph *g, uint32_t *edge);
typedef int graph_ring_fn(void *context, const struct graph_ring_edge *edge);
/* All by number; stops at the first non-zero and returns it. */
int graph_ring_edges(struct graph *g, graph_ring_fn *fn, void *context);

/* The port of the agent's heartbeats (record HELD). */
int graph_beat(struct graph *g, int64_t agent, uint16_t port);

#endif
