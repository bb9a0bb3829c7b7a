// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_admit.h"

#include <string.h>

#include "cma/hub_call.h"
#include "cma/hub_data.h"
#include "cma/hub_wake.h"

const struct pending_agent *hub_pending(struct hub *hub, int64_t now_ms, size_t *count)
{
	return pending_list(hub->pending, now_ms, count);
}

uint64_t hub_new_id(struct hub *hub)
{
	return ++hub->last_id;
}

void hub_admit(struct hub *hub, const struct hub_agent *agent, bool new_psk)
{
	struct peer *peer = hub_find_peer(hub, agent->key);

	pending_remove(hub->pending, agent->key);
	if (!peer) {
		hub_new_peer(hub, agent);
		return;
	}
	peer->known.revoked = false;
	if (new_psk)
		memcpy(peer->known.psk, agent->psk, sizeof(peer->known.psk));
}

void hub_revoke(struct hub *hub, const uint8_t key[SEAL_KEY])
{
	struct peer *peer = hub_find_peer(hub, key);

	if (!peer)
		return;
	peer->known.revoked = true;
	hub_ring_forget(hub, peer);
	hub_call_drop(hub, key, INSTANT_NEVER);
	if (peer->channel) {
		hub_wake_know(
			hub, peer->known.id, &peer->channel->address, peer->channel->session.local);
		hub_free_channel(hub, peer->channel);
	}
	if (peer->active)
		hub_data_end(hub, peer->active);
}

void hub_revoke_token(struct hub *hub, const uint8_t id[TOKEN_ID])
{
	struct known_token *token = hub_find_token(hub, id);

	if (!token)
		return;
	token->known.uses = 0;
	token->known.expires_ms = 0;
}
