/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_ADMIT_H
#define CMA_GRAPH_ADMIT_H
/*
 * What operators decide about who may talk to us, and what is kept of the sessions of those who
 * do. Call these between graph_begin and graph_commit (graph.h). A tenant is named; whatever
 * belongs to another one is not there.
 */
#include "cma/graph/roster.h"

/* The node of a tenant. -ENOENT. */
int graph_tenant(struct graph *g, const char *name, int64_t *tenant);

/* The token enrols nobody any more; agents that enrolled with it stay. -ENOENT. */
int graph_token_revoke(struct graph *g, const char *tenant, const uint8_t id[GRAPH_TOKEN_ID]);

/*
 * The key is that of an agent of the tenant from now on, also when it was revoked. psk is its new
 * one, or NULL to leave it what it has. A new agent has "left" until it comes. Named results:
 * -ENOENT an unknown key and no psk, -EEXIST another tenant's key, -EINVAL a bad tenant name.
 */
int graph_admit(struct graph *g, const char *tenant, const uint8_t public_key[GRAPH_KEY],
	const uint8_t *psk, int64_t *agent);
/*
 * The agent is none of ours from now on: its status is "revoked" until graph_admit. What it told
 * stays. Nothing when it is revoked already. -ENOENT.
 */
int graph_revoke(struct graph *g, const char *tenant, const uint8_t public_key[GRAPH_KEY]);

/*
 * The agent has proven a session from this address (addr_text), now: index at the CMA << 32 | index
 * at the agent.
 */
int graph_session(struct graph *g, int64_t agent, const char *address, uint64_t session);

#endif
