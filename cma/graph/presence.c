// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/presence.h"

#include "cma/graph/store.h"

int graph_presences(struct graph *g, graph_presence_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_PRESENCE_LIST, "");
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		struct graph_presence presence = {
			.id = sqlite3_column_int64(s, 0),
			.tenant = sqlite3_column_int64(s, 1),
			.tenant_name = db_string(s, 2),
			.status = db_string(s, 3),
			.boot = (uint64_t)sqlite3_column_int64(s, 4),
			.incarnation = (uint64_t)sqlite3_column_int64(s, 5),
		};

		/* "" when it had no session yet. */
		if (!addr_parse(db_string(s, 6), &presence.beat))
			presence.beat.port = (uint16_t)sqlite3_column_int(s, 7);
		got = place_find(g, presence.id, presence.tenant, db_string(s, 6), &presence.place);
		if (!got)
			got = fn(context, &presence);
		if (got)
			break;
	}
	return got;
}

int graph_troubles(struct graph *g, graph_trouble_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_TROUBLE_LIST, "");
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		const struct graph_trouble trouble = {
			.id = sqlite3_column_int64(s, 0),
			.cause = {
				.tenant = sqlite3_column_int64(s, 1),
				.kind = db_string(s, 2),
				.node = sqlite3_column_int64(s, 3),
				.other = sqlite3_column_int64(s, 4),
			},
			.tenant_name = db_string(s, 5),
		};

		got = fn(context, &trouble);
		if (got)
			break;
	}
	return got;
}

ssize_t graph_troubled(struct graph *g, int64_t incident, uint64_t **hosts)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_TROUBLE_HOSTS, "i", incident);
	size_t count = 0;
	int got;

	*hosts = NULL;
	while ((got = db_step(&g->db, s)) > 0) {
		if (!(count & (count - 1)))
			*hosts = mem_resize(*hosts, count ? 2 * count : 1, sizeof(**hosts));
		(*hosts)[count++] = (uint64_t)sqlite3_column_int64(s, 0);
	}
	if (got) {
		free(*hosts);
		*hosts = NULL;
	}
	return got ? got : (ssize_t)count;
}
