// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/sink.h"

#include "cma/graph/event.h"
#include "cma/graph/store.h"

int graph_sink_open(struct graph *g, const char *name, int64_t *event)
{
	int64_t last;
	int failed = graph_event_last(g, &last);

	if (!failed)
		failed = db_run(&g->db, DB_SINK_OPEN, "tii", name, last, (int64_t)graph_epoch(g));
	if (failed)
		return failed;
	failed = db_int(&g->db, event, DB_SINK_EVENT, "t", name);
	return failed < 0 ? failed : 0;
}

int graph_sink_told(struct graph *g, const char *name, int64_t event)
{
	return db_run(&g->db, DB_SINK_TOLD, "ti", name, event);
}

int graph_sinks_forget(struct graph *g)
{
	return db_run(&g->db, DB_SINKS_FORGET, "i", (int64_t)graph_epoch(g));
}
