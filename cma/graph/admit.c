// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/admit.h"

#include <errno.h>

#include "base/text.h"
#include "cma/graph/store.h"

int graph_tenant(struct graph *g, const char *name, int64_t *tenant)
{
	int got = node_find(g, 0, "tenant", name, tenant);

	return got > 0 ? 0 : got ? got : -ENOENT;
}

int graph_token_revoke(struct graph *g, const char *tenant, const uint8_t id[GRAPH_TOKEN_ID])
{
	int64_t found;
	int got = db_int(
		&g->db, &found, DB_TOKEN_REVOKE, "tbi", tenant, SPAN(id, GRAPH_TOKEN_ID), g->now);

	return got > 0 ? 0 : got ? got : -ENOENT;
}

/* The agent of that key, 0 if there is none; -EEXIST when it is another tenant's. */
static int agent_of(struct graph *g, int64_t tenant, struct span key, int64_t *agent)
{
	int64_t owner = 0;
	int got;

	*agent = 0;
	got = db_int(&g->db, agent, DB_AGENT_FIND, "b", key);
	if (got > 0)
		got = db_int(&g->db, &owner, DB_AGENT_LOAD, "i", *agent);
	if (got < 0)
		return got;
	return *agent && owner != tenant ? -EEXIST : 0;
}

static int admit_new(struct graph *g, int64_t tenant, struct span key, struct span psk, int64_t *id)
{
	int failed = roster_add(g, tenant, key, psk, id);

	return failed ? failed : graph_status(g, *id, "left");
}

int graph_admit(struct graph *g, const char *tenant, const uint8_t public_key[GRAPH_KEY],
	const uint8_t *psk, int64_t *agent)
{
	struct span key = SPAN(public_key, GRAPH_KEY);
	int64_t node = 0;
	int failed;

	if (!roster_tenant_is_good(g, tenant))
		return -EINVAL;
	failed = node_find(g, 0, "tenant", tenant, &node);
	if (failed >= 0)
		failed = agent_of(g, node, key, agent);
	if (failed)
		return failed;
	if (*agent && psk)
		failed = db_run(&g->db, DB_AGENT_PSK, "ib", *agent, SPAN(psk, GRAPH_KEY));
	if (*agent)
		return failed ? failed : roster_unrevoke(g, *agent);
	if (!psk)
		return -ENOENT;
	failed = node_put(g, 0, "tenant", tenant, NULL, &node);
	return failed ? failed : admit_new(g, node, key, SPAN(psk, GRAPH_KEY), agent);
}

int graph_revoke(struct graph *g, const char *tenant, const uint8_t public_key[GRAPH_KEY])
{
	int64_t node = 0, agent = 0;
	int got = node_find(g, 0, "tenant", tenant, &node);

	if (got > 0)
		got = agent_of(g, node, SPAN(public_key, GRAPH_KEY), &agent);
	if (got < 0)
		return got == -EEXIST ? -ENOENT : got;
	if (!agent)
		return -ENOENT;
	got = db_run(&g->db, DB_AGENT_REVOKE, "ii", agent, g->now);
	return got ? got : graph_status(g, agent, "revoked");
}

int graph_session(struct graph *g, int64_t agent, const char *address, uint64_t session)
{
	return db_run(&g->db, DB_AGENT_SESSION, "itii", agent, address, (int64_t)session, g->now);
}
