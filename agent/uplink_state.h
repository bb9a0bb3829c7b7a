/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_UPLINK_STATE_H
#define AGENT_UPLINK_STATE_H
/* The inside of the uplink, for uplink.c (the session and its stream) and uplink_call.c. */
#include "agent/outbox.h"
#include "agent/uplink.h"
#include "wire/cookie.h"
#include "wire/sender.h"

#define UNANSWERED_MAX (15 * NS_PER_SEC) /* then the session is taken to be dead */

/* A call under way: one INIT, sent until it is answered. */
struct call {
	bool active;
	bool enrols;
	bool postponed; /* by a RETRY, since it was sent last */
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
	uint64_t begun; /* so many times were streams */
	uint64_t epoch; /* of the CMA that acknowledged last */
	struct outbox outbox;
	struct sender *senders[STREAM_COUNT];
	uint64_t unsaid;     /* urgent messages that were lost and that no LOST has told of yet, */
	uint8_t unsaid_kind; /* all of this kind; 0: of several */
	struct call call;
	unsigned unheard;	     /* INITs sent since the CMA last showed that it is there */
	struct instant cookie_until; /* cookie is one before that */
	uint8_t cookie[COOKIE_SIZE];
	struct instant refused_since; /* 0: it was not */
	bool restarted;		      /* the stream is new because the CMA said so */
	uint64_t before;	      /* the incarnation before, then */
	bool refused;		      /* the last call was; the next is at call.timer */
	bool up;		      /* session is one */
	uint8_t leave;		      /* so many BYEs are due */
	bool stale;	   /* but its other end seems to be gone: only listen, and call */
	bool summoned;	   /* the other end wants us to call, though there may be nothing to tell */
	bool rekey;	   /* the CMA has another key than when session began: call again */
	bool confirm;	   /* its other end waits for a first DATA */
	bool holds;	   /* held is set, */
	bool tell_held;	   /* is to be told now, */
	bool unheard_held; /* and in what is sent before the CMA shows that it hears us */
	struct record_held held;
	bool ready;
	bool has_reset_token;
	uint8_t reset_token[SESSION_TOKEN];
	uint64_t session_epoch;
	bool session_enrols;
	uint8_t certificate[CERTIFICATE_SIZE]; /* of config.cma, once it was replaced */
	struct session session;
};

/* Not 0. */
uint64_t uplink_random(struct uplink *uplink);
/*
 * A new incarnation: the CMA compares digests and asks for what it lacks, and is told again what is
 * urgent and was not durable.
 */
void uplink_start_streams(struct uplink *uplink);
/* The CMA has lost something that it had acknowledged. */
void uplink_restart_streams(struct uplink *uplink);
/* When the first fragment without an answer was sent; INSTANT_NEVER. */
struct instant uplink_unanswered(const struct uplink *uplink);

/* The session is used up, or of a key that the CMA gives up: time for another. */
bool uplink_is_old(const struct uplink *uplink, struct instant now);

/* ---- uplink_call.c: from INIT to a session ---- */

/* Is it time to send an INIT? Finds out, too, that the session is dead. */
bool uplink_call_due(struct uplink *uplink, struct instant now);
/* An INIT: its size, or 0 when there is nothing to prove ourselves with. */
size_t uplink_call_output(struct uplink *uplink, struct instant now, uint8_t datagram[PACKET_MAX]);
/* p is a RESP. */
void uplink_call_answered(struct uplink *uplink, struct instant now, const struct packet *p);
/* p is a RETRY. */
void uplink_call_postponed(struct uplink *uplink, struct instant now, const struct packet *p);
void uplink_call_end(struct uplink *uplink);

#endif
