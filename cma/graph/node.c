// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/store.h"

#include <string.h>

#include "base/text.h"

/* What keeps a node alive: an edge of this kind to it or from it, or a node that it owns. */
enum keeper { KEEPER_TO = DB_EDGE_TO, KEEPER_FROM = DB_EDGE_FROM, KEEPER_OWNS = DB_NODE_OWNS };

static const struct {
	const char *node;
	enum keeper keeper;
	const char *kind;
} keepers[] = {
	{ "nic", KEEPER_TO, "nic" },
	{ "nic", KEEPER_FROM, "sees" },
	{ "nic", KEEPER_FROM, "wired" },
	{ "mac", KEEPER_TO, "mac" },
	{ "mac", KEEPER_TO, "neighbour" },
	{ "ip", KEEPER_TO, "address" },
	{ "ip", KEEPER_TO, "sees" },
	{ "ip", KEEPER_FROM, "calls" },
	{ "ip", KEEPER_OWNS, "endpoint" },
	{ "subnet", KEEPER_TO, "subnet" },
	{ "subnet", KEEPER_FROM, "calls" },
	{ "subnet", KEEPER_OWNS, "endpoint" },
	{ "process", KEEPER_TO, "runs" },
	{ "process", KEEPER_FROM, "serves" },
	{ "process", KEEPER_FROM, "uses" },
	{ "endpoint", KEEPER_TO, "serves" },
	{ "endpoint", KEEPER_TO, "uses" },
	{ "endpoint", KEEPER_TO, "calls" },
	{ "unit", KEEPER_TO, "unit" },
	{ "container", KEEPER_TO, "container" },
	{ "switch", KEEPER_OWNS, "switchport" },
	{ "switchport", KEEPER_TO, "wired" },
};

static int node_revive(struct graph *g, int64_t id)
{
	int failed = db_run(&g->db, DB_NODE_PAST, "i", id);

	return failed ? failed : db_run(&g->db, DB_NODE_REVIVE, "ii", id, g->now);
}

static int node_add(struct graph *g, int64_t owner, const char *kind, const char *key,
	const char *label, int64_t *id)
{
	int failed =
		db_run(&g->db, DB_NODE_ADD, "ittti", owner, kind, key, label ? label : key, g->now);

	*id = sqlite3_last_insert_rowid(g->db.handle);
	return failed;
}

int node_find(struct graph *g, int64_t owner, const char *kind, const char *key, int64_t *id)
{
	const struct known_node *known = known_find(&g->known, owner, kind, key);

	if (known) {
		*id = known->id;
		return 1;
	}
	return db_int(&g->db, id, DB_NODE_FIND, "itt", owner, kind, key);
}

static int find_or_make(struct graph *g, int64_t owner, const char *kind, const char *key,
	const char *label, int64_t *id)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_NODE_FIND, "itt", owner, kind, key);
	bool renamed, gone;
	int got = db_step(&g->db, s);

	if (got < 0)
		return got;
	if (!got)
		return node_add(g, owner, kind, key, label, id);
	*id = sqlite3_column_int64(s, 0);
	renamed = label && !span_equal(db_text(s, 1), SPAN_TEXT(label));
	gone = sqlite3_column_int64(s, 2) != DB_FOREVER;
	got = gone ? node_revive(g, *id) : 0;
	if (!got && renamed)
		got = db_run(&g->db, DB_NODE_LABEL, "it", *id, label);
	return got;
}

int node_put(struct graph *g, int64_t owner, const char *kind, const char *key, const char *label,
	int64_t *id)
{
	const struct known_node *known = known_find(&g->known, owner, kind, key);
	int failed;

	if (known && (!label || !strcmp(known->label, label))) {
		*id = known->id;
		return 0;
	}
	failed = find_or_make(g, owner, kind, key, label, id);
	if (!failed)
		known_keep(&g->known, *id, owner, kind, key, label ? label : "");
	return failed;
}

/* 1, 0 or -errno. */
static int is_kept(struct graph *g, int64_t id, const char *kind)
{
	bool known = false;
	int64_t one;

	for (size_t i = 0; i < sizeof(keepers) / sizeof(*keepers); i++) {
		int got;

		if (strcmp(keepers[i].node, kind) != 0)
			continue;
		known = true;
		got = db_int(
			&g->db, &one, (enum db_sql)keepers[i].keeper, "it", id, keepers[i].kind);
		if (got)
			return got;
	}
	return !known; /* hosts and tenants stay until somebody removes them */
}

static int end(struct graph *g, int64_t id, int64_t owner, const char *kind, const char *key)
{
	known_forget(&g->known, owner, kind, key);
	return db_run(&g->db, DB_NODE_END, "ii", id, g->now);
}

int node_settle(struct graph *g, int64_t id)
{
	char kind[16];
	int64_t owner;
	int got;

	while (id) {
		sqlite3_stmt *s dbreset = db_bind(&g->db, DB_NODE_GET, "i", id);

		got = db_step(&g->db, s);
		if (got <= 0 || sqlite3_column_int64(s, 2) != DB_FOREVER)
			return got < 0 ? got : 0;
		owner = sqlite3_column_int64(s, 0);
		text_copy_to(kind, sizeof(kind), (const char *)db_text(s, 1).data);
		got = is_kept(g, id, kind);
		if (!got)
			got = end(g, id, owner, kind, (const char *)db_text(s, 3).data);
		else if (got > 0)
			return 0;
		if (got < 0)
			return got;
		id = owner;
	}
	return 0;
}
