/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_LOAD_H
#define CMA_ALIVE_LOAD_H
/* The arbiter at the start knows what the one before it had decided. */
#include "cma/alive/alive.h"
#include "cma/graph/graph.h"

/*
 * What alive_new has to be told of the store: secret and next_edge are set. 0 or -errno
 * (graph_error tells).
 */
int alive_load_config(struct graph *g, struct alive_config *config);
/* All agents, edges and open incidents; alive_start comes next. 0 or -errno. */
int alive_load(struct graph *g, struct alive *alive);
/*
 * Instead, when there is no arbiter (heartbeats are off), in a transaction of its own: nobody
 * watches anybody, what he had found is over, and a host is up until it says goodbye.
 */
int alive_load_off(struct graph *g, int64_t now_ms);

#endif
