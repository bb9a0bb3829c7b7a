// SPDX-License-Identifier: Apache-2.0
#include "cma/act_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#define uthash_fatal(why) mem_exhausted()
#include <uthash.h>

#include "base/addr.h"
#include "base/alloc.h"
#include "cma/graph/admit.h"
#include "cma/graph/incident.h"

static const char DUPLICATE_KEY[] = "duplicate-key", STORE_RESTORED[] = "store-restored";

/* An agent that knew of more than we, until it has told us all. */
struct act_restored {
	int64_t agent, tenant, incident;
	UT_hash_handle hh;
};

int act_session(struct act *act, int64_t agent, const struct hub_event *event)
{
	char address[ADDR_TEXT_SIZE];
	int64_t tenant;
	int err = graph_agent_tenant(act->graph, agent, &tenant);

	addr_text(&event->address, address);
	if (!err)
		err = graph_session(act->graph, agent, address, event->session);
	if (!err)
		err = graph_incident_quiet(act->graph, tenant, DUPLICATE_KEY, agent, ACT_ALONE_MS);
	return err;
}

int act_duplicate_key(struct act *act, int64_t agent, const struct hub_event *event)
{
	char here[ADDR_TEXT_SIZE], other[ADDR_TEXT_SIZE] = "an earlier address", text[256];
	int64_t tenant, id;
	int err = graph_agent_tenant(act->graph, agent, &tenant);

	addr_text(&event->address, here);
	if (event->other.port)
		addr_text(&event->other, other);
	snprintf(text, sizeof(text),
		"two nanoprobes use the key of this host, from %s and from %s: is one a clone?",
		here, other);
	if (!err)
		err = graph_incident_open(act->graph, tenant, DUPLICATE_KEY, agent, text, &id);
	return err ? err : graph_incident_host(act->graph, id, agent);
}

/* ---- a store that was restored ------------------------------------------------------------- */

static int remember(void *context, int64_t incident, int64_t tenant, int64_t host)
{
	struct act *act = context;
	struct act_restored *known;

	HASH_FIND(hh, act->restored, &host, sizeof(host), known);
	if (known)
		return 0;
	known = mem_alloc(1, sizeof(*known));
	*known = (struct act_restored){ .agent = host, .tenant = tenant, .incident = incident };
	HASH_ADD(hh, act->restored, agent, sizeof(known->agent), known);
	return 0;
}

/* The incident may be from before this process, or from before a transaction that failed. */
static int recall(struct act *act)
{
	int err = act->restored_known
		? 0
		: graph_incident_hosts(act->graph, STORE_RESTORED, remember, act);

	act->restored_known = !err;
	return err;
}

int act_rolled_back(struct act *act, int64_t agent)
{
	int64_t tenant, id;
	int err = graph_agent_tenant(act->graph, agent, &tenant);

	if (!err)
		err = recall(act);
	if (!err)
		err = graph_incident_find(act->graph, tenant, DUPLICATE_KEY, agent, &id);
	if (err > 0) /* the one knows what the other was told */
		return 0;
	if (!err)
		err = graph_incident_open(act->graph, tenant, STORE_RESTORED, tenant,
			"agents had been told of more than this store has: it was restored from a "
			"backup, and they tell again what it lacks",
			&id);
	if (!err)
		err = graph_incident_host(act->graph, id, agent);
	return err ? err : remember(act, id, tenant, agent);
}

int act_heard(struct act *act, int64_t agent, const struct graph_result *result)
{
	struct act_restored *known;
	int64_t tenant, incident;
	int got = recall(act);

	if (got)
		return got;
	HASH_FIND(hh, act->restored, &agent, sizeof(agent), known);
	if (!known || result->want || !result->digest_sequence)
		return 0;
	tenant = known->tenant;
	incident = known->incident;
	HASH_DEL(act->restored, known);
	free(known);
	got = graph_incident_host_end(act->graph, incident, agent);
	if (!got)
		got = graph_incident_concerns(act->graph, incident);
	if (!got)
		got = graph_incident_clear(act->graph, tenant, incident);
	return got < 0 && got != -ENOENT ? got : 0; /* a person may have cleared it */
}

void act_forget(struct act *act)
{
	struct act_restored *known, *next;

	HASH_ITER (hh, act->restored, known, next) {
		HASH_DEL(act->restored, known);
		free(known);
	}
	act->restored_known = false;
}
