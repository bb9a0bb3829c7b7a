// SPDX-License-Identifier: Apache-2.0
#include "cma/alive_load.h"

#include <string.h>

#include "base/alloc.h"
#include "cma/act_alive.h"
#include "cma/enlist.h"
#include "cma/graph/presence.h"
#include "cma/graph/ring.h"

struct load {
	struct graph *graph;
	struct alive *alive;
	bool isolated; /* it knows */
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

static int load_incident(void *context, const struct graph_trouble *trouble)
{
	struct load *load = context;
	struct alive_incident incident = {
		.tenant = enlist_tenant(trouble->tenant_name),
		.node = (uint64_t)trouble->cause.node,
		.other = (uint64_t)trouble->cause.other,
	};
	uint64_t *hosts autofree = NULL;
	ssize_t count;

	while (incident.cause < ALIVE_CAUSE_COUNT &&
		strcmp(trouble->cause.kind, act_alive_kind(incident.cause)) != 0)
		incident.cause++;
	if (incident.cause == ALIVE_CAUSE_COUNT)
		return 0; /* not one of the arbiter */
	if (incident.cause == ALIVE_CAUSE_ISOLATED) {
		/* One in each tenant, but only one for the arbiter. */
		if (load->isolated)
			return 0;
		load->isolated = true;
		incident = (struct alive_incident){ .cause = ALIVE_CAUSE_ISOLATED };
	}
	count = graph_troubled(load->graph, trouble->id, &hosts);
	if (count < 0)
		return (int)count;
	alive_add_incident(load->alive, &incident, hosts, (size_t)count);
	return 0;
}

int alive_load(struct graph *g, struct alive *alive)
{
	struct load load = { .graph = g, .alive = alive };
	int failed = graph_presences(g, load_agent, &load);

	if (!failed)
		failed = graph_ring_edges(g, load_edge, &load);
	return failed ? failed : graph_troubles(g, load_incident, &load);
}
