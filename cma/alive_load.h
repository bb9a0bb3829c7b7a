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

#endif
