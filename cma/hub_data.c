// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_data.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cma/hub_presence.h"
#include "cma/hub_proof.h"

#define ACK_DELAY (20 * NS_PER_MS) /* a commit, which brings one anyway, is faster */

enum { ACK_FRAGMENTS = 4, TOKEN_SENDS = 2 };

/* ---- streams in ---------------------------------------------------------------------------- */

static void ack_later(
	struct hub *hub, struct instant now, struct active *active, enum stream stream)
{
	active->to_tell |= (uint8_t)(1U << stream);
	if (active->ack != ACK_NONE)
		return;
	active->ack = ACK_LATER;
	active->ack_at = instant_add(now, ACK_DELAY);
	TAILQ_INSERT_TAIL(&hub->later, active, turn);
}

static void make_due(struct hub *hub, struct active *active)
{
	if (active->ack == ACK_DUE)
		return;
	if (active->ack == ACK_LATER)
		TAILQ_REMOVE(&hub->later, active, turn);
	active->ack = ACK_DUE;
	TAILQ_INSERT_TAIL(&hub->due, active, turn);
}

void hub_data_ack_now(struct hub *hub, struct active *active, enum stream stream)
{
	active->to_tell |= (uint8_t)(1U << stream);
	make_due(hub, active);
}

static void no_ack(struct hub *hub, struct active *active)
{
	if (active->ack == ACK_DUE)
		TAILQ_REMOVE(&hub->due, active, turn);
	else if (active->ack == ACK_LATER)
		TAILQ_REMOVE(&hub->later, active, turn);
	active->ack = ACK_NONE;
	active->to_tell = 0;
}

struct active *hub_data_activate(struct hub *hub, struct peer *peer)
{
	struct active *active = peer->active;

	if (active) {
		TAILQ_REMOVE(&hub->actives, active, neighbour);
	} else {
		active = mem_alloc(1, sizeof(*active));
		active->peer = peer;
		peer->active = active;
		for (int i = 0; i < STREAM_COUNT; i++)
			receiver_init(&active->receivers[i], peer->known.durable[i]);
	}
	TAILQ_INSERT_TAIL(&hub->actives, active, neighbour);
	return active;
}

void hub_data_free_active(struct hub *hub, struct active *active)
{
	no_ack(hub, active);
	TAILQ_REMOVE(&hub->actives, active, neighbour);
	hub->uncommitted -= active->uncommitted;
	for (int i = 0; i < STREAM_COUNT; i++) {
		hub->unfinished -= active->receivers[i].bytes;
		receiver_deinit(&active->receivers[i]);
	}
	active->peer->active = NULL;
	free(active);
}

static void hand_out(struct hub *hub, struct active *active, enum stream stream, uint64_t first,
	uint64_t sequence)
{
	struct span bytes = writer_span(&hub->scratch);
	/* Small ones can be many, each of which the store has to keep and to act on. */
	size_t cost = bytes.size > HUB_MESSAGE_COST ? bytes.size : HUB_MESSAGE_COST;
	struct hub_event event = {
		.kind = HUB_MESSAGE,
		.id = active->peer->known.id,
		.incarnation = active->peer->known.incarnation,
		.stream = stream,
		.first = first,
		.sequence = sequence,
		.bytes = mem_copy(bytes.data, bytes.size),
		.size = bytes.size,
	};

	hub_command_heard(hub, active->peer, bytes);
	hub_queue_event(hub, &event);
	active->uncommitted += cost;
	hub->uncommitted += cost;
	hub->counters.messages++;
}

static void hand_out_all(struct hub *hub, struct active *active, enum stream stream)
{
	unsigned dropped = 0;
	struct receiver *receiver = &active->receivers[stream];
	uint64_t first = receiver->next, sequence;
	bool damaged;

	writer_reset(&hub->scratch);
	while (receiver_take(receiver, hub->pack, &hub->scratch, &sequence, &damaged, &dropped)) {
		hub->counters.bad_message += damaged;
		hand_out(hub, active, stream, first, sequence);
		first = receiver->next;
		writer_reset(&hub->scratch);
	}
	hub->counters.bad_message += dropped;
}

static bool is_idle(const struct active *active)
{
	bool idle = active->ack == ACK_NONE && !active->enrolling && !active->presence;

	for (int i = 0; idle && i < STREAM_COUNT; i++)
		idle = receiver_idle(&active->receivers[i]);
	return idle;
}

/* Whether there was any. */
static bool drop_unfinished(struct hub *hub, struct active *active)
{
	size_t before = hub->unfinished;

	for (int i = 0; i < STREAM_COUNT; i++) {
		hub->unfinished -= active->receivers[i].bytes;
		receiver_drop(&active->receivers[i]);
	}
	return hub->unfinished < before;
}

void hub_data_rest(struct hub *hub, struct active *active)
{
	if (is_idle(active))
		hub_data_free_active(hub, active);
}

void hub_data_end(struct hub *hub, struct active *active)
{
	drop_unfinished(hub, active);
	no_ack(hub, active);
	hub_data_rest(hub, active);
}

/*
 * Too much unfinished: whoever has been quiet longest sends his again. Makes some more room than is
 * needed, so that the next fragment does not search again.
 */
static void make_room(struct hub *hub, const struct active *keep)
{
	struct active *active = TAILQ_FIRST(&hub->actives);
	struct active *next;

	if (hub->unfinished <= HUB_UNFINISHED_MAX)
		return;
	for (; active && hub->unfinished > HUB_UNFINISHED_MAX / 8 * 7; active = next) {
		next = TAILQ_NEXT(active, neighbour);
		if (active == keep || !drop_unfinished(hub, active))
			continue;
		hub->counters.evicted++;
		if (is_idle(active))
			hub_data_free_active(hub, active);
	}
}

static bool over_limit(const struct hub *hub, const struct active *active)
{
	return active->uncommitted > HUB_UNCOMMITTED_PEER_MAX ||
		hub->uncommitted > HUB_UNCOMMITTED_MAX;
}

static void count_refused(struct hub *hub, int err)
{
	if (err == -ERANGE)
		hub->counters.beyond_window++;
	else if (err == -ENOBUFS)
		hub->counters.over_limit++;
	else
		hub->counters.bad_record++;
}

static void take_fragment(struct hub *hub, struct instant now, struct active *active,
	enum stream stream, const struct record_fragment *fragment)
{
	struct receiver *receiver = &active->receivers[stream];
	size_t before = receiver->bytes;
	int got = over_limit(hub, active) ? -ENOBUFS : receiver_input(receiver, fragment);

	if (got < 0) {
		count_refused(hub, got);
		/* It may have missed how far it may go. */
		ack_later(hub, now, active, stream);
		return;
	}
	if (got == RECEIVER_DUPLICATE) {
		hub->counters.duplicates++;
		active->repeated = true;
		hub_data_ack_now(hub, active, stream);
		return;
	}
	hand_out_all(hub, active, stream);
	hub->unfinished += receiver->bytes - before;
	make_room(hub, active);
	if (++active->arrived >= ACK_FRAGMENTS)
		hub_data_ack_now(hub, active, stream);
	else
		ack_later(hub, now, active, stream);
}

static bool records_parse(struct span plain)
{
	struct reader r = reader_of(plain);
	struct record record;

	while (record_next(&r, &record))
		continue;
	return reader_done(&r);
}

static void take_record(
	struct hub *hub, struct instant now, struct peer *peer, const struct record *record)
{
	switch (record->kind) {
	case RECORD_FRAGMENT:
		if (record->stream < STREAM_COUNT)
			take_fragment(hub, now, hub_data_activate(hub, peer),
				(enum stream)record->stream, &record->fragment);
		else
			hub->counters.skipped_record++;
		break;
	case RECORD_BYE:
		hub->counters.byes++;
		/* Repeated, lest it be lost; and a packet has room for many. */
		if (peer->channel->left)
			break;
		peer->channel->left = true;
		hub_presence_changed(hub, peer);
		break;
	case RECORD_HELD:
		hub_ring_heard(hub, peer, &record->held);
		break;
	case RECORD_UNKNOWN:
	case RECORD_ACK:
	case RECORD_WANT:
	case RECORD_RESET_TOKEN:
	case RECORD_COMMAND:
	case RECORD_NEW_KEY:
	case RECORD_RING:
		hub->counters.skipped_record++;
		break;
	}
}

static void take_records(struct hub *hub, struct instant now, struct peer *peer, struct span plain)
{
	struct reader r = reader_of(plain);
	struct record record;

	while (record_next(&r, &record))
		take_record(hub, now, peer, &record);
}

static void send_reset(struct hub *hub, const struct addr *to, const struct packet *p)
{
	uint8_t *reply;

	if (hub->reply_count >= HUB_CHEAP_MAX) {
		hub->counters.not_told++;
		return;
	}
	reply = hub_reply(hub, to, PACKET_UNKNOWN_SIZE);
	session_reset(&hub->self, p, reply);
	hub->counters.resets++;
}

void hub_data_input(
	struct hub *hub, struct instant now, const struct addr *from, const struct packet *p)
{
	struct table_link *link = table_find(&hub->channels, p->receiver);
	struct channel *channel;
	uint8_t memory[PACKET_DATA_MAX];
	struct span plain;
	bool newest;
	int err;

	if (!link) {
		send_reset(hub, from, p);
		return;
	}
	channel = table_object(link, struct channel, by_index);
	newest = p->counter >= channel->session.replay.next;
	err = session_open(&channel->session, p, memory, &plain);
	if (err) {
		hub->counters.replayed += err == -EALREADY;
		hub->counters.forged += err != -EALREADY;
		return;
	}
	if (!records_parse(plain)) {
		hub->counters.bad_record++;
		return;
	}
	/* One that was held back on the way tells where the agent was. */
	if (newest)
		channel->address = *from;
	if (!channel->proven && !hub_proof_accept(hub, channel))
		return;
	take_records(hub, now, channel->peer, plain);
}

/* ---- acknowledgements out ------------------------------------------------------------------ */

static void put_stream_ack(const struct receiver *receiver, uint8_t stream, struct writer *plain)
{
	uint8_t ranges[STREAM_RANGES_MAX * STREAM_RANGE_SIZE];
	struct record ack = {
		.kind = RECORD_ACK, .stream = stream, .ack = receiver_ack(receiver, ranges)
	};

	record_encode(plain, &ack);
}

static void put_ack(struct hub *hub, struct active *active, struct writer *plain)
{
	const struct hub_agent *known = &active->peer->known;
	struct channel *channel = active->peer->channel;
	struct record want = { .kind = RECORD_WANT,
		.want = { .digest = known->want_digest, .sections = known->want } };
	struct record token = { .kind = RECORD_RESET_TOKEN };

	for (uint8_t i = 0; i < STREAM_COUNT; i++) {
		if (active->to_tell >> i & 1)
			put_stream_ack(&active->receivers[i], i, plain);
	}
	if (known->want)
		record_encode(plain, &want);
	hub_key_tell(hub, channel, plain);
	if (channel->token_sends < TOKEN_SENDS || active->repeated) {
		session_reset_token(&hub->self, channel->session.local, token.reset_token.token);
		record_encode(plain, &token);
		channel->token_sends = TOKEN_SENDS < channel->token_sends + 1
			? TOKEN_SENDS
			: (uint8_t)(channel->token_sends + 1);
	}
}

/* The acknowledgement of the first whose turn it is. 0 when it could not be sent. */
static size_t send_ack(struct hub *hub, struct active *active, struct addr *to, uint8_t *datagram)
{
	struct channel *channel = active->peer->channel;
	uint8_t memory[PACKET_DATA_MAX];
	struct writer plain = writer_over(memory, sizeof(memory));
	struct writer sealed = writer_over(datagram, PACKET_MAX);

	if (channel) {
		put_ack(hub, active, &plain);
		if (session_seal(&channel->session, writer_span(&plain), &sealed))
			sealed.size = 0; /* used up: the agent will call */
		*to = channel->address;
	}
	no_ack(hub, active);
	active->arrived = 0;
	active->repeated = false;
	if (is_idle(active))
		hub_data_free_active(hub, active);
	return sealed.size;
}

size_t hub_data_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX])
{
	struct active *active;
	size_t size = 0;

	while ((active = TAILQ_FIRST(&hub->later)) && !instant_before(now, active->ack_at))
		make_due(hub, active);
	while (!size && (active = TAILQ_FIRST(&hub->due)))
		size = send_ack(hub, active, to, datagram);
	return size;
}
