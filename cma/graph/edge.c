// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/store.h"

#include <string.h>

int edge_open(struct graph *g, const struct edge *edge, int64_t fact)
{
	return db_run(
		&g->db, DB_EDGE_OPEN, "itiii", edge->src, edge->kind, edge->dst, fact, g->now);
}

int edge_end(struct graph *g, const struct edge *edge, int64_t fact)
{
	int64_t since;
	int got = db_int(
		&g->db, &since, DB_EDGE_SINCE, "itii", edge->src, edge->kind, edge->dst, fact);

	if (got <= 0)
		return got;
	got = db_run(&g->db, DB_EDGE_DROP, "itii", edge->src, edge->kind, edge->dst, fact);
	/* What began at this very moment was never true. */
	if (!got && since < g->now)
		got = db_run(&g->db, DB_EDGE_PAST, "itiiii", edge->src, edge->kind, edge->dst, fact,
			since, g->now);
	return got;
}

/* What a fact says, with nodes as ids; sorted, each edge once. */
struct edges {
	struct edge *items;
	size_t count;
};

static void edges_free(struct edges *edges)
{
	free(edges->items);
}

static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct edge *a = a_pointer, *b = b_pointer;

	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	if (a->dst != b->dst)
		return a->dst < b->dst ? -1 : 1;
	return strcmp(a->kind, b->kind);
}

/* How nodes of a result become ids: ids[i] is 0 until node i was looked up. */
struct lookup {
	struct graph *g;
	int64_t tenant;
	int64_t host;
	const struct derived *derived;
	int64_t *ids;
	bool make;
};

/* 1 with the id, 0 when it is not there (and is not to be made), -errno. */
static int resolve(struct lookup *l, int node, int64_t *id)
{
	const struct derive_node *n;
	int64_t owner;
	int got;

	if (node < 0) {
		*id = node == DERIVE_HOST ? l->host : l->tenant;
		return 1;
	}
	if (!l->ids[node]) {
		n = &l->derived->nodes[node];
		got = resolve(l, n->owner, &owner);
		if (got <= 0)
			return got;
		if (l->make)
			got = node_put(l->g, owner, n->kind, n->key, n->label, &l->ids[node]);
		else
			got = node_find(l->g, owner, n->kind, n->key, &l->ids[node]);
		if (got < 0)
			return got;
	}
	*id = l->ids[node];
	return *id != 0;
}

static int resolve_all(struct lookup *l, struct edges *to)
{
	const struct derived *d = l->derived;
	int64_t *ids autofree = mem_alloc(d->node_count, sizeof(*ids));
	size_t kept = 0;

	l->ids = ids;
	to->items = mem_alloc(d->edge_count, sizeof(*to->items));
	for (size_t i = 0; i < d->edge_count; i++) {
		struct edge *e = &to->items[to->count];
		int got = resolve(l, d->edges[i].src, &e->src);

		if (got > 0)
			got = resolve(l, d->edges[i].dst, &e->dst);
		if (got < 0)
			return got;
		e->kind = d->edges[i].kind;
		to->count += got > 0;
	}
	qsort(to->items, to->count, sizeof(*to->items), compare);
	for (size_t i = 0; i < to->count; i++)
		if (!i || compare(&to->items[kept - 1], &to->items[i]) != 0)
			to->items[kept++] = to->items[i];
	to->count = kept;
	return 0;
}

static bool contains(const struct edges *edges, const struct edge *edge)
{
	return bsearch(edge, edges->items, edges->count, sizeof(*edge), compare) != NULL;
}

/* Opens or ends, and counts those that were not so before. */
static int change(struct merge *m, int (*act)(struct graph *, const struct edge *, int64_t),
	const struct edge *edge, int64_t fact, int step)
{
	sqlite3 *handle = m->g->db.handle;
	sqlite3_int64 before = sqlite3_total_changes64(handle);
	int failed = act(m->g, edge, fact);

	if (sqlite3_total_changes64(handle) != before)
		m->edges += step;
	return failed;
}

int edge_replace(
	struct merge *m, int64_t fact, const struct derived *before, const struct derived *after)
{
	struct graph *g = m->g;
	struct lookup l = { .g = g, .tenant = m->tenant, .host = m->host, .derived = before };
	struct edges old cleanup(edges_free) = { 0 };
	struct edges new cleanup(edges_free) = { 0 };
	int failed;

	if (derived_equal(before, after))
		return 0;
	failed = resolve_all(&l, &old);
	l.derived = after;
	l.make = true;
	if (!failed)
		failed = resolve_all(&l, &new);
	for (size_t i = 0; i < new.count && !failed; i++)
		if (!contains(&old, &new.items[i]))
			failed = change(m, edge_open, &new.items[i], fact, 1);
	for (size_t i = 0; i < old.count && !failed; i++)
		if (!contains(&new, &old.items[i]))
			failed = change(m, edge_end, &old.items[i], fact, -1);
	/* Only now: what loses one edge and gains another stays. */
	for (size_t i = 0; i < old.count && !failed; i++) {
		if (contains(&new, &old.items[i]))
			continue;
		failed = node_settle(g, old.items[i].src);
		if (!failed)
			failed = node_settle(g, old.items[i].dst);
	}
	return failed;
}
