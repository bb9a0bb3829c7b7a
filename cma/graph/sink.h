/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_SINK_H
#define CMA_GRAPH_SINK_H
/*
 * How far each sink of alerts was told what happened: the number of an event (event.h). Call these
 * between graph_begin and graph_commit (graph.h).
 */
#include "cma/graph/graph.h"

/*
 * A sink of that name is there since this start of the CMA. One that is new is told nothing of what
 * was before.
 */
int graph_sink_open(struct graph *g, const char *name, int64_t *event);
/* It was told everything up to that event. */
int graph_sink_told(struct graph *g, const char *name, int64_t event);
/* Those that are not there any more are forgotten: should one come back, it is new. */
int graph_sinks_forget(struct graph *g);

#endif
