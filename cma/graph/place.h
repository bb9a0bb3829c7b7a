/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_PLACE_H
#define CMA_GRAPH_PLACE_H
/* Where a host is plugged in, of all that it told. */
#include "cma/alive/event.h"
#include "cma/graph/graph.h"

/*
 * Its links by LLDP, lowest port first (of more than ALIVE_LINKS the first ones); when it has none,
 * the subnet of the address at which it proved its last session, if it has told that address. It
 * changes with messages that set moved in graph_result, and with graph_session. -ENOENT: no such
 * agent.
 */
int graph_place(struct graph *g, int64_t agent, struct alive_place *place);

#endif
