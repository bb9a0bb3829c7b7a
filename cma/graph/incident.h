/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_INCIDENT_H
#define CMA_GRAPH_INCIDENT_H
/*
 * What went wrong, for people: one incident for each cause, with the hosts that it concerns; at
 * most one of a cause is open at a time, what is over stays as history. Call these between
 * graph_begin and graph_commit, as all that writes (graph.h). Each change of one is an event too
 * (event.h). The query "incidents" shows them.
 *
 *	kind		node		opened when
 *	duplicate-key	host		two nanoprobes use its key
 *	events-lost	host		its nanoprobe had to drop urgent messages
 *	over-quota	host		it says more than one host may
 *	store-restored	tenant		agents knew of more than the store has
 * and those of cma/act_alive.h.
 */
#include "cma/graph/graph.h"

/* What tells a cause from all others. */
struct graph_cause {
	int64_t tenant;
	const char *kind;
	int64_t node;  /* what failed: a host, a switch...; the tenant when it is neither */
	int64_t other; /* the other end, when it is what lies between two; else 0 */
};

/*
 * Opens the incident, or tells more about the one that is open: its text is replaced, and it counts
 * as updated now. *id names it for what follows. text is for people, one line.
 */
int graph_incident_tell(
	struct graph *g, const struct graph_cause *cause, const char *text, int64_t *id);
/* The same, of a cause that has no other end. */
int graph_incident_open(struct graph *g, int64_t tenant, const char *kind, int64_t node,
	const char *text, int64_t *id);
/* 1 and the id of the one that is open, 0 when none is, -errno. */
int graph_incident_of(struct graph *g, const struct graph_cause *cause, int64_t *id);
int graph_incident_find(
	struct graph *g, int64_t tenant, const char *kind, int64_t node, int64_t *id);
/*
 * The cause of the one that is open was another: it stays the same incident, with all that it
 * concerns, and its events tell what it was taken for. When that cause has one that is open, this
 * one ends and the other one concerns those hosts too. Nothing when none is open.
 */
int graph_incident_reclassify(struct graph *g, const struct graph_cause *was,
	const struct graph_cause *cause, const char *text);
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
