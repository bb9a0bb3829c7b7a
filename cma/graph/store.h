/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_STORE_H
#define CMA_GRAPH_STORE_H
/* What the files of the writer share; graph.h is what the rest of the CMA sees. */
#include <stdbool.h>

#include "cma/graph/db.h"
#include "cma/graph/derive.h"
#include "cma/graph/graph.h"
#include "cma/graph/known.h"
#include "wire/fact.h"
#include "wire/seal.h"

struct graph {
	struct db db;
	int lock; /* the state directory's */
	uint64_t epoch;
	int64_t now;				       /* of the open transaction, ms */
	int64_t agent_facts, agent_bytes, agent_edges; /* that an agent may have */
	int64_t quarantine_most, quarantine_bytes; /* of all; -1: not known, it has to be read */
	char error[512];
	struct known known;
};

/* ---- node.c ---- */

/*
 * The node's id; it is made, or brought back, when it is not there. label NULL leaves the label
 * that it has (at first its key).
 */
int node_put(struct graph *g, int64_t owner, const char *kind, const char *key, const char *label,
	int64_t *id);
/* 1 and its id, 0 when there is none, -errno. It may be gone. */
int node_find(struct graph *g, int64_t owner, const char *kind, const char *key, int64_t *id);
/* Ends the node when nothing keeps it, and then what owned it likewise. */
int node_settle(struct graph *g, int64_t id);

/* ---- roster.c ---- */

/* The host was started again: if it is up, it is so since now. */
int graph_up_again(struct graph *g, int64_t agent);

/* ---- roster.c ---- */

/* If not, graph_error tells. */
bool roster_tenant_is_good(struct graph *g, const char *name);
/* A new agent and its host node; neither has a status yet. */
int roster_add(struct graph *g, int64_t tenant, struct span key, struct span psk, int64_t *id);

/* It has "left" then. Nothing when it is not revoked. */
int roster_unrevoke(struct graph *g, int64_t agent);

/* ---- place.c ---- */

struct alive_place;
/* graph_place of an agent of which the row is known. */
int place_find(struct graph *g, int64_t agent, int64_t tenant, const char *address,
	struct alive_place *place);

/* ---- edge.c: an edge is alive between edge_open and edge_end ---- */

struct edge {
	int64_t src;
	int64_t dst;
	const char *kind;
};

int edge_open(struct graph *g, const struct edge *edge, int64_t fact);
int edge_end(struct graph *g, const struct edge *edge, int64_t fact);

/* ---- merge.c: the facts of one host within one message ---- */

struct merge {
	struct graph *g;
	int64_t host;
	int64_t tenant;
	uint8_t hash_key[SEAL_FACT_KEY];
	uint64_t digests[SECTION_COUNT]; /* these three are kept up to date */
	int64_t facts, bytes;		 /* that are true now, and of their keys and values */
	int64_t edges;			 /* that are alive and follow from them */
	size_t work, work_max;		 /* edges that were looked at because they may be new */
	struct derive_locals touched;	 /* addresses that listeners do not follow yet */
};

/*
 * Ends for a fact what only before says about its host, opens what only after says, and leaves what
 * both say as it is. To end what is not open, or to open what is, does nothing. (edge.c)
 */
int edge_replace(
	struct merge *m, int64_t fact, const struct derived *before, const struct derived *after);

/*
 * json is the value, or NULL to delete. -EDQUOT, here and below: more than work_max follow
 * from the message; what was done of it has to be undone.
 */
int merge_fact(struct merge *m, const struct fact *fact, const json_t *json);
/* Deletes what the host has with from <= key < until and keys (sorted, count) does not name. */
int merge_range(struct merge *m, enum section section, struct span from, struct span until,
	const struct fact *facts, size_t count);
/* Last: listeners on wildcard addresses follow what came and went of the host's addresses. */
int merge_finish(struct merge *m);
/* Frees memory; touches nothing durable. */
void merge_free(struct merge *m);

#endif
