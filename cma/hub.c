// SPDX-License-Identifier: Apache-2.0
#include "cma/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/hub_call.h"
#include "cma/hub_data.h"
#include "cma/hub_presence.h"

struct hub *hub_new(const struct hub_config *config)
{
	struct hub *hub = mem_alloc(1, sizeof(*hub));

	hub->config = *config;
	session_self_init(&hub->self, &config->key);
	memcpy(hub->self.reset_key, config->reset_key, sizeof(hub->self.reset_key));
	/* What must be forgotten some day is in one place. */
	seal_wipe(&hub->config.key, sizeof(hub->config.key));
	seal_wipe(hub->config.reset_key, sizeof(hub->config.reset_key));
	TAILQ_INIT(&hub->calls_by_age);
	TAILQ_INIT(&hub->actives);
	TAILQ_INIT(&hub->due);
	TAILQ_INIT(&hub->later);
	STAILQ_INIT(&hub->events);
	hub->replies = mem_alloc(HUB_REPLIES_MAX, sizeof(*hub->replies));
	hub->peers.size = sizeof(struct peer);
	hub->sessions.size = sizeof(struct channel);
	config->random(config->owner, hub->retry_nonce, sizeof(hub->retry_nonce));
	hub->gate = gate_new(config->random, config->owner);
	hub->commands = hub_commands_new();
	hub->rings = hub_rings_new();
	hub->pending = pending_new();
	hub->replaced = mem_alloc(HUB_REPLACED_MAX, sizeof(*hub->replaced));
	hub->pack = pack_new();
	hub->scratch = writer_growing(MESSAGE_SIZE_MAX);
	return hub;
}

/* ---- roster -------------------------------------------------------------------------------- */

static uint64_t hash_of(struct span key)
{
	struct reader r = reader_of(key);

	return get_u64(&r);
}

struct peer *hub_find_peer(const struct hub *hub, const uint8_t key[SEAL_KEY])
{
	struct table_link *link = table_find(&hub->peers_by_key, hash_of(SPAN(key, SEAL_KEY)));

	for (; link; link = table_find_next(link)) {
		struct peer *peer = table_object(link, struct peer, by_key);

		if (!memcmp(peer->known.key, key, SEAL_KEY))
			return peer;
	}
	return NULL;
}

struct peer *hub_find_id(const struct hub *hub, uint64_t id)
{
	struct table_link *link = table_find(&hub->peers_by_id, id);

	return link ? table_object(link, struct peer, by_id) : NULL;
}

struct known_token *hub_find_token(const struct hub *hub, const uint8_t id[TOKEN_ID])
{
	struct table_link *link = table_find(&hub->tokens, hash_of(SPAN(id, TOKEN_ID)));

	return link ? table_object(link, struct known_token, by_id) : NULL;
}

struct peer *hub_new_peer(struct hub *hub, const struct hub_agent *agent)
{
	struct peer *peer = pool_take(&hub->peers);

	peer->known = *agent;
	table_insert(&hub->peers_by_key, &peer->by_key, hash_of(SPAN(agent->key, SEAL_KEY)));
	table_insert(&hub->peers_by_id, &peer->by_id, agent->id);
	if (agent->id > hub->last_id)
		hub->last_id = agent->id;
	return peer;
}

void hub_add_agent(struct hub *hub, const struct hub_agent *agent)
{
	hub_new_peer(hub, agent);
}

void hub_add_token(struct hub *hub, const struct hub_token *known)
{
	struct known_token *token = hub_find_token(hub, known->id);

	if (!token) {
		token = mem_alloc(1, sizeof(*token));
		table_insert(&hub->tokens, &token->by_id, hash_of(SPAN(known->id, TOKEN_ID)));
	}
	hub->token_uses += known->uses;
	hub->token_uses -= token->known.uses;
	token->known = *known;
}

static void free_token(struct hub *hub, struct known_token *token)
{
	table_remove(&hub->tokens, &token->by_id);
	seal_wipe(token, sizeof(*token));
	free(token);
}

void hub_free_channel(struct hub *hub, struct channel *channel)
{
	if (!channel->proven) {
		hub_call_end(hub, channel->call);
	} else if (channel->peer->channel == channel) {
		channel->peer->channel = NULL;
		hub->session_count--;
	}
	table_remove(&hub->channels, &channel->by_index);
	session_wipe(&channel->session);
	pool_give(&hub->sessions, channel);
}

/* ---- events and commits -------------------------------------------------------------------- */

void hub_queue_event(struct hub *hub, const struct hub_event *event)
{
	struct queued_event *queued = mem_alloc(1, sizeof(*queued));

	queued->event = *event;
	STAILQ_INSERT_TAIL(&hub->events, queued, next);
}

void hub_queue_enrol(struct hub *hub, const struct active *active)
{
	struct hub_event event = { .kind = HUB_ENROL, .agent = active->peer->known };

	hub_presence_fill(&event, active->peer);
	memcpy(event.token, active->token, sizeof(event.token));
	hub_queue_event(hub, &event);
}

bool hub_take(struct hub *hub, struct hub_event *event)
{
	struct queued_event *queued = STAILQ_FIRST(&hub->events);

	if (!queued)
		return false;
	STAILQ_REMOVE_HEAD(&hub->events, next);
	*event = queued->event;
	free(queued);
	return true;
}

void hub_event_free(struct hub_event *event)
{
	free(event->bytes);
	seal_wipe(event, sizeof(*event));
}

static void drop_events(struct hub *hub)
{
	struct hub_event event;

	while (hub_take(hub, &event))
		hub_event_free(&event);
}

static void forget_uncommitted(struct hub *hub, struct active *active)
{
	hub->uncommitted -= active->uncommitted;
	active->uncommitted = 0;
}

static bool all_committed(const struct active *active)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (active->receivers[i].next != active->receivers[i].durable + 1)
			return false;
	}
	return true;
}

void hub_committed(struct hub *hub, const struct hub_commit *commit)
{
	struct peer *peer = hub_find_id(hub, commit->id);
	struct hub_agent *known;
	struct active *active;

	if (!peer)
		return;
	known = &peer->known;
	if (peer->active)
		peer->active->enrolling = false;
	if (commit->incarnation != known->incarnation)
		return;
	if (commit->durable[STREAM_STATE] >= known->durable[STREAM_STATE]) {
		known->want = commit->want;
		known->want_digest = commit->want_digest;
	}
	active = hub_data_activate(hub, peer);
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (commit->durable[i] <= known->durable[i])
			continue;
		known->durable[i] = commit->durable[i];
		receiver_commit(&active->receivers[i], commit->durable[i]);
		hub_data_ack_now(hub, active, (enum stream)i);
	}
	if (all_committed(active))
		forget_uncommitted(hub, active);
	hub_data_ack_now(hub, active, STREAM_STATE);
}

void hub_told(struct hub *hub, uint64_t id, unsigned count)
{
	struct peer *peer = hub_find_id(hub, id);

	if (peer)
		hub_presence_committed(hub, peer, count);
}

void hub_rolled_back(struct hub *hub)
{
	struct active *active;

	drop_events(hub);
	hub_command_rolled_back(hub);
	TAILQ_FOREACH (active, &hub->actives, neighbour) {
		for (int i = 0; i < STREAM_COUNT; i++)
			receiver_roll_back(&active->receivers[i]);
		forget_uncommitted(hub, active);
		if (active->enrolling)
			hub_queue_enrol(hub, active);
		hub_presence_rolled_back(hub, active);
	}
}

/* ---- in and out ---------------------------------------------------------------------------- */

void hub_input(struct hub *hub, struct instant now, int64_t now_ms, const struct addr *from,
	struct span datagram)
{
	struct packet p;

	hub->counters.datagrams++;
	hub_command_clock(hub, now, now_ms);
	if (packet_decode(datagram, &p)) {
		hub->counters.bad_packet++;
		return;
	}
	switch (p.type) {
	case PACKET_INIT:
		hub_call_input(hub, now, now_ms, from, &p);
		break;
	case PACKET_DATA:
		hub_data_input(hub, now, from, &p);
		break;
	case PACKET_RESP:
	case PACKET_RETRY:
	case PACKET_BEAT:
	case PACKET_UNKNOWN:
	case PACKET_ECHO:
		hub->counters.bad_packet++;
		break;
	}
}

bool hub_work(struct hub *hub, struct instant now)
{
	return hub_call_work(hub, now);
}

uint8_t *hub_reply(struct hub *hub, const struct addr *to, size_t size)
{
	struct reply *reply;

	if (hub->reply_count >= HUB_REPLIES_MAX) {
		hub->counters.over_limit++;
		return NULL;
	}
	reply = &hub->replies[(hub->reply_first + hub->reply_count++) % HUB_REPLIES_MAX];
	reply->to = *to;
	reply->size = (uint8_t)size;
	return reply->datagram;
}

static size_t take_reply(struct hub *hub, struct addr *to, uint8_t *datagram)
{
	const struct reply *reply = &hub->replies[hub->reply_first];

	if (!hub->reply_count)
		return 0;
	hub->reply_first = (hub->reply_first + 1) % HUB_REPLIES_MAX;
	hub->reply_count--;
	*to = reply->to;
	memcpy(datagram, reply->datagram, reply->size);
	return reply->size;
}

size_t hub_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX])
{
	size_t size = take_reply(hub, to, datagram);

	if (!size)
		size = hub_data_output(hub, now, to, datagram);
	if (!size)
		size = hub_command_output(hub, now, to, datagram);
	if (!size)
		size = hub_ring_output(hub, now, to, datagram);
	hub->counters.sent += size > 0;
	return size;
}

struct instant hub_deadline(const struct hub *hub)
{
	const struct active *first = TAILQ_FIRST(&hub->later);
	struct instant told = instant_first(hub_command_deadline(hub), hub_ring_deadline(hub));

	if (!STAILQ_EMPTY(&hub->events) || hub->reply_count || !TAILQ_EMPTY(&hub->due) ||
		!gate_is_empty(hub->gate))
		return (struct instant){ 0 };
	return instant_first(first ? first->ack_at : INSTANT_NEVER, told);
}

const struct hub_counters *hub_counters(const struct hub *hub)
{
	return &hub->counters;
}

int hub_agent_find(const struct hub *hub, const uint8_t key[SEAL_KEY], struct hub_known *known)
{
	const struct peer *peer = hub_find_peer(hub, key);

	if (!peer)
		return -ENOENT;
	*known = (struct hub_known){ peer->known.id, peer->known.tenant };
	return 0;
}

const uint8_t *hub_agent_key(const struct hub *hub, uint64_t id)
{
	const struct peer *peer = hub_find_id(hub, id);

	return peer ? peer->known.key : NULL;
}

size_t hub_agent_count(const struct hub *hub)
{
	return hub->peers_by_id.count;
}

size_t hub_session_count(const struct hub *hub)
{
	return hub->session_count;
}

static void visit_channel(void *hub, struct table_link *link)
{
	hub_free_channel(hub, table_object(link, struct channel, by_index));
}

static void visit_token(void *hub, struct table_link *link)
{
	free_token(hub, table_object(link, struct known_token, by_id));
}

static void visit_peer(void *owner, struct table_link *link)
{
	struct peer *peer = table_object(link, struct peer, by_id);
	struct hub *hub = owner;

	if (peer->active)
		hub_data_free_active(hub, peer->active);
	table_remove(&hub->peers_by_key, &peer->by_key);
	table_remove(&hub->peers_by_id, &peer->by_id);
	seal_wipe(peer, sizeof(*peer));
	pool_give(&hub->peers, peer);
}

void hub_free(struct hub *hub)
{
	if (!hub)
		return;
	drop_events(hub);
	hub_commands_free(hub->commands);
	hub_rings_free(hub->rings);
	pending_free(hub->pending);
	free(hub->replaced);
	table_each(&hub->channels, visit_channel, hub);
	table_each(&hub->peers_by_id, visit_peer, hub);
	table_each(&hub->tokens, visit_token, hub);
	table_deinit(&hub->peers_by_key);
	table_deinit(&hub->peers_by_id);
	table_deinit(&hub->channels);
	table_deinit(&hub->sleepers);
	table_deinit(&hub->tokens);
	table_deinit(&hub->calls);
	table_deinit(&hub->calls_by_mac);
	pool_deinit(&hub->sleeper_pool);
	pool_deinit(&hub->sessions);
	pool_deinit(&hub->peers);
	gate_free(hub->gate);
	free(hub->replies);
	writer_free(&hub->scratch);
	pack_free(hub->pack);
	seal_wipe(hub, sizeof(*hub));
	free(hub);
}
