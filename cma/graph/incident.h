/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_INCIDENT_H
#define CMA_GRAPH_INCIDENT_H
/*
 * What went wrong, for people: one incident for each cause, with the hosts that it concerns. What
 * tells causes apart is (tenant, kind, node): at most one of these is open at a time; what is over
 * stays as history. Call these between graph_begin and graph_commit, as all that writes (graph.h).
 * The query "incidents" shows them.
 *
 *	kind		node		opened when
 *	duplicate-key	host		two nanoprobes use its key
 *	events-lost	host		its nanoprobe had to drop urgent messages
 *	over-quota	host		it says more than one host may
 *	store-restored	tenant		agents knew of more than the store has
 */
#include "cma/graph/graph.h"

/*
 * Opens the incident, or tells more about the one that is open: its text is replaced, and it counts
 * as updated now. *id names it for what follows. text is for people, one line.
 */
int graph_incident_open(struct graph *g, int64_t tenant, const char *kind, int64_t node,
	const char *text, int64_t *id);
/* 1 and the id of the one that is open, 0 when none is, -errno. */
int graph_incident_find(
	struct graph *g, int64_t tenant, const char *kind, int64_t node, int64_t *id);
/* Ends it; whom it concerned stays with it. -ENOENT: the tenant has none of that id that is open.
 */
int graph_incident_clear(struct graph *g, int64_t tenant, int64_t id);

/*
 * The id of what people know as number: each tenant counts its own from 1, so that nobody learns
 * from his numbers how many others have. -ENOENT.
 */
int graph_incident_numbered(struct graph *g, int64_t tenant, int64_t number, int64_t *id);

/* Ends it if it is open and was not updated for so long. */
int graph_incident_quiet(
	struct graph *g, int64_t tenant, const char *kind, int64_t node, int64_t quiet_ms);

/* It concerns the host from now on; to say so again does nothing. */
int graph_incident_host(struct graph *g, int64_t id, int64_t host);
/* It does so no more; nothing when it did not. */
int graph_incident_host_end(struct graph *g, int64_t id, int64_t host);
/* 1 while it concerns any, else 0. */
int graph_incident_concerns(struct graph *g, int64_t id);
/* Whom open incidents of this kind concern; stops at the first non-zero and returns it. */
typedef int graph_incident_fn(void *context, int64_t id, int64_t tenant, int64_t host);
int graph_incident_hosts(struct graph *g, const char *kind, graph_incident_fn *fn, void *context);

#endif
