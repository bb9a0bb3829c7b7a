/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_ROSTER_H
#define CMA_GRAPH_ROSTER_H
/* Who may talk to us: tokens, and the agents that enrolled. See admit.h for operators' decisions.
 */
#include <stdbool.h>

#include "cma/graph/graph.h"

struct graph_token {
	uint8_t id[GRAPH_TOKEN_ID];
	uint8_t secret[GRAPH_KEY];
	char tenant[GRAPH_TENANT_MAX];
	int64_t created_ms;
	int64_t expires_ms;
	int64_t uses;	   /* agents that may enrol with it; 0: any number */
	int64_t uses_made; /* agents that did */
	bool revoked;
};

/* The last two and created_ms are set here. -EEXIST; -EINVAL for a bad tenant name. */
int graph_token_create(struct graph *g, const struct graph_token *token);
typedef int graph_token_fn(void *context, const struct graph_token *token);
/* All tokens, oldest first; stops at the first non-zero that fn returns and returns it. */
int graph_tokens(struct graph *g, graph_token_fn *fn, void *context);

struct graph_agent {
	int64_t id;
	int64_t tenant; /* its node */
	uint8_t public_key[GRAPH_KEY];
	uint8_t psk[GRAPH_KEY];
	char tenant_name[GRAPH_TENANT_MAX];
	bool revoked;
	uint64_t incarnation;
	uint64_t durable[STREAM_COUNT]; /* the last sequences acted on */
	uint64_t digest_sequence;	/* where want comes from */
	uint16_t want;			/* sections that differed there and have not come yet */
	char address[48];		/* of its last session, "" when there was none, */
	uint32_t session;		/* and our index of it */
};

/*
 * Makes the agent and its host node, and counts the use of the token. A key that is known already
 * in the same tenant gets the new psk and keeps its facts. (Expiry was judged when the agent proved
 * the token.) Named results: -ENOENT no such token, -EDQUOT used up, -EEXIST another tenant's key.
 */
int graph_enrol(struct graph *g, const uint8_t token[GRAPH_TOKEN_ID],
	const uint8_t public_key[GRAPH_KEY], const uint8_t psk[GRAPH_KEY], int64_t *agent);
typedef int graph_agent_fn(void *context, const struct graph_agent *agent);
int graph_agents(struct graph *g, graph_agent_fn *fn, void *context);

/* -ENOENT: no such agent. */
int graph_agent_tenant(struct graph *g, int64_t agent, int64_t *tenant);

/*
 * How a host is, from now on; nothing while the agent is revoked. That it comes or goes on purpose
 * is an event (event.h), that it fails is told by incidents.
 *
 *	up		its nanoprobe answers
 *	left		it said goodbye: shut down, or not here yet
 *	down		dead, or its only link is
 *	unreachable	behind what failed: whether it lives nobody can say
 *	hung		its kernel answers, its nanoprobe does not
 *	gone		nobody listens where its nanoprobe did
 *	revoked		none of ours (admit.h)
 */
int graph_status(struct graph *g, int64_t agent, const char *status);
/* The same, if until now it is was or nothing is known. */
int graph_status_from(struct graph *g, int64_t agent, const char *was, const char *status);

#endif
