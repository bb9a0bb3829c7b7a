// SPDX-License-Identifier: Apache-2.0
#include "cma/enlist.h"

#include <string.h>

/*
 * Tenants are only compared there. A tenant has no row before its first agent joins, so that its
 * number comes from its name; should two names ever share one, the store still refuses.
 */
uint32_t enlist_tenant(const char *name)
{
	uint8_t hash[16];
	struct reader r = reader_of(SPAN(hash, sizeof(hash)));

	seal_hash(NULL, "cma tenant", SPAN_TEXT(name), hash, sizeof(hash));
	return get_u32(&r);
}

void enlist_token(const struct graph_token *token, struct hub_token *known)
{
	*known = (struct hub_token){
		.tenant = enlist_tenant(token->tenant),
		.uses = UINT32_MAX,
		.expires_ms = token->revoked ? 0 : token->expires_ms,
	};
	if (token->revoked)
		known->uses = 0;
	else if (token->uses)
		known->uses = token->uses > token->uses_made
			? (uint32_t)(token->uses - token->uses_made)
			: 0;
	memcpy(known->id, token->id, sizeof(known->id));
	memcpy(known->secret, token->secret, sizeof(known->secret));
}

void enlist_agent(const struct graph_agent *agent, struct hub_agent *known)
{
	*known = (struct hub_agent){
		.id = (uint64_t)agent->id,
		.tenant = enlist_tenant(agent->tenant_name),
		.want = agent->want,
		.revoked = agent->revoked,
		.want_digest = agent->digest_sequence,
		.incarnation = agent->incarnation,
		.durable = { agent->durable[STREAM_STATE], agent->durable[STREAM_URGENT] },
	};
	memcpy(known->key, agent->public_key, sizeof(known->key));
	memcpy(known->psk, agent->psk, sizeof(known->psk));
}
