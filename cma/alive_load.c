// SPDX-License-Identifier: Apache-2.0
#include "cma/alive_load.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/act_alive.h"
#include "cma/enlist.h"
#include "cma/graph/presence.h"
#include "cma/graph/ring.h"

struct load {
	struct graph *graph;
	struct alive *alive;
};

int alive_load_config(struct graph *g, struct alive_config *config)
{
	uint32_t last = 0;
	int failed = graph_ring_secret(g, config->secret);

	if (!failed)
		failed = graph_ring_last(g, &last);
	config->next_edge = last + 1;
	return failed;
}

static int load_agent(void *context, const struct graph_presence *presence)
{
	const struct load *load = context;
	struct alive_agent agent = {
		.id = (uint64_t)presence->id,
		.tenant = enlist_tenant(presence->tenant_name),
		.boot = presence->boot,
		.incarnation = presence->incarnation,
		.address = presence->beat,
		.place = presence->place,
	};

	while (strcmp(presence->status, act_alive_word(agent.status)) != 0)
		agent.status++;
	alive_add(load->alive, &agent);
	return 0;
}

static int load_edge(void *context, const struct graph_ring_edge *stored)
{
	const struct load *load = context;
	const struct alive_edge edge = {
		.edge = stored->edge,
		.layer = stored->layer,
		.low = (uint64_t)stored->low,
		.high = (uint64_t)stored->high,
		.low_sees = stored->low_sees,
		.high_sees = stored->high_sees,
	};

	alive_add_edge(load->alive, &edge);
	return 0;
}

/* ALIVE_CAUSE_COUNT: not one of the arbiter. */
static enum alive_cause cause_of(const struct graph_trouble *trouble)
{
	enum alive_cause cause = 0;

	while (cause < ALIVE_CAUSE_COUNT && strcmp(trouble->cause.kind, act_alive_kind(cause)) != 0)
		cause++;
	return cause;
}

static int load_incident(void *context, const struct graph_trouble *trouble)
{
	const struct load *load = context;
	struct alive_incident incident = {
		.cause = cause_of(trouble),
		.tenant = enlist_tenant(trouble->tenant_name),
		.node = (uint64_t)trouble->cause.node,
		.other = (uint64_t)trouble->cause.other,
	};
	uint64_t *hosts autofree = NULL;
	ssize_t count;

	if (incident.cause == ALIVE_CAUSE_COUNT)
		return 0;
	/* Each tenant has one, the arbiter one for all. */
	if (incident.cause == ALIVE_CAUSE_ISOLATED)
		incident = (struct alive_incident){ .cause = ALIVE_CAUSE_ISOLATED };
	count = graph_troubled(load->graph, trouble->id, &hosts);
	if (count < 0)
		return (int)count;
	alive_add_incident(load->alive, &incident, hosts, (size_t)count);
	return 0;
}

int alive_load(struct graph *g, struct alive *alive)
{
	struct load load = { g, alive };
	int failed = graph_presences(g, load_agent, &load);

	if (!failed)
		failed = graph_ring_edges(g, load_edge, &load);
	return failed ? failed : graph_troubles(g, load_incident, &load);
}

/* ---- without heartbeats -------------------------------------------------------------------- */

/* What is to be changed once all is read. */
struct ids {
	int64_t *items;
	size_t count;
};

static void ids_free(struct ids *ids)
{
	free(ids->items);
}

static void ids_add(struct ids *ids, int64_t id)
{
	if (!(ids->count & (ids->count - 1)))
		ids->items = mem_resize(
			ids->items, ids->count ? 2 * ids->count : 1, sizeof(*ids->items));
	ids->items[ids->count++] = id;
}

static int find_failed(void *context, const struct graph_presence *presence)
{
	const char *word = presence->status;

	if (strcmp(word, act_alive_word(ALIVE_UP)) != 0 &&
		strcmp(word, act_alive_word(ALIVE_LEFT)) != 0 &&
		strcmp(word, act_alive_word(ALIVE_REVOKED)) != 0)
		ids_add(context, presence->id);
	return 0;
}

static int find_edge(void *context, const struct graph_ring_edge *edge)
{
	ids_add(context, edge->edge);
	return 0;
}

/* Its tenant, and itself. */
static int find_incident(void *context, const struct graph_trouble *trouble)
{
	if (cause_of(trouble) == ALIVE_CAUSE_COUNT)
		return 0;
	ids_add(context, trouble->cause.tenant);
	ids_add(context, trouble->id);
	return 0;
}

static int forget(struct graph *g, const struct ids *hosts, const struct ids *edges,
	const struct ids *incidents)
{
	int failed = 0;

	for (size_t i = 0; i < hosts->count && !failed; i++)
		failed = graph_status(g, hosts->items[i], act_alive_word(ALIVE_UP));
	for (size_t i = 0; i < edges->count && !failed; i++)
		failed = graph_ring_remove(g, (uint32_t)edges->items[i]);
	for (size_t i = 0; i < incidents->count && !failed; i += 2)
		failed = graph_incident_clear(g, incidents->items[i], incidents->items[i + 1]);
	return failed;
}

int alive_load_off(struct graph *g, int64_t now_ms)
{
	struct ids hosts cleanup(ids_free) = { 0 };
	struct ids edges cleanup(ids_free) = { 0 };
	struct ids incidents cleanup(ids_free) = { 0 };
	int failed = graph_begin(g, now_ms);

	if (!failed)
		failed = graph_presences(g, find_failed, &hosts);
	if (!failed)
		failed = graph_ring_edges(g, find_edge, &edges);
	if (!failed)
		failed = graph_troubles(g, find_incident, &incidents);
	if (!failed)
		failed = forget(g, &hosts, &edges, &incidents);
	if (!failed)
		failed = graph_commit(g);
	if (failed)
		graph_rollback(g);
	return failed;
}
