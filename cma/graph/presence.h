/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_PRESENCE_H
#define CMA_GRAPH_PRESENCE_H
/* How each agent is, as the store has it: what the arbiter has to know at the start. */
#include "cma/alive/event.h"
#include "cma/graph/incident.h"

struct graph_presence {
	int64_t id;
	int64_t tenant;		 /* its node */
	const char *tenant_name; /* these two are valid during the call */
	const char *status;	 /* a word of graph_status */
	uint64_t boot, incarnation;
	struct addr beat; /* where its heartbeats are; port 0: not known */
	struct alive_place place;
};

typedef int graph_presence_fn(void *context, const struct graph_presence *presence);
/* All of them, tenant by tenant; stops at the first non-zero and returns it. */
int graph_presences(struct graph *g, graph_presence_fn *fn, void *context);

/* An incident that is open. */
struct graph_trouble {
	int64_t id;
	struct graph_cause cause; /* its kind is valid during the call */
	const char *tenant_name;  /* likewise */
};

typedef int graph_trouble_fn(void *context, const struct graph_trouble *trouble);
int graph_troubles(struct graph *g, graph_trouble_fn *fn, void *context);
/* The hosts that an incident concerns now: their number, or -errno. The caller frees *hosts. */
ssize_t graph_troubled(struct graph *g, int64_t incident, uint64_t **hosts);

#endif
