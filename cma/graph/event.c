// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/event.h"

#include "cma/graph/store.h"

int graph_event_add(struct graph *g, const struct graph_event *event)
{
	return db_run(&g->db, DB_EVENT_ADD, "iitiit", event->tenant, g->now, event->kind,
		event->incident, event->node, event->text);
}

int graph_event_last(struct graph *g, int64_t *id)
{
	int got;

	*id = 0;
	got = db_int(&g->db, id, DB_EVENT_LAST, "");
	return got < 0 ? got : 0;
}
