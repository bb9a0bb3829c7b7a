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
	int64_t tenant;
	const char *kind;
	int64_t incident; /* that it is about, or 0 */
	int64_t node;	  /* likewise */
	const char *text;
};

/* Appends one. Its id is higher than that of any before, its number the next one of its tenant. */
int graph_event_add(struct graph *g, const struct graph_event *event);

/* The last id that was given, 0: none. */
int graph_event_last(struct graph *g, int64_t *id);

#endif
