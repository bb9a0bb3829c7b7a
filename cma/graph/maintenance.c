// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/maintenance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cma/graph/event.h"
#include "cma/graph/name.h"
#include "cma/graph/store.h"

enum { NOTE_SHOWN = 200 };

static int tell(struct graph *g, int64_t tenant, int64_t node, const char *kind, const char *text)
{
	const struct graph_event event = {
		.tenant = tenant, .kind = kind, .node = node, .text = text
	};

	return graph_event_add(g, &event);
}

/* -ENOENT unless it is a host or a switch of the tenant. */
static int check(struct graph *g, int64_t tenant, int64_t node)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_NODE_GET, "i", node);
	int got = db_step(&g->db, s);
	const char *kind = got > 0 ? db_string(s, 1) : "";

	if (got < 0)
		return got;
	if (!got || sqlite3_column_int64(s, 0) != tenant ||
		(strcmp(kind, "host") != 0 && strcmp(kind, "switch") != 0))
		return -ENOENT;
	return 0;
}

int graph_maintenance_on(struct graph *g, const struct graph_maintenance *m)
{
	int64_t until = m->until_ms == GRAPH_NO_END ? DB_FOREVER : m->until_ms;
	char name[GRAPH_NAME], end[TEXT_TIME_SIZE], text[GRAPH_NAME + NOTE_SHOWN + 96];
	int failed = check(g, m->tenant, m->node);

	if (!failed && until <= g->now)
		failed = -EINVAL;
	if (!failed)
		failed = db_run(&g->db, DB_MAINTENANCE_ON, "iiiitt", m->node, m->tenant, g->now,
			until, m->operator, m->note);
	if (!failed)
		failed = graph_name(g, m->node, name);
	if (failed)
		return failed;
	text_time(until == DB_FOREVER ? g->now : until, end);
	snprintf(text, sizeof(text), "%s is under maintenance%s%s%s%.*s", name,
		until == DB_FOREVER ? "" : " until ", until == DB_FOREVER ? "" : end,
		*m->note ? ": " : "", NOTE_SHOWN, m->note);
	return tell(g, m->tenant, m->node, "maintenance", text);
}

/* It is on. */
static int end(struct graph *g, int64_t tenant, int64_t node, const char *how)
{
	char name[GRAPH_NAME], text[GRAPH_NAME + NOTE_SHOWN + 64];
	int failed = db_run(&g->db, DB_MAINTENANCE_PAST, "ii", node, g->now);

	if (!failed)
		failed = db_run(&g->db, DB_MAINTENANCE_DROP, "i", node);
	if (!failed)
		failed = graph_name(g, node, name);
	if (failed)
		return failed;
	snprintf(text, sizeof(text), "the maintenance of %s %.*s", name, NOTE_SHOWN, how);
	return tell(g, tenant, node, "maintenance-over", text);
}

int graph_maintenance_off(struct graph *g, int64_t tenant, int64_t node, const char *operator)
{
	char *how autofree = text_format("was ended by %s", operator);
	int64_t one;
	int got = db_int(&g->db, &one, DB_MAINTENANCE_FIND, "ii", tenant, node);

	return got > 0 ? end(g, tenant, node, how) : got ? got : -ENOENT;
}

/* 1 with one whose time is over. */
static int find_over(struct graph *g, int64_t *tenant, int64_t *node)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_MAINTENANCE_OVER, "i", g->now);
	int got = db_step(&g->db, s);

	if (got > 0) {
		*tenant = sqlite3_column_int64(s, 0);
		*node = sqlite3_column_int64(s, 1);
	}
	return got;
}

int graph_maintenance_expired(struct graph *g)
{
	int64_t tenant, node;
	int got;

	while ((got = find_over(g, &tenant, &node)) > 0) {
		got = end(g, tenant, node, "is over");
		if (got)
			break;
	}
	return got;
}
