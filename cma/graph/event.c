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

int graph_events(struct graph *g, int64_t after, graph_event_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_EVENT_LIST, "i", after);
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		const struct graph_event event = {
			.id = sqlite3_column_int64(s, 0),
			.tenant = sqlite3_column_int64(s, 1),
			.number = sqlite3_column_int64(s, 2),
			.at_ms = sqlite3_column_int64(s, 3),
			.kind = db_string(s, 4),
			.incident = sqlite3_column_int64(s, 5),
			.node = sqlite3_column_int64(s, 6),
			.text = db_string(s, 7),
		};

		got = fn(context, &event);
		if (got)
			break;
	}
	return got;
}
