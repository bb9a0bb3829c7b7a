// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/keys.h"
#include "wire/message.h"

enum {
	/* The stream holds no more than this at a time: what waits in the tracker is coalesced. */
	MESSAGES_MAX = STREAM_WINDOW_FIRST,
	BYTES_MAX = 64 << 10,
	/* A message: one fact of the greatest size is allowed to exceed what outbox.c aims for. */
	MESSAGE_LIMIT = 1 << 20,
};

uint64_t uplink_random(struct uplink *uplink)
{
	uint64_t value = 0;

	while (!value)
		uplink->config.random(uplink->config.owner, &value, sizeof(value));
	return value;
}

void uplink_start_stream(struct uplink *uplink)
{
	uplink->incarnation = uplink_random(uplink);
	sender_reset(uplink->sender);
	outbox_start(&uplink->outbox, uplink->config.tracker, uplink->config.boot);
}

struct uplink *uplink_new(const struct uplink_config *config)
{
	struct uplink *uplink = mem_alloc(1, sizeof(*uplink));

	uplink->config = *config;
	uplink->status.enrolled = config->enrolled;
	session_self_init(&uplink->self, &config->key);
	uplink->sender = sender_new(config->random, config->owner);
	uplink_start_stream(uplink);
	return uplink;
}

void uplink_free(struct uplink *uplink)
{
	if (!uplink)
		return;
	sender_free(uplink->sender);
	seal_wipe(uplink, sizeof(*uplink));
	free(uplink);
}

void uplink_ready(struct uplink *uplink)
{
	uplink->ready = true;
}

void uplink_leave(struct uplink *uplink)
{
	uplink->leave = uplink->up && !uplink->stale;
}

static bool wants_to_tell(const struct uplink *uplink)
{
	return outbox_pending(&uplink->outbox) || sender_messages(uplink->sender);
}

static bool has_room(const struct uplink *uplink)
{
	return sender_messages(uplink->sender) < MESSAGES_MAX &&
		sender_bytes(uplink->sender) < BYTES_MAX;
}

/* ---- what comes in ----------------------------------------------------------------------------
 */

static void take_ack(struct uplink *uplink, struct instant now, const struct record_ack *ack)
{
	if (sender_ack(uplink->sender, now, ack))
		return;
	uplink->epoch = uplink->session_epoch;
	if (!uplink->session_enrols || uplink->status.enrolled || !ack->durable)
		return;
	uplink->status.enrolled = true;
	keys_agent_psk(uplink->config.token_secret, uplink->self.key.public, uplink->config.psk);
}

static void take_record(struct uplink *uplink, struct instant now, const struct record *record)
{
	switch (record->kind) {
	case RECORD_ACK:
		take_ack(uplink, now, &record->ack);
		break;
	case RECORD_WANT:
		outbox_want(&uplink->outbox, &record->want);
		break;
	case RECORD_RESET_TOKEN:
		memcpy(uplink->reset_token, record->reset_token.token, sizeof(uplink->reset_token));
		uplink->has_reset_token = true;
		break;
	case RECORD_FRAGMENT:
	case RECORD_BYE:
	case RECORD_COMMAND:
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
	if (uplink->call.active && !session_is_old(&uplink->session, now)) {
		uplink_call_end(uplink);
		uplink->status.calls = 0;
		uplink->unheard = 0;
	}
	check = reader_of(plain);
	while (record_next(&check, &record))
		continue;
	r = reader_of(plain);
	while (!check.failed && record_next(&r, &record))
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
		uplink->status.ignored++;
		break;
	}
}

/* ---- what goes out ----------------------------------------------------------------------------
 */

/* From the tracker into the stream, as late as possible: what waits there is coalesced. */
static void refill(struct uplink *uplink)
{
	struct writer message = writer_growing(MESSAGE_LIMIT);

	while (has_room(uplink) && outbox_pending(&uplink->outbox)) {
		enum message_kind kind;

		writer_reset(&message);
		kind = outbox_next(&uplink->outbox, &message);
		if (sender_push(uplink->sender, writer_span(&message), false))
			abort(); /* cannot be: it is smaller than any limit */
		if (kind == MESSAGE_DIGEST)
			outbox_digest_sent(&uplink->outbox, sender_last(uplink->sender));
		uplink->status.told++;
	}
	writer_free(&message);
	if (!outbox_pending(&uplink->outbox))
		sender_relax(uplink->sender);
}

static size_t send_data(struct uplink *uplink, struct instant now, uint8_t *datagram)
{
	uint8_t memory[PACKET_DATA_MAX];
	struct writer plain = writer_over(memory, sizeof(memory));
	struct writer to = writer_over(datagram, PACKET_MAX);
	struct record bye = { .kind = RECORD_BYE };

	refill(uplink);
	if (uplink->leave)
		record_encode(&plain, &bye);
	while (sender_output(uplink->sender, now, &plain))
		continue;
	if (!plain.size && !uplink->confirm)
		return 0;
	if (session_seal(&uplink->session, writer_span(&plain), &to)) {
		uplink->stale = true; /* it is used up; what was in there is sent again */
		return 0;
	}
	uplink->confirm = false;
	uplink->leave = false;
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
		(uplink->confirm || uplink->leave ||
			(outbox_pending(&uplink->outbox) && has_room(uplink))))
		return at_once;
	if (tells) {
		first = sender_deadline(uplink->sender);
		first = instant_first(
			first, instant_add(sender_unanswered(uplink->sender), UNANSWERED_MAX));
	}
	if (!wants_to_tell(uplink))
		return first;
	if (uplink->call.active || uplink->refused)
		return instant_first(first, uplink->call.timer);
	return tells ? first : at_once;
}

const struct uplink_status *uplink_status(struct uplink *uplink)
{
	struct uplink_status *status = &uplink->status;

	status->state = uplink->up && !uplink->stale	 ? UPLINK_UP
		: wants_to_tell(uplink) && uplink->ready ? UPLINK_CALLING
							 : UPLINK_IDLE;
	status->settled = uplink->ready && !wants_to_tell(uplink);
	status->incarnation = uplink->incarnation;
	status->durable = sender_durable(uplink->sender);
	status->waiting = sender_bytes(uplink->sender);
	return status;
}
