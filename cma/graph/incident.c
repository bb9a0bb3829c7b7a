// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/incident.h"

#include <errno.h>

#include "cma/graph/severity.h"
#include "cma/graph/store.h"

/* What everybody is told of it, in its words of now. */
static int incident_event(struct graph *g, int64_t id, const char *kind)
{
	return db_run(&g->db, DB_EVENT_INCIDENT, "iit", id, g->now, kind);
}

/* 1 with the id of the one that is open, and whether its text is this one; 0; -errno. */
static int incident_look(struct graph *g, const struct graph_cause *cause, const char *text,
	int64_t *id, bool *says_so)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_INCIDENT_FIND, "itii", cause->tenant,
		cause->kind, cause->node, cause->other);
	int got = db_step(&g->db, s);

	if (got > 0) {
		*id = sqlite3_column_int64(s, 0);
		*says_so = span_equal(db_text(s, 1), SPAN_TEXT(text));
	}
	return got;
}

int graph_incident_of(struct graph *g, const struct graph_cause *cause, int64_t *id)
{
	bool says_so;

	return incident_look(g, cause, "", id, &says_so);
}

int graph_incident_find(
	struct graph *g, int64_t tenant, const char *kind, int64_t node, int64_t *id)
{
	const struct graph_cause cause = { .tenant = tenant, .kind = kind, .node = node };

	return graph_incident_of(g, &cause, id);
}

int graph_incident_tell(
	struct graph *g, const struct graph_cause *cause, const char *text, int64_t *id)
{
	bool says_so = false;
	int got = incident_look(g, cause, text, id, &says_so);

	if (got > 0) {
		got = db_run(&g->db, DB_INCIDENT_TELL, "iti", *id, text, g->now);
		return got || says_so ? got : incident_event(g, *id, "update");
	}
	if (!got)
		got = db_int(&g->db, id, DB_INCIDENT_ADD, "itiiitt", cause->tenant, cause->kind,
			cause->node, cause->other, g->now, text, severity_of(cause->kind));
	return got < 0 ? got : incident_event(g, *id, "open");
}

int graph_incident_open(struct graph *g, int64_t tenant, const char *kind, int64_t node,
	const char *text, int64_t *id)
{
	const struct graph_cause cause = { .tenant = tenant, .kind = kind, .node = node };

	return graph_incident_tell(g, &cause, text, id);
}

int graph_incident_reclassify(struct graph *g, const struct graph_cause *was,
	const struct graph_cause *cause, const char *text)
{
	int64_t id = 0, other = 0;
	int got = graph_incident_of(g, was, &id);

	if (got <= 0)
		return got;
	got = graph_incident_of(g, cause, &other);
	if (got < 0 || id == other)
		return got < 0 ? got : graph_incident_tell(g, cause, text, &id);
	if (!got) {
		got = db_run(&g->db, DB_INCIDENT_RECLASSIFY, "itiitit", id, cause->kind,
			cause->node, cause->other, text, g->now, severity_of(cause->kind));
		return got ? got : incident_event(g, id, "reclassified");
	}
	got = db_run(&g->db, DB_INCIDENT_MERGE, "ii", id, other);
	if (!got)
		got = graph_incident_tell(g, cause, text, &other);
	return got ? got : graph_incident_clear(g, was->tenant, id);
}

int graph_incident_clear(struct graph *g, int64_t tenant, int64_t id)
{
	int got = db_int(&g->db, &id, DB_INCIDENT_CLEAR, "iii", tenant, id, g->now);

	if (got > 0)
		return incident_event(g, id, "clear");
	return got ? got : -ENOENT;
}

int graph_incident_numbered(struct graph *g, int64_t tenant, int64_t number, int64_t *id)
{
	int got = db_int(&g->db, id, DB_INCIDENT_NUMBERED, "ii", tenant, number);

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
	int64_t id;
	int got = db_int(&g->db, &id, DB_INCIDENT_QUIET, "itiii", tenant, kind, node, g->now,
		g->now - quiet_ms);

	return got > 0 ? incident_event(g, id, "clear") : got;
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
