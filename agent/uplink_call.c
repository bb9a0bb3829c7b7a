// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink_state.h"

#include <errno.h>
#include <string.h>

#include "wire/keys.h"

#define CALL_FIRST    (1 * NS_PER_SEC) /* until INIT is sent again; doubles */
#define CALL_MAX      (60 * NS_PER_SEC)
#define CALL_REFUSED  (300 * NS_PER_SEC)
#define REFUSED_FIRST (5 * NS_PER_SEC)
#define CALL_QUEUED   (4 * NS_PER_SEC)	/* with a cookie: the CMA is busy, it may take a while */
#define CALL_SPREAD   (100 * NS_PER_MS) /* of those who are told to come at one time */

enum {
	CALL_SENDS = 3,	     /* of one INIT; then a new one */
	CALLS_UNDOUBTED = 6, /* INITs without an answer; then the CMA may have lost us */
};

void uplink_call_end(struct uplink *uplink)
{
	seal_wipe(&uplink->call, sizeof(uplink->call));
}

static bool may_enrol(const struct uplink *uplink)
{
	return uplink->config.has_token || uplink->config.asks;
}

/* Does the CMA know us? Then each INIT is made anew, and every second one enrols again. */
static bool is_in_doubt(const struct uplink *uplink)
{
	return may_enrol(uplink) && uplink->status.enrolled &&
		uplink->status.calls >= CALLS_UNDOUBTED;
}

/* With our own psk if the CMA should know us, else with the token's. */
static bool next_call_enrols(const struct uplink *uplink)
{
	if (is_in_doubt(uplink))
		return uplink->status.calls % 2 == 0;
	return may_enrol(uplink) && !uplink->status.enrolled;
}

static int make_call(struct uplink *uplink)
{
	struct call *call = &uplink->call;
	struct session_hello hello = {
		.incarnation = uplink->incarnation,
		.enrol = next_call_enrols(uplink),
		.restarted = uplink->restarted,
		.epoch = uplink->restarted ? uplink->before : uplink->epoch,
		.seq = sender_durable(uplink->senders[STREAM_STATE]),
	};
	uint8_t ephemeral[SEAL_KEY];
	int err;

	if (!hello.enrol && !uplink->status.enrolled)
		return -ENOKEY;
	memcpy(hello.token_id, uplink->config.token_id, sizeof(hello.token_id));
	uplink->config.random(uplink->config.owner, ephemeral, sizeof(ephemeral));
	err = session_call(&call->noise, &uplink->self, uplink->config.cma, ephemeral,
		(uint32_t)uplink_random(uplink), &hello, call->init);
	seal_wipe(ephemeral, sizeof(ephemeral));
	if (err)
		return err;
	call->active = true;
	call->enrols = hello.enrol;
	call->sends = 0;
	return 0;
}

static bool has_cookie(const struct uplink *uplink, struct instant now)
{
	return instant_before(now, uplink->cookie_until);
}

static int64_t random_below(struct uplink *uplink, int64_t limit)
{
	return (int64_t)(uplink_random(uplink) % (uint64_t)limit);
}

/* The wait before the next INIT: doubles, with full jitter. */
static int64_t call_wait(struct uplink *uplink, struct instant now)
{
	unsigned doublings = uplink->unheard < 8 ? uplink->unheard : 8;
	int64_t most = CALL_FIRST << doublings;

	if (!uplink->unheard)
		return has_cookie(uplink, now) ? CALL_QUEUED + random_below(uplink, CALL_QUEUED)
					       : CALL_FIRST;
	if (most > CALL_MAX)
		most = CALL_MAX;
	return CALL_FIRST / 2 + random_below(uplink, most - CALL_FIRST / 2);
}

size_t uplink_call_output(struct uplink *uplink, struct instant now, uint8_t datagram[PACKET_MAX])
{
	struct call *call = &uplink->call;

	if (call->active && (call->sends >= CALL_SENDS || is_in_doubt(uplink)))
		uplink_call_end(uplink);
	if (!call->active && make_call(uplink)) {
		uplink->refused = true; /* by ourselves: there is no secret, or no such key */
		call->timer = instant_add(now, CALL_REFUSED);
		return 0;
	}
	uplink->refused = false;
	call->timer = instant_add(now, call_wait(uplink, now));
	call->postponed = false;
	call->sends++;
	uplink->unheard++;
	uplink->status.calls++;
	memcpy(datagram, call->init, PACKET_INIT_SIZE);
	if (has_cookie(uplink, now))
		cookie_sign(uplink->cookie, datagram);
	return PACKET_INIT_SIZE;
}

bool uplink_call_due(struct uplink *uplink, struct instant now)
{
	struct instant unanswered = uplink_unanswered(uplink);

	if (uplink->up && unanswered.ns != INSTANT_NEVER.ns &&
		instant_sub(now, unanswered) >= UNANSWERED_MAX)
		uplink->stale = true;
	if (uplink->call.active || uplink->refused)
		return !instant_before(now, uplink->call.timer);
	return !uplink->up || uplink->stale || uplink_is_old(uplink, now);
}

/*
 * An eighth of how long we are refused already, from 5 s to 300 s, more or less by a quarter: a
 * person who lets us in soon sees us come soon, and nobody is bothered for ever.
 */
static int64_t refused_wait(struct uplink *uplink, struct instant now)
{
	int64_t wait = instant_sub(now, uplink->refused_since) / 8;

	if (wait < REFUSED_FIRST)
		wait = REFUSED_FIRST;
	if (wait > CALL_REFUSED)
		wait = CALL_REFUSED;
	return wait / 4 * 3 + random_below(uplink, wait / 2);
}

static void refused(struct uplink *uplink, struct instant now, enum welcome_refusal refusal)
{
	uplink_call_end(uplink);
	if (!uplink->refused_since.ns)
		uplink->refused_since = now;
	uplink->refused = true;
	uplink->status.refusal = refusal;
	uplink->call.timer = instant_add(now, refused_wait(uplink, now));
}

/* Once for each INIT: whoever could repeat it would keep us waiting for ever. */
void uplink_call_postponed(struct uplink *uplink, struct instant now, const struct packet *p)
{
	struct call *call = &uplink->call;
	struct cookie_reply reply;
	int64_t wait;

	if (!call->active || call->postponed || p->receiver != call->noise.local ||
		cookie_open(uplink->config.cma, call->init, p, &reply)) {
		uplink->status.ignored++;
		return;
	}
	wait = reply.after_ms * NS_PER_MS;
	if (wait > CALL_MAX)
		wait = CALL_MAX;
	memcpy(uplink->cookie, reply.cookie, sizeof(uplink->cookie));
	uplink->cookie_until = instant_add(now, COOKIE_LIFE_S * NS_PER_SEC);
	call->timer = instant_add(now, wait + random_below(uplink, CALL_SPREAD));
	call->postponed = true;
	uplink->unheard = 0;
	uplink->status.retries++;
}

static bool anything_durable(const struct uplink *uplink)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (sender_durable(uplink->senders[i]))
			return true;
	}
	return false;
}

void uplink_call_answered(struct uplink *uplink, struct instant now, const struct packet *p)
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
	} else if ((welcome.flags & WELCOME_RESTART) && anything_durable(uplink)) {
		/* An enrolment tells nothing of what we were told, so nothing is lost by it. */
		uplink->restarted = !call->enrols;
		uplink_restart_streams(uplink);
	} else {
		uplink->session = session;
		uplink->session_enrols = call->enrols;
		uplink->session_epoch = welcome.epoch;
		uplink->has_reset_token = false;
		uplink->up = true;
		uplink->rekey = false;
		uplink->stale = false;
		uplink->confirm = true;
		uplink->tell_held = false; /* in its first packet anyway */
		uplink->unheard_held = true;
		uplink->summoned = false;
		uplink->status.calls = 0;
		uplink->unheard = 0;
		uplink->status.sessions++;
		uplink->status.refusal = WELCOME_OK;
		uplink->refused_since = (struct instant){ 0 };
		uplink_call_end(uplink);
		for (int i = 0; i < STREAM_COUNT; i++)
			sender_resend(uplink->senders[i], welcome.credit);
	}
	seal_wipe(&session, sizeof(session));
}
