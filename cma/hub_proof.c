// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_proof.h"

#include <string.h>

#include "cma/hub_call.h"
#include "cma/hub_data.h"
#include "cma/hub_presence.h"
#include "cma/hub_wake.h"
#include "wire/keys.h"

bool hub_proof_enrolled_with(const struct peer *peer, const uint8_t secret[SEAL_KEY])
{
	uint8_t psk[SEAL_KEY];
	bool same;

	keys_agent_psk(secret, peer->known.key, psk);
	same = seal_equal(psk, peer->known.psk, sizeof(psk));
	seal_wipe(psk, sizeof(psk));
	return same;
}

/*
 * The agent has shown that it holds the secret of the token: it is one of ours now. NULL: the token
 * was used up or removed meanwhile. *fresh: the store has to be told.
 */
static struct peer *enrol(struct hub *hub, const struct call *call, struct peer *peer, bool *fresh)
{
	struct known_token *token = hub_find_token(hub, call->hello.token_id);
	struct hub_agent agent = { .id = hub->last_id + 1 };
	struct active *active;

	*fresh = false;
	/* Another call of the same key may have been proven meanwhile. */
	if (!token || (peer && peer->known.tenant != token->known.tenant))
		return NULL;
	if (peer && hub_proof_enrolled_with(peer, token->known.secret))
		return peer;
	if (!token->known.uses)
		return NULL;
	token->known.uses--;
	hub->token_uses--;
	memcpy(agent.key, call->key, SEAL_KEY);
	agent.tenant = token->known.tenant;
	if (!peer)
		peer = hub_new_peer(hub, &agent);
	keys_agent_psk(token->known.secret, peer->known.key, peer->known.psk);
	active = hub_data_activate(hub, peer);
	active->enrolling = true;
	memcpy(active->token, token->known.id, TOKEN_ID);
	hub->counters.enrolled++;
	*fresh = true;
	return peer;
}

/*
 * Where it is noted if another incarnation has replaced this one. A nanoprobe makes a new one at
 * each start: one that comes back is that of a second nanoprobe.
 */
static uint64_t *replaced_at(const struct hub *hub, uint64_t incarnation)
{
	return &hub->replaced[incarnation & (HUB_REPLACED_MAX - 1)];
}

static bool was_replaced(const struct hub *hub, uint64_t incarnation)
{
	return incarnation && *replaced_at(hub, incarnation) == incarnation;
}

/* The agent had to begin anew: epoch is its incarnation before. */
static bool restarted(const struct session_hello *hello)
{
	return hello->restarted && !hello->enrol;
}

static void begin_stream(struct hub *hub, struct peer *peer, uint64_t incarnation)
{
	*replaced_at(hub, peer->known.incarnation) = peer->known.incarnation;
	peer->known.incarnation = incarnation;
	memset(peer->known.durable, 0, sizeof(peer->known.durable));
	peer->known.want = 0;
	peer->known.want_digest = 0;
	for (int i = 0; peer->active && i < STREAM_COUNT; i++) {
		struct receiver *receiver = &peer->active->receivers[i];

		hub->unfinished -= receiver->bytes;
		receiver_deinit(receiver);
		receiver_init(receiver, 0);
	}
}

bool hub_proof_accept(struct hub *hub, struct channel *channel)
{
	struct call *call = channel->call;
	const struct session_hello hello = call->hello;
	struct peer *peer = hub_find_peer(hub, call->key);
	struct addr other = { .port = 0 };
	struct instant since;
	bool fresh = false, came_back;

	if (hello.enrol && !session_asks(&hello))
		peer = enrol(hub, call, peer, &fresh);
	if (!peer) {
		hub->counters.refused++;
		hub_free_channel(hub, channel);
		return false;
	}
	since = call->since;
	hub_call_end(hub, call);
	/*
	 * Those called for before shall never be proven: what a nanoprobe that has died sent under
	 * one of them may still be on its way (tests/model/np1.pml, "no_older").
	 */
	hub_call_drop(hub, peer->known.key, since);
	if (peer->channel) {
		other = peer->channel->address;
		hub_free_channel(hub, peer->channel);
	}
	channel->proven = true;
	channel->peer = peer;
	peer->channel = channel;
	hub_wake_forget(hub, peer);
	hub->session_count++;
	hub->counters.sessions++;
	came_back = hello.incarnation != peer->known.incarnation &&
		was_replaced(hub, restarted(&hello) ? hello.epoch : hello.incarnation);
	if (hello.incarnation != peer->known.incarnation)
		begin_stream(hub, peer, hello.incarnation);
	if (fresh)
		hub_queue_enrol(hub, peer->active);
	else
		hub_presence_changed(hub, peer);
	if (came_back)
		hub_presence_duplicate(hub, peer, &other);
	else if (restarted(&hello))
		hub_presence_lost(hub, peer);
	hub_command_here(hub, peer);
	hub_ring_here(hub, peer);
	return true;
}
