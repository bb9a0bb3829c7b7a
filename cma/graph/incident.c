// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/incident.h"

#include <errno.h>

#include "cma/graph/store.h"

int graph_incident_find(
	struct graph *g, int64_t tenant, const char *kind, int64_t node, int64_t *id)
{
	return db_int(&g->db, id, DB_INCIDENT_FIND, "iti", tenant, kind, node);
}

int graph_incident_open(struct graph *g, int64_t tenant, const char *kind, int64_t node,
	const char *text, int64_t *id)
{
	int got = graph_incident_find(g, tenant, kind, node, id);

	if (got > 0)
		return db_run(&g->db, DB_INCIDENT_TELL, "iti", *id, text, g->now);
	if (!got)
		got = db_int(
			&g->db, id, DB_INCIDENT_ADD, "itiit", tenant, kind, node, g->now, text);
	return got < 0 ? got : 0;
}

int graph_incident_clear(struct graph *g, int64_t tenant, int64_t id)
{
	int got = db_int(&g->db, &id, DB_INCIDENT_CLEAR, "iii", tenant, id, g->now);

	return got > 0 ? 0 : got ? got : -ENOENT;
}

int graph_incident_numbered(struct graph *g, int64_t tenant, int64_t number, int64_t *id)
{
	int got = number < 1 ? 0 : db_int(&g->db, id, DB_INCIDENT_NUMBERED, "ii", tenant, number);

	return got > 0 ? 0 : got ? got : -ENOENT;
}

int graph_incident_host(struct graph *g, int64_t id, int64_t host)
{
	return db_run(&g->db, DB_INCIDENT_HOST, "iii", id, host, g->now);
}

int graph_incident_host_end(struct graph *g, int64_t id, int64_t host)
{
	return db_run(&g->db, DB_INCIDENT_HOST_END, "iii", id, host, g->now);
}

int graph_incident_quiet(
	struct graph *g, int64_t tenant, const char *kind, int64_t node, int64_t quiet_ms)
{
	return db_run(
		&g->db, DB_INCIDENT_QUIET, "itiii", tenant, kind, node, g->now, g->now - quiet_ms);
}

int graph_incident_concerns(struct graph *g, int64_t id)
{
	int64_t host;

	return db_int(&g->db, &host, DB_INCIDENT_CONCERNS, "i", id);
}

int graph_incident_hosts(struct graph *g, const char *kind, graph_incident_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_INCIDENT_HOSTS, "t", kind);
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		got = fn(context, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
			sqlite3_column_int64(s, 2));
		if (got)
			break;
	}
	return got;
}
