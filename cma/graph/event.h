/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_EVENT_H
#define CMA_GRAPH_EVENT_H
/*
 * What happened, in order, for those who want to be told: an event becomes durable with what it
 * tells of, and is never changed. incident.h, roster.h and maintenance.h write them; the query
 * "events" shows them to people, who know them by numbers of their tenant.
 *
 *	kind			of			text is that of
 *	open			an incident		the incident
 *	update			an incident		the incident, which says more now
 *	reclassified		an incident		the incident, which has another cause
 *	clear			an incident		the incident
 *	up			a host that had left, or is new
 *	shutdown		a host that said goodbye
 *	revoked			a host
 *	maintenance		a host or switch	who began or prolonged it, why
 *	maintenance-over	a host or switch	how it ended
 */
#include "cma/graph/graph.h"

struct graph_event {
	int64_t id; /* rises; not without gaps in one tenant */
	int64_t tenant;
	int64_t number; /* as people see it: 1, 2, 3 in each tenant */
	int64_t at_ms;
	const char *kind;
	int64_t incident; /* that it is about, or 0 */
	int64_t node;	  /* likewise */
	const char *text;
};

/* Appends one: tenant, kind, incident, node and text are taken. */
int graph_event_add(struct graph *g, const struct graph_event *event);

/* The last id that was given, 0: none. */
int graph_event_last(struct graph *g, int64_t *id);
typedef int graph_event_fn(void *context, const struct graph_event *event);
/* Those after an id, in order; stops at the first non-zero and returns it. */
int graph_events(struct graph *g, int64_t after, graph_event_fn *fn, void *context);

#endif
