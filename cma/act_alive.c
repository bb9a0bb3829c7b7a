// SPDX-License-Identifier: Apache-2.0
#include "cma/act_alive.h"

#include <errno.h>

#include "cma/cause_text.h"
#include "cma/graph/name.h"
#include "cma/graph/ring.h"

const char *act_alive_kind(enum alive_cause cause)
{
	static const char *const kinds[ALIVE_CAUSE_COUNT] = {
		[ALIVE_CAUSE_HOST] = "host",
		[ALIVE_CAUSE_HUNG] = "agent-hung",
		[ALIVE_CAUSE_GONE] = "agent-gone",
		[ALIVE_CAUSE_LINK] = "link",
		[ALIVE_CAUSE_SWITCH] = "switch",
		[ALIVE_CAUSE_PARTITION] = "partition",
		[ALIVE_CAUSE_POWER] = "power",
		[ALIVE_CAUSE_PATH] = "path",
		[ALIVE_CAUSE_LOCAL_PATH] = "local-path",
		[ALIVE_CAUSE_ONE_WAY] = "one-way",
		[ALIVE_CAUSE_ISOLATED] = "cma-isolated",
	};

	return kinds[cause];
}

const char *act_alive_word(enum alive_status status)
{
	static const char *const words[ALIVE_STATUS_COUNT] = {
		[ALIVE_UP] = "up",
		[ALIVE_LEFT] = "left",
		[ALIVE_DOWN] = "down",
		[ALIVE_UNREACHABLE] = "unreachable",
		[ALIVE_HUNG] = "hung",
		[ALIVE_GONE] = "gone",
		[ALIVE_REVOKED] = "revoked",
	};

	return words[status];
}

/* The ids and the tenant of the graph. */
static int key_of(
	const struct act *act, const struct alive_incident *incident, struct graph_cause *key)
{
	*key = (struct graph_cause){
		.kind = act_alive_kind(incident->cause),
		.node = (int64_t)incident->node,
		.other = (int64_t)incident->other,
	};
	if (alive_cause_of_agents(incident->cause)) {
		key->node = act_agent(act, incident->node);
		key->other = incident->other ? act_agent(act, incident->other) : 0;
		if (!key->node || (incident->other && !key->other))
			return -ENOENT;
	}
	return graph_tenant_of(act->graph, key->node, &key->tenant);
}

static int incident_tell(
	struct act *act, const struct alive_event *event, const struct graph_cause *key)
{
	char text[CAUSE_TEXT];
	int64_t id;
	int failed =
		cause_text(act->graph, event->incident.cause, key, event->hosts, event->of, text);

	return failed ? failed : graph_incident_tell(act->graph, key, text, &id);
}

static int incident_reclassify(
	struct act *act, const struct alive_event *event, const struct graph_cause *key)
{
	struct graph_cause was;
	char text[CAUSE_TEXT];
	int failed = key_of(act, &event->was, &was);

	if (!failed)
		failed = cause_text(
			act->graph, event->incident.cause, key, event->hosts, event->of, text);
	return failed ? failed : graph_incident_reclassify(act->graph, &was, key, text);
}

/* What changes of an incident that is there. */
static int incident_change(
	struct act *act, const struct alive_event *event, const struct graph_cause *key)
{
	int64_t agent = act_agent(act, event->agent), id;
	int got = graph_incident_of(act->graph, key, &id);

	if (got <= 0)
		return got;
	if (event->kind == ALIVE_EVENT_CLEAR)
		return graph_incident_clear(act->graph, key->tenant, id);
	if (!agent)
		return -ENOENT;
	return event->kind == ALIVE_EVENT_CONCERNS ? graph_incident_host(act->graph, id, agent)
						   : graph_incident_host_end(act->graph, id, agent);
}

static int act_incident(
	struct act *act, const struct alive_event *event, const struct graph_cause *key)
{
	if (event->kind == ALIVE_EVENT_OPEN)
		return incident_tell(act, event, key);
	if (event->kind == ALIVE_EVENT_RECLASSIFY)
		return incident_reclassify(act, event, key);
	return incident_change(act, event, key);
}

/* What it is about lies in no tenant: each has one of its own. */
struct everywhere {
	struct act *act;
	const struct alive_event *event;
};

static int act_in_tenant(void *context, int64_t tenant)
{
	const struct everywhere *e = context;
	const struct graph_cause key = {
		.tenant = tenant,
		.kind = act_alive_kind(ALIVE_CAUSE_ISOLATED),
		.node = tenant,
	};

	return act_incident(e->act, e->event, &key);
}

static int act_cause(struct act *act, const struct alive_event *event)
{
	struct everywhere everywhere = { act, event };
	struct graph_cause key;
	int failed;

	if (event->incident.cause == ALIVE_CAUSE_ISOLATED)
		return graph_tenants(act->graph, act_in_tenant, &everywhere);
	failed = key_of(act, &event->incident, &key);
	return failed ? failed : act_incident(act, event, &key);
}

static int act_status(struct act *act, const struct alive_event *event)
{
	/* That one is none of ours, or is so again, operators decide. */
	if (event->status == ALIVE_REVOKED)
		return 0;
	return graph_status(
		act->graph, act_agent(act, event->agent), act_alive_word(event->status));
}

static int act_edge(struct act *act, const struct alive_event *event)
{
	const struct graph_ring_edge edge = {
		.edge = event->edge,
		.layer = event->layer,
		.low = act_agent(act, event->low),
		.high = act_agent(act, event->high),
	};

	return graph_ring_add(act->graph, &edge);
}

int act_alive(struct act *act, const struct alive_event *event)
{
	int failed = 0;

	switch (event->kind) {
	case ALIVE_EVENT_STATUS:
		failed = act_status(act, event);
		break;
	case ALIVE_EVENT_OPEN:
	case ALIVE_EVENT_CONCERNS:
	case ALIVE_EVENT_FREED:
	case ALIVE_EVENT_RECLASSIFY:
	case ALIVE_EVENT_CLEAR:
		failed = act_cause(act, event);
		break;
	case ALIVE_EVENT_EDGE:
		failed = act_edge(act, event);
		break;
	case ALIVE_EVENT_EDGE_END:
		failed = graph_ring_remove(act->graph, event->edge);
		break;
	}
	return failed == -ENOENT ? ACT_REFUSED : failed;
}
