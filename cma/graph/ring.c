// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/ring.h"

#include <errno.h>
#include <string.h>

#include "cma/graph/roster.h"
#include "cma/graph/store.h"

static int secret_find(struct graph *g, uint8_t secret[GRAPH_KEY])
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_RING_SECRET, "");
	int got = db_step(&g->db, s);

	if (got <= 0)
		return got ? got : -ENOENT;
	if (db_blob(s, 0).size != GRAPH_KEY)
		return -EUCLEAN;
	memcpy(secret, db_blob(s, 0).data, GRAPH_KEY);
	return 0;
}

int graph_ring_secret(struct graph *g, uint8_t secret[GRAPH_KEY])
{
	int failed = secret_find(g, secret);

	if (failed != -ENOENT)
		return failed;
	seal_random(secret, GRAPH_KEY);
	failed = db_run(&g->db, DB_BEGIN, "");
	if (!failed)
		failed = db_run(&g->db, DB_RING_SECRET_SET, "b", SPAN(secret, GRAPH_KEY));
	if (!failed)
		failed = graph_commit(g);
	if (failed)
		graph_rollback(g);
	return failed;
}

int graph_ring_add(struct graph *g, const struct graph_ring_edge *edge)
{
	int64_t tenant, other;
	int failed = graph_agent_tenant(g, edge->low, &tenant);

	if (!failed)
		failed = graph_agent_tenant(g, edge->high, &other);
	if (!failed && tenant != other)
		failed = -ENOENT;
	return failed ? failed
		      : db_run(&g->db, DB_RING_ADD, "iiiiii", (int64_t)edge->edge, tenant,
				(int64_t)edge->layer, edge->low, edge->high, g->now);
}

int graph_ring_remove(struct graph *g, uint32_t edge)
{
	return db_run(&g->db, DB_RING_REMOVE, "i", (int64_t)edge);
}

int graph_ring_sees(struct graph *g, int64_t agent, uint32_t edge, enum sight sight)
{
	return db_run(&g->db, DB_RING_SEES, "iii", (int64_t)edge, agent, (int64_t)sight);
}

int graph_ring_begin(struct graph *g, int64_t agent)
{
	return db_run(&g->db, DB_RING_BEGIN, "i", agent);
}

int graph_ring_last(struct graph *g, uint32_t *edge)
{
	int64_t last = 0;
	int got = db_int(&g->db, &last, DB_RING_LAST, "");

	*edge = (uint32_t)last;
	return got < 0 ? got : 0;
}

int graph_ring_edges(struct graph *g, graph_ring_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_RING_LIST, "");
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		const struct graph_ring_edge edge = {
			.edge = (uint32_t)sqlite3_column_int64(s, 0),
			.layer = (uint8_t)sqlite3_column_int(s, 1),
			.low = sqlite3_column_int64(s, 2),
			.high = sqlite3_column_int64(s, 3),
			.low_sees = (enum sight)sqlite3_column_int(s, 4),
			.high_sees = (enum sight)sqlite3_column_int(s, 5),
		};

		got = fn(context, &edge);
		if (got)
			break;
	}
	return got;
}

int graph_beat(struct graph *g, int64_t agent, uint16_t port)
{
	return db_run(&g->db, DB_BEAT, "ii", agent, (int64_t)port);
}
