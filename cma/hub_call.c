// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/hub_proof.h"
#include "wire/keys.h"

#define CALL_LIFE (60 * NS_PER_SEC)

static uint64_t hash_of(const uint8_t key[SEAL_KEY])
{
	struct reader r = reader_of(SPAN(key, SEAL_KEY));

	return get_u64(&r);
}

static uint64_t hash_of_mac(const uint8_t mac[PACKET_MAC])
{
	struct reader r = reader_of(SPAN(mac, PACKET_MAC));

	return get_u64(&r);
}

/* The call that this INIT began: mac1 covers all of it. */
static struct call *find_call(const struct hub *hub, const struct packet *p)
{
	struct table_link *link = table_find(&hub->calls_by_mac, hash_of_mac(p->mac1.data));

	for (; link; link = table_find_next(link)) {
		struct call *call = table_object(link, struct call, by_mac);

		if (!memcmp(call->mac1, p->mac1.data, PACKET_MAC))
			return call;
	}
	return NULL;
}

void hub_call_end(struct hub *hub, struct call *call)
{
	table_remove(&hub->calls, &call->by_key);
	table_remove(&hub->calls_by_mac, &call->by_mac);
	TAILQ_REMOVE(&hub->calls_by_age, call, neighbour);
	seal_wipe(call, sizeof(*call));
	free(call);
}

static void drop_call(struct hub *hub, struct call *call)
{
	hub->counters.unproven++;
	hub_free_channel(hub, call->channel);
}

static void drop_old_calls(struct hub *hub, struct instant now)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&hub->calls_by_age)) &&
		(hub->calls.count >= HUB_CALLS_MAX || instant_sub(now, call->since) > CALL_LIFE))
		drop_call(hub, call);
}

/*
 * The oldest goes. That several may wait keeps a recorded INIT, which nobody completes, from taking
 * the place of the agent's own.
 */
static void drop_crowd(struct hub *hub, const uint8_t key[SEAL_KEY])
{
	struct table_link *link = table_find(&hub->calls, hash_of(key));
	struct call *oldest = NULL;
	unsigned int count = 0;

	for (; link; link = table_find_next(link)) {
		struct call *call = table_object(link, struct call, by_key);

		if (memcmp(call->key, key, SEAL_KEY))
			continue;
		count++;
		if (!oldest || !instant_before(oldest->since, call->since))
			oldest = call;
	}
	if (count >= HUB_CALLS_KEY_MAX)
		drop_call(hub, oldest);
}

void hub_call_drop(struct hub *hub, const uint8_t key[SEAL_KEY], struct instant until)
{
	struct table_link *link = table_find(&hub->calls, hash_of(key));

	while (link) {
		struct call *call = table_object(link, struct call, by_key);

		link = table_find_next(link);
		if (!memcmp(call->key, key, SEAL_KEY) && !instant_before(until, call->since))
			drop_call(hub, call);
	}
}

static uint32_t free_index(struct hub *hub)
{
	uint32_t index = 0;

	while (!index || table_find(&hub->channels, index))
		hub->config.random(hub->config.owner, &index, sizeof(index));
	return index;
}

/* How a call is to be answered. */
struct verdict {
	const struct session_self *self; /* under which of our keys */
	struct peer *peer;		 /* NULL: not known yet */
	uint8_t psk[SEAL_KEY];
	struct session_welcome welcome;
};

static enum welcome_refusal refusal_of(
	const struct peer *peer, const struct hub_token *token, int64_t now_ms)
{
	if (peer && peer->known.tenant != token->tenant)
		return WELCOME_OTHER_TENANT;
	if (peer && peer->known.revoked)
		return WELCOME_REVOKED;
	if (peer && hub_proof_enrolled_with(peer, token->secret))
		return WELCOME_OK;
	if (token->expires_ms <= now_ms)
		return WELCOME_TOKEN_EXPIRED;
	return token->uses ? WELCOME_OK : WELCOME_TOKEN_USED_UP;
}

static void send_retry(struct hub *hub, const struct addr *to, const struct packet *p,
	const struct session_self *self, const struct cookie_reply *retry)
{
	uint8_t nonce[SEAL_NONCE], *reply;
	struct writer w = writer_over(nonce, sizeof(nonce));

	if (hub->reply_count >= HUB_CHEAP_MAX) {
		hub->counters.not_told++;
		return;
	}
	reply = hub_reply(hub, to, PACKET_RETRY_SIZE);
	put_bytes(&w, hub->retry_nonce, sizeof(hub->retry_nonce));
	put_u64(&w, ++hub->retries);
	cookie_seal(retry, self->key.public, p, SPAN(nonce, sizeof(nonce)), reply);
}

/*
 * An agent without a token: one that was approved, or a person will see it among the pending. There
 * it takes one of few places, also of its address: so that must be where it is.
 */
static bool judge_asking(struct hub *hub, const struct gate_init *init, const struct packet *p,
	const struct session_heard *heard, struct verdict *verdict)
{
	const struct peer *peer = verdict->peer;
	uint32_t refusal = WELCOME_PENDING;
	struct cookie_reply retry;

	if (!peer && !pending_knows(hub->pending, heard->noise.peer, &init->from) &&
		!gate_hears(hub->gate, &init->from, p, &retry)) {
		hub->counters.no_cookie++;
		send_retry(hub, &init->from, p, verdict->self, &retry);
		return false;
	}

	if (keys_asking_secret(&verdict->self->key, heard->noise.peer, verdict->psk)) {
		hub->counters.bad_handshake++;
		return false;
	}
	if (peer && peer->known.revoked)
		refusal = WELCOME_REVOKED;
	else if (peer && hub_proof_enrolled_with(peer, verdict->psk))
		refusal = WELCOME_OK;
	else if (!pending_note(
			 hub->pending, init->now_ms, heard->noise.peer, verdict->psk, &init->from))
		hub->counters.pending_full++;
	hub->counters.refused += refusal != WELCOME_OK;
	verdict->welcome.flags = refusal | WELCOME_RESTART;
	return true;
}

static bool judge_enrolment(
	struct hub *hub, int64_t now_ms, const struct session_hello *hello, struct verdict *verdict)
{
	const struct known_token *token = hub_find_token(hub, hello->token_id);

	if (!token) {
		hub->counters.unknown_token++;
		return false;
	}
	memcpy(verdict->psk, token->known.secret, SEAL_KEY);
	verdict->welcome.flags = refusal_of(verdict->peer, &token->known, now_ms);
	hub->counters.refused += verdict->welcome.flags != WELCOME_OK;
	/* It says nothing about its stream; if that is not a new one it must begin anew. */
	verdict->welcome.flags |= WELCOME_RESTART;
	return true;
}

static bool judge_known(struct hub *hub, const struct session_hello *hello, struct verdict *verdict)
{
	const struct hub_agent *known;

	if (!verdict->peer) {
		hub->counters.unknown_agent++;
		return false;
	}
	known = &verdict->peer->known;
	memcpy(verdict->psk, known->psk, SEAL_KEY);
	if (known->revoked) {
		verdict->welcome.flags = WELCOME_REVOKED;
		hub->counters.refused++;
	} else if (hello->seq >
		(hello->incarnation == known->incarnation ? known->durable[STREAM_STATE] : 0)) {
		verdict->welcome.flags = WELCOME_RESTART;
	}
	return true;
}

static struct channel *new_call(struct hub *hub, struct instant now,
	const struct session_heard *heard, const struct packet *p)
{
	struct channel *channel = pool_take(&hub->sessions);
	struct call *call = mem_alloc(1, sizeof(*call));

	channel->call = call;
	call->channel = channel;
	call->since = now;
	call->hello = heard->hello;
	memcpy(call->key, heard->noise.peer, SEAL_KEY);
	memcpy(call->mac1, p->mac1.data, PACKET_MAC);
	table_insert(&hub->channels, &channel->by_index, free_index(hub));
	table_insert(&hub->calls, &call->by_key, hash_of(call->key));
	table_insert(&hub->calls_by_mac, &call->by_mac, hash_of_mac(call->mac1));
	TAILQ_INSERT_TAIL(&hub->calls_by_age, call, neighbour);
	return channel;
}

static void send_resp(struct hub *hub, const struct addr *to, const struct call *call)
{
	uint8_t *reply = hub_reply(hub, to, PACKET_RESP_SIZE);

	if (reply)
		memcpy(reply, call->resp, PACKET_RESP_SIZE);
}

static void answer(struct hub *hub, struct instant now, const struct addr *from,
	const struct packet *p, const struct session_heard *heard, const struct verdict *verdict)
{
	struct channel *channel = new_call(hub, now, heard, p);
	uint8_t ephemeral[SEAL_KEY];
	int err;

	hub_key_begin(hub, channel, verdict->self);
	hub->config.random(hub->config.owner, ephemeral, sizeof(ephemeral));
	err = session_answer(heard, verdict->psk, ephemeral, (uint32_t)channel->by_index.hash,
		&verdict->welcome, now, channel->call->resp, &channel->session);
	seal_wipe(ephemeral, sizeof(ephemeral));
	if (err) {
		hub->counters.bad_handshake++;
	} else {
		hub->counters.handshakes++;
		send_resp(hub, from, channel->call);
	}
	if (err || (verdict->welcome.flags & WELCOME_REFUSAL_MASK))
		hub_free_channel(hub, channel);
}

/*
 * The product of both static keys, kept of a known agent: it is a quarter of the work of INIT. That
 * of our old key is not worth keeping.
 */
static const uint8_t *shared_with(const struct hub *hub, const struct session_self *self,
	struct peer *peer, const uint8_t key[SEAL_KEY])
{
	static const uint8_t none[SEAL_KEY];

	if (!peer || self != &hub->self)
		return NULL;
	if (!memcmp(peer->shared, none, sizeof(none)) &&
		seal_exchange(hub->self.key.secret, key, peer->shared))
		return NULL;
	return peer->shared;
}

/* heard->noise.peer is known; the costly second half is not done. */
static void judge(struct hub *hub, struct instant now, const struct gate_init *init,
	const struct packet *p, const struct session_self *self, struct session_heard *heard)
{
	struct verdict verdict = { .self = self,
		.peer = hub_find_peer(hub, heard->noise.peer),
		.welcome = { .epoch = hub->config.epoch, .credit = STREAM_WINDOW_FIRST } };
	bool answered;

	if (session_hear_hello(
		    heard, self, shared_with(hub, self, verdict.peer, heard->noise.peer), p)) {
		hub->counters.bad_handshake++;
		return;
	}
	if (!heard->hello.enrol)
		answered = judge_known(hub, &heard->hello, &verdict);
	else if (session_asks(&heard->hello))
		answered = judge_asking(hub, init, p, heard, &verdict);
	else
		answered = judge_enrolment(hub, init->now_ms, &heard->hello, &verdict);
	if (answered) {
		drop_crowd(hub, heard->noise.peer);
		answer(hub, now, &init->from, p, heard, &verdict);
	}
	seal_wipe(&verdict, sizeof(verdict));
}

static void answer_first(
	struct hub *hub, struct instant now, const struct gate_init *init, const struct packet *p)
{
	/* The key may have been retired while it waited. */
	const struct session_self *self = hub_key_called(hub, p);
	struct session_heard heard;

	if (!self || session_heard(&heard, self, p)) {
		hub->counters.bad_handshake++;
	} else {
		drop_old_calls(hub, now);
		judge(hub, now, init, p, self, &heard);
	}
	seal_wipe(&heard, sizeof(heard));
}

/* False when this INIT was not answered before. */
static bool answer_again(struct hub *hub, const struct addr *from, const struct packet *p)
{
	const struct call *call = find_call(hub, p);

	if (call)
		send_resp(hub, from, call);
	return call;
}

bool hub_call_work(struct hub *hub, struct instant now)
{
	const struct gate_init *init = gate_next(hub->gate, now);
	struct packet p;

	if (!init)
		return false;
	/* It may have been sent again while it waited. */
	if (!packet_decode(SPAN(init->datagram, PACKET_INIT_SIZE), &p) &&
		!answer_again(hub, &init->from, &p))
		answer_first(hub, now, init, &p);
	return true;
}

void hub_call_input(struct hub *hub, struct instant now, int64_t now_ms, const struct addr *from,
	const struct packet *p)
{
	const struct session_self *self = hub_key_called(hub, p);
	struct cookie_reply retry;

	if (!self) {
		hub->counters.bad_mac++;
		return;
	}
	if (answer_again(hub, from, p))
		return;
	gate_expect(hub->gate, hub->peers_by_id.count + hub->token_uses);
	if (!gate_enter(hub->gate, now, now_ms, from, p, &hub->counters, &retry))
		send_retry(hub, from, p, self, &retry);
}
