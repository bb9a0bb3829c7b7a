// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/keys.h"
#include "wire/message.h"

/* The part of an incarnation that tells the streams of one run apart. */
#define OF_THE_STREAM ((uint64_t)0xffff)

enum {
	BYES = 3, /* how often it is said */
	/* The stream holds no more than this at a time: what waits in the tracker is coalesced. */
	MESSAGES_MAX = STREAM_WINDOW_FIRST,
	BYTES_MAX = 64 << 10,
	/* A message: one fact of the greatest size is allowed to exceed what outbox.c aims for. */
	MESSAGE_LIMIT = 1 << 20,
	/* What is urgent is told by nobody else, and waits here however long the CMA is away. */
	URGENT_MESSAGES_MAX = 256,
	URGENT_BYTES_MAX = 256 << 10,
	LOST_SIZE = 10,
	HELD_SIZE = RECORD_HEADER_SIZE + 19,
};

uint64_t uplink_random(struct uplink *uplink)
{
	uint64_t value = 0;

	while (!value)
		uplink->config.random(uplink->config.owner, &value, sizeof(value));
	return value;
}

void uplink_start_streams(struct uplink *uplink)
{
	uplink->incarnation =
		(uplink->config.run & ~OF_THE_STREAM) | (uplink->begun++ & OF_THE_STREAM);
	sender_reset(uplink->senders[STREAM_STATE]);
	sender_renew(uplink->senders[STREAM_URGENT]);
	outbox_start(&uplink->outbox, uplink->config.tracker, uplink->config.boot);
}

void uplink_restart_streams(struct uplink *uplink)
{
	uplink_call_end(uplink);
	uplink->before = uplink->incarnation;
	uplink_start_streams(uplink);
	uplink->up = false;
	uplink->status.restarts++;
}

struct uplink *uplink_new(const struct uplink_config *config)
{
	struct uplink *uplink = mem_alloc(1, sizeof(*uplink));

	uplink->config = *config;
	uplink->status.enrolled = config->enrolled;
	if (!uplink->config.run)
		uplink->config.run = uplink_random(uplink) | (OF_THE_STREAM + 1);
	session_self_init(&uplink->self, &config->key);
	for (int i = 0; i < STREAM_COUNT; i++)
		uplink->senders[i] = sender_new((enum stream)i, config->random, config->owner);
	uplink_start_streams(uplink);
	return uplink;
}

void uplink_free(struct uplink *uplink)
{
	if (!uplink)
		return;
	for (int i = 0; i < STREAM_COUNT; i++)
		sender_free(uplink->senders[i]);
	seal_wipe(uplink, sizeof(*uplink));
	free(uplink);
}

void uplink_ready(struct uplink *uplink)
{
	uplink->ready = true;
}

void uplink_resync(struct uplink *uplink)
{
	outbox_again(&uplink->outbox);
}

void uplink_held(struct uplink *uplink, const struct record_held *held)
{
	uplink->held = *held;
	uplink->holds = true;
	uplink->tell_held = true;
}

void uplink_leave(struct uplink *uplink)
{
	uplink->leave = uplink->up && !uplink->stale ? BYES : 0;
}

bool uplink_is_old(const struct uplink *uplink, struct instant now)
{
	return uplink->rekey || session_is_old(&uplink->session, now);
}

static bool wants_to_tell(const struct uplink *uplink)
{
	return uplink->summoned || outbox_pending(&uplink->outbox) || uplink->unsaid ||
		sender_messages(uplink->senders[STREAM_STATE]) ||
		sender_messages(uplink->senders[STREAM_URGENT]);
}

static bool has_room(const struct uplink *uplink)
{
	const struct sender *sender = uplink->senders[STREAM_STATE];

	return sender_messages(sender) < MESSAGES_MAX && sender_bytes(sender) < BYTES_MAX;
}

static bool has_urgent_room(const struct uplink *uplink, size_t size)
{
	const struct sender *sender = uplink->senders[STREAM_URGENT];

	return sender_messages(sender) < URGENT_MESSAGES_MAX &&
		sender_bytes(sender) + size <= URGENT_BYTES_MAX;
}

struct instant uplink_unanswered(const struct uplink *uplink)
{
	return instant_first(sender_unanswered(uplink->senders[STREAM_STATE]),
		sender_unanswered(uplink->senders[STREAM_URGENT]));
}

/* ---- what is urgent ------------------------------------------------------------------------ */

static void count_lost(struct uplink *uplink, uint8_t kind)
{
	uplink->unsaid_kind = uplink->unsaid && uplink->unsaid_kind != kind ? 0 : kind;
	uplink->unsaid++;
	uplink->status.lost++;
}

static void tell_lost(struct uplink *uplink)
{
	struct message lost = {
		.kind = MESSAGE_LOST,
		.lost = { .count = uplink->unsaid, .what = uplink->unsaid_kind },
	};
	uint8_t memory[LOST_SIZE];
	struct writer bytes = writer_over(memory, sizeof(memory));

	if (!uplink->unsaid || !has_urgent_room(uplink, LOST_SIZE))
		return;
	message_encode(&bytes, &lost);
	if (sender_push(uplink->senders[STREAM_URGENT], writer_span(&bytes)))
		abort(); /* cannot be: it is smaller than any limit */
	sender_relax(uplink->senders[STREAM_URGENT]);
	uplink->unsaid = 0;
}

bool uplink_urgent(struct uplink *uplink, struct span message)
{
	struct sender *sender = uplink->senders[STREAM_URGENT];

	tell_lost(uplink); /* first: so its place in the order is told */
	if (!message.size || uplink->unsaid || !has_urgent_room(uplink, message.size) ||
		sender_push(sender, message)) {
		count_lost(uplink, message.size ? message.data[0] : 0);
		return false;
	}
	sender_relax(sender);
	return true;
}

/* ---- what comes in ------------------------------------------------------------------------- */

static void take_ack(struct uplink *uplink, struct instant now, const struct record *record)
{
	const struct record_ack *ack = &record->ack;
	int err = record->stream < STREAM_COUNT
		? sender_ack(uplink->senders[record->stream], now, ack)
		: -EPROTO;

	if (err == -ESTALE) {
		uplink->restarted = true;
		uplink_restart_streams(uplink);
	}
	if (err)
		return;
	uplink->epoch = uplink->session_epoch;
	uplink->restarted = false;
	if (!uplink->session_enrols || uplink->status.enrolled || !ack->durable)
		return;
	uplink->status.enrolled = true;
	keys_agent_psk(uplink->config.token_secret, uplink->self.key.public, uplink->config.psk);
}

/*
 * What the CMA's clock says now. The record may have been held up on its way: its session was so
 * old at the CMA when it was sent, and is so much older here now.
 */
static uint64_t cma_clock(
	const struct uplink *uplink, struct instant now, const struct record_command *command)
{
	int64_t age_ms = instant_sub(now, uplink->session.since) / NS_PER_MS;
	uint64_t late_ms = age_ms > 0 && (uint64_t)age_ms > command->age_ms
		? (uint64_t)age_ms - command->age_ms
		: 0;

	return command->now_ms + late_ms;
}

static void take_command(
	struct uplink *uplink, struct instant now, const struct record_command *command)
{
	if (uplink->config.command)
		uplink->config.command(
			uplink->config.owner, cma_clock(uplink, now, command), command->warrant);
}

/*
 * Only what the root signed counts, and only if it is newer than what we have. It is kept with the
 * enrolment: until there is one it is left, and comes again.
 */
static void take_new_key(struct uplink *uplink, const struct record_new_key *record)
{
	struct uplink_config *config = &uplink->config;
	struct certificate certificate;

	if (!config->has_root || !uplink->status.enrolled ||
		certificate_open(record->certificate, config->root, &certificate) ||
		certificate.serial <= config->serial)
		return;
	config->serial = certificate.serial;
	memcpy(config->cma, certificate.key, sizeof(config->cma));
	memcpy(uplink->certificate, record->certificate, sizeof(uplink->certificate));
	uplink->status.new_keys++;
	uplink->rekey = true;
}

static void take_record(struct uplink *uplink, struct instant now, const struct record *record)
{
	switch (record->kind) {
	case RECORD_ACK:
		take_ack(uplink, now, record);
		break;
	case RECORD_WANT:
		outbox_want(&uplink->outbox, &record->want);
		break;
	case RECORD_RESET_TOKEN:
		memcpy(uplink->reset_token, record->reset_token.token, sizeof(uplink->reset_token));
		uplink->has_reset_token = true;
		break;
	case RECORD_COMMAND:
		take_command(uplink, now, &record->command);
		break;
	case RECORD_NEW_KEY:
		take_new_key(uplink, &record->new_key);
		break;
	case RECORD_RING:
		if (uplink->config.ring)
			uplink->config.ring(uplink->config.owner, now, &record->ring);
		break;
	case RECORD_FRAGMENT:
	case RECORD_BYE:
	case RECORD_HELD:
	case RECORD_UNKNOWN:
		break;
	}
}

static void take_data(struct uplink *uplink, struct instant now, const struct packet *p)
{
	uint8_t memory[PACKET_DATA_MAX];
	struct record record;
	struct reader check;
	struct reader r;
	struct span plain;

	if (!uplink->up || p->receiver != uplink->session.local ||
		session_open(&uplink->session, p, memory, &plain)) {
		uplink->status.ignored++;
		return;
	}
	/* The other end is there. */
	uplink->stale = false;
	uplink->unheard_held = false;
	if (uplink->call.active && !uplink_is_old(uplink, now)) {
		uplink_call_end(uplink);
		uplink->status.calls = 0;
		uplink->unheard = 0;
	}
	check = reader_of(plain);
	while (record_next(&check, &record))
		continue;
	r = reader_of(plain);
	/* An acknowledgement can end the session. */
	while (!check.failed && uplink->up && record_next(&r, &record))
		take_record(uplink, now, &record);
}

static void take_unknown(struct uplink *uplink, const struct packet *p)
{
	if (!uplink->up || !uplink->has_reset_token ||
		!session_is_reset(&uplink->session, uplink->reset_token, p)) {
		uplink->status.ignored++;
		return;
	}
	uplink->status.resets += !uplink->stale;
	uplink->stale = true;
	uplink->summoned = true;
}

void uplink_input(struct uplink *uplink, struct instant now, struct span datagram)
{
	struct packet p;

	if (packet_decode(datagram, &p)) {
		uplink->status.ignored++;
		return;
	}
	switch (p.type) {
	case PACKET_RESP:
		uplink_call_answered(uplink, now, &p);
		break;
	case PACKET_RETRY:
		uplink_call_postponed(uplink, now, &p);
		break;
	case PACKET_DATA:
		take_data(uplink, now, &p);
		break;
	case PACKET_UNKNOWN:
		take_unknown(uplink, &p);
		break;
	case PACKET_INIT:
	case PACKET_BEAT:
	case PACKET_ECHO:
		uplink->status.ignored++;
		break;
	}
}

/* ---- what goes out ------------------------------------------------------------------------- */

/* From the tracker into the stream, as late as possible: what waits there is coalesced. */
static void refill(struct uplink *uplink)
{
	struct sender *sender = uplink->senders[STREAM_STATE];
	struct writer message = writer_growing(MESSAGE_LIMIT);

	tell_lost(uplink);
	while (has_room(uplink) && outbox_pending(&uplink->outbox)) {
		enum message_kind kind;

		writer_reset(&message);
		kind = outbox_next(&uplink->outbox, &message);
		if (sender_push(sender, writer_span(&message)))
			abort(); /* cannot be: it is smaller than any limit */
		if (kind == MESSAGE_DIGEST)
			outbox_digest_sent(&uplink->outbox, sender_last(sender));
		uplink->status.told++;
	}
	writer_free(&message);
	if (!outbox_pending(&uplink->outbox))
		sender_relax(sender);
}

/* Beside what goes out anyway, if there is room, else in the next packet. */
static bool put_held(struct uplink *uplink, struct instant now, struct writer *plain)
{
	struct record held = { .kind = RECORD_HELD, .held = uplink->held };

	uplink->tell_held = uplink->holds && plain->size + HELD_SIZE > PACKET_DATA_MAX;
	if (!uplink->holds || uplink->tell_held)
		return false;
	held.held.clock_ms = (uint64_t)(now.ns / NS_PER_MS);
	record_encode(plain, &held);
	return true;
}

static size_t send_data(struct uplink *uplink, struct instant now, uint8_t *datagram)
{
	uint8_t memory[PACKET_DATA_MAX];
	struct writer plain = writer_over(memory, sizeof(memory));
	struct writer to = writer_over(datagram, PACKET_MAX);
	struct record bye = { .kind = RECORD_BYE };
	bool says;

	refill(uplink);
	if (uplink->leave)
		record_encode(&plain, &bye);
	while (sender_output(uplink->senders[STREAM_URGENT], now, &plain))
		continue;
	while (sender_output(uplink->senders[STREAM_STATE], now, &plain))
		continue;
	says = plain.size || uplink->confirm;
	if (uplink->tell_held || (says && uplink->unheard_held))
		says = put_held(uplink, now, &plain) || says;
	if (!says)
		return 0;
	if (session_seal(&uplink->session, writer_span(&plain), &to)) {
		uplink->stale = true; /* it is used up; what was in there is sent again */
		return 0;
	}
	uplink->confirm = false;
	uplink->leave -= uplink->leave > 0;
	return to.size;
}

size_t uplink_output(struct uplink *uplink, struct instant now, uint8_t datagram[PACKET_MAX])
{
	size_t size = 0;

	if (!uplink->ready)
		return 0;
	if (wants_to_tell(uplink) && uplink_call_due(uplink, now))
		size = uplink_call_output(uplink, now, datagram);
	if (!size && uplink->up && !uplink->stale)
		size = send_data(uplink, now, datagram);
	return size;
}

struct instant uplink_deadline(const struct uplink *uplink)
{
	const struct instant at_once = { 0 };
	struct instant first = INSTANT_NEVER;
	bool tells = uplink->up && !uplink->stale;

	if (!uplink->ready)
		return INSTANT_NEVER;
	if (tells &&
		(uplink->confirm || uplink->leave || uplink->tell_held ||
			(uplink->unsaid && has_urgent_room(uplink, LOST_SIZE)) ||
			(outbox_pending(&uplink->outbox) && has_room(uplink))))
		return at_once;
	if (tells) {
		first = instant_first(sender_deadline(uplink->senders[STREAM_URGENT]),
			sender_deadline(uplink->senders[STREAM_STATE]));
		first = instant_first(
			first, instant_add(uplink_unanswered(uplink), UNANSWERED_MAX));
	}
	if (!wants_to_tell(uplink))
		return first;
	if (uplink->call.active || uplink->refused)
		return instant_first(first, uplink->call.timer);
	return tells ? first : at_once;
}

const uint8_t *uplink_certificate(const struct uplink *uplink)
{
	return uplink->certificate;
}

const struct uplink_status *uplink_status(struct uplink *uplink)
{
	struct uplink_status *status = &uplink->status;

	status->state = uplink->up && !uplink->stale	 ? UPLINK_UP
		: wants_to_tell(uplink) && uplink->ready ? UPLINK_CALLING
							 : UPLINK_IDLE;
	status->settled = uplink->ready && !wants_to_tell(uplink);
	status->incarnation = uplink->incarnation;
	status->durable = sender_durable(uplink->senders[STREAM_STATE]);
	status->waiting = sender_bytes(uplink->senders[STREAM_STATE]) +
		sender_bytes(uplink->senders[STREAM_URGENT]);
	return status;
}
