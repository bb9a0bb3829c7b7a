// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/outbox.h"
#include "base/alloc.h"
#include "wire/keys.h"
#include "wire/message.h"
#include "wire/sender.h"

#define UNANSWERED_MAX (15 * NS_PER_SEC) /* then the session is taken to be dead */
#define CALL_FIRST     (1 * NS_PER_SEC)	 /* until INIT is sent again; doubles */
#define CALL_MAX       (60 * NS_PER_SEC)
#define CALL_REFUSED   (300 * NS_PER_SEC)

enum {
	CALL_SENDS = 3, /* of one INIT; then a new one, with the other secret if there are two */
	/* The stream holds no more than this at a time: what waits in the tracker is coalesced. */
	MESSAGES_MAX = STREAM_WINDOW_FIRST,
	BYTES_MAX = 64 << 10,
	/* A message: one fact of the greatest size is allowed to exceed what outbox.c aims for. */
	MESSAGE_LIMIT = 1 << 20,
};

/* A call under way: one INIT, sent until it is answered. */
struct call {
	bool active;
	bool enrols;
	unsigned sends;
	struct instant timer; /* when to send it again */
	struct session_call noise;
	uint8_t init[PACKET_INIT_SIZE];
};

struct uplink {
	struct uplink_config config;
	struct session_self self;
	struct uplink_status status;
	uint64_t incarnation;
	uint64_t epoch; /* of the CMA that acknowledged last */
	struct outbox outbox;
	struct sender *sender;
	struct call call;
	bool refused; /* the last call was; the next is at call.timer */
	bool up;      /* session is one */
	bool stale;   /* but its other end seems to be gone: only listen, and call */
	bool confirm; /* its other end waits for a first DATA */
	bool leave;   /* BYE is due */
	bool ready;
	bool has_reset_token;
	uint8_t reset_token[SESSION_TOKEN];
	uint64_t session_epoch;
	bool session_enrols;
	struct session session;
};

static uint64_t random_u64(struct uplink *uplink)
{
	uint64_t value = 0;

	while (!value)
		uplink->config.random(uplink->config.owner, &value, sizeof(value));
	return value;
}

/* A new stream: the CMA compares digests and asks for what it lacks. */
static void start_stream(struct uplink *uplink)
{
	uplink->incarnation = random_u64(uplink);
	sender_reset(uplink->sender);
	outbox_start(&uplink->outbox, uplink->config.tracker);
}

struct uplink *uplink_new(const struct uplink_config *config)
{
	struct uplink *uplink = mem_alloc(1, sizeof(*uplink));

	uplink->config = *config;
	uplink->status.enrolled = config->enrolled;
	session_self_init(&uplink->self, &config->key);
	uplink->sender = sender_new(config->random, config->owner);
	start_stream(uplink);
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

/* ---- calling ----------------------------------------------------------------------------------
 */

static void end_call(struct uplink *uplink)
{
	seal_wipe(&uplink->call, sizeof(uplink->call));
}

/*
 * With our own psk if the CMA should know us, else with the token's. When nobody answers for long
 * it may have lost us: then every fourth INIT enrols again.
 */
static bool next_call_enrols(const struct uplink *uplink)
{
	if (!uplink->config.has_token)
		return false;
	return !uplink->status.enrolled || (uplink->status.calls / CALL_SENDS) % 4 == 3;
}

static int make_call(struct uplink *uplink)
{
	struct call *call = &uplink->call;
	struct session_hello hello = {
		.incarnation = uplink->incarnation,
		.enrol = next_call_enrols(uplink),
		.epoch = uplink->epoch,
		.seq = sender_durable(uplink->sender),
	};
	uint8_t ephemeral[SEAL_KEY];
	int err;

	if (!hello.enrol && !uplink->status.enrolled)
		return -ENOKEY;
	memcpy(hello.token_id, uplink->config.token_id, sizeof(hello.token_id));
	uplink->config.random(uplink->config.owner, ephemeral, sizeof(ephemeral));
	err = session_call(&call->noise, &uplink->self, uplink->config.cma, ephemeral,
		(uint32_t)random_u64(uplink), &hello, call->init);
	seal_wipe(ephemeral, sizeof(ephemeral));
	if (err)
		return err;
	call->active = true;
	call->enrols = hello.enrol;
	call->sends = 0;
	return 0;
}

/* The wait before the next INIT: doubles, with full jitter. */
static int64_t call_wait(struct uplink *uplink)
{
	unsigned doublings = uplink->status.calls < 8 ? uplink->status.calls : 8;
	int64_t most = uplink->refused ? CALL_REFUSED : CALL_FIRST << doublings;

	if (!uplink->status.calls && !uplink->refused)
		return CALL_FIRST;
	if (most > CALL_MAX && !uplink->refused)
		most = CALL_MAX;
	return CALL_FIRST / 2 + (int64_t)(random_u64(uplink) % (uint64_t)(most - CALL_FIRST / 2));
}

static size_t send_call(struct uplink *uplink, struct instant now, uint8_t *datagram)
{
	struct call *call = &uplink->call;

	if (call->active && call->sends >= CALL_SENDS)
		end_call(uplink);
	if (!call->active && make_call(uplink)) {
		uplink->refused = true; /* by ourselves: there is no secret, or no such key */
		call->timer = instant_add(now, CALL_REFUSED);
		return 0;
	}
	uplink->refused = false;
	call->timer = instant_add(now, call_wait(uplink));
	call->sends++;
	uplink->status.calls++;
	memcpy(datagram, call->init, PACKET_INIT_SIZE);
	return PACKET_INIT_SIZE;
}

static bool must_call(struct uplink *uplink, struct instant now)
{
	struct instant unanswered = sender_unanswered(uplink->sender);

	if (uplink->up && unanswered.ns != INSTANT_NEVER.ns &&
		instant_sub(now, unanswered) >= UNANSWERED_MAX)
		uplink->stale = true;
	if (uplink->call.active || uplink->refused)
		return !instant_before(now, uplink->call.timer);
	return !uplink->up || uplink->stale || session_is_old(&uplink->session, now);
}

/* ---- what comes in ----------------------------------------------------------------------------
 */

static void refused(struct uplink *uplink, struct instant now, enum welcome_refusal refusal)
{
	end_call(uplink);
	uplink->refused = true;
	uplink->status.refusal = refusal;
	uplink->call.timer = instant_add(now, call_wait(uplink));
}

static void take_resp(struct uplink *uplink, struct instant now, const struct packet *p)
{
	const struct call *call = &uplink->call;
	struct session_welcome welcome;
	struct session session;
	uint8_t psk[SEAL_KEY];
	int err;

	if (!call->active) {
		uplink->status.ignored++;
		return;
	}
	memcpy(psk, call->enrols ? uplink->config.token_secret : uplink->config.psk, sizeof(psk));
	err = session_answered(&call->noise, &uplink->self, psk, p, now, &session, &welcome);
	seal_wipe(psk, sizeof(psk));
	if (err) {
		uplink->status.wrong_secret = uplink->status.wrong_secret || err == -EBADMSG;
		uplink->status.ignored++;
		return;
	}
	uplink->status.wrong_secret = false;
	if (welcome.flags & WELCOME_REFUSAL_MASK) {
		refused(uplink, now, (enum welcome_refusal)(welcome.flags & WELCOME_REFUSAL_MASK));
	} else if ((welcome.flags & WELCOME_RESTART) && sender_durable(uplink->sender)) {
		end_call(uplink);
		start_stream(uplink);
		uplink->up = false;
		uplink->status.restarts++;
	} else {
		uplink->session = session;
		uplink->session_enrols = call->enrols;
		uplink->session_epoch = welcome.epoch;
		uplink->has_reset_token = false;
		uplink->up = true;
		uplink->stale = false;
		uplink->confirm = true;
		uplink->status.calls = 0;
		uplink->status.sessions++;
		uplink->status.refusal = WELCOME_OK;
		end_call(uplink);
		sender_resend(uplink->sender, welcome.credit);
	}
	seal_wipe(&session, sizeof(session));
}

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
		end_call(uplink);
		uplink->status.calls = 0;
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
		take_resp(uplink, now, &p);
		break;
	case PACKET_DATA:
		take_data(uplink, now, &p);
		break;
	case PACKET_UNKNOWN:
		take_unknown(uplink, &p);
		break;
	case PACKET_INIT:
	case PACKET_RETRY:
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
	if (wants_to_tell(uplink) && must_call(uplink, now))
		size = send_call(uplink, now, datagram);
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
