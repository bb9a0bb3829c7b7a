/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_MAINTENANCE_H
#define CMA_GRAPH_MAINTENANCE_H
/*
 * What operators are at work on: a host, or a switch with its ports and the hosts that are plugged
 * into nothing else. Incidents of it, and those that concern nothing else, are kept as ever, but
 * alerts say nothing of them: the views maintained and quiet of the store (docs/schema.md). Call
 * these between graph_begin and graph_commit (graph.h).
 */
#include "cma/graph/graph.h"

enum { GRAPH_NO_END = -1 };

struct graph_maintenance {
	int64_t tenant;
	int64_t node;	      /* a host or a switch of the tenant (query_node) */
	int64_t until_ms;     /* GRAPH_NO_END: until graph_maintenance_off */
	const char *operator; /* who says so, for people */
	const char *note;     /* why, for people; may be "" */
};

/*
 * From now on; one that is on already gets the new end and note. -ENOENT: the tenant has no such
 * host or switch; -EINVAL: until is over.
 */
int graph_maintenance_on(struct graph *g, const struct graph_maintenance *maintenance);
/* -ENOENT: it was not on. */
int graph_maintenance_off(struct graph *g, int64_t tenant, int64_t node, const char *operator);
/* Ends all whose time is over; now and then. */
int graph_maintenance_expired(struct graph *g);

#endif
