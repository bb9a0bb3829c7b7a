/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H
/*
 * The nanoprobe's end of NP1: tells the CMA what the tracker holds, once, in order, until the CMA
 * has it on disk. Pure: datagrams, time and randomness are arguments. The event loop does
 *
 *	a datagram came, or the deadline, or the tracker changed:
 *		uplink_input(...) if one came
 *		while ((size = uplink_output(uplink, now, datagram)))
 *			send it
 *		arm one timer for uplink_deadline(uplink)
 *
 * With nothing to tell there is no packet and no deadline. docs/protocol.md has the rules.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/tracker.h"
#include "base/buf.h"
#include "base/instant.h"
#include "wire/certificate.h"
#include "wire/message.h"
#include "wire/packet.h"
#include "wire/session.h"
#include "wire/token.h"
#include "wire/welcome.h"

struct uplink;

struct uplink_config {
	struct key_pair key; /* the agent's own */
	uint8_t cma[SEAL_KEY];
	struct tracker *tracker; /* borrowed; made with the digest key of this agent */
	bool has_root;		 /* the next is set: the CMA's key may be replaced */
	uint8_t root[SIGN_KEY];	 /* that signs its next one */
	uint32_t serial;	 /* of the certificate of cma; 0: it has none */
	uint64_t boot;		 /* a hash of the host's boot id; 0: not known */
	bool has_token;		 /* the next two are set: may enrol */
	uint8_t token_id[TOKEN_ID];
	uint8_t token_secret[SEAL_KEY];
	bool asks;     /* may enrol without a token when a person approves us: the id is 0, and */
	bool enrolled; /* psk is set: an earlier run enrolled (uplink_status.enrolled was true) */
	uint8_t psk[SEAL_KEY];
	/*
	 * Of this run of the nanoprobe, not 0: the upper 48 bits of its incarnations (see
	 * warrant_same_run). 0: made here.
	 */
	uint64_t run;
	/*
	 * An operator's command came, perhaps once more; now_ms is the CMA's clock. The frame is
	 * valid during the call. NULL: they are dropped.
	 */
	void (*command)(void *owner, uint64_t now_ms, struct span warrant);
	/* A list of neighbours came (agent/ring.h), valid during the call. NULL: it is dropped. */
	void (*ring)(void *owner, struct instant now, const struct record_ring *list);
	/* Fills to with bytes that nobody can guess: keys come from it. */
	void (*random)(void *owner, void *to, size_t size);
	void *owner;
};

enum uplink_state {
	UPLINK_IDLE,	/* no session, and nothing to tell */
	UPLINK_CALLING, /* there is something to tell and no answer yet */
	UPLINK_UP,	/* a session */
};

/* For logs and for deciding; counters only grow. */
struct uplink_status {
	enum uplink_state state;
	bool enrolled;		      /* the CMA has us on disk: keep keys_agent_psk of the token */
	enum welcome_refusal refusal; /* the CMA's last answer, when it was a no */
	bool settled;		      /* nothing waits: all is told, and on the CMA's disk */
	bool wrong_secret;	      /* the last answer did not open with our token or psk */
	unsigned calls;		      /* INITs since the last session */
	uint64_t told;		      /* messages that were given to the stream */
	uint64_t incarnation;	      /* of the stream, */
	uint64_t durable;	      /* and the last sequence of it that the CMA has on disk */
	uint64_t waiting;	      /* bytes of messages that it has not */
	uint64_t lost;		      /* urgent messages that found no room; the CMA is told */
	uint64_t sessions;
	uint64_t new_keys; /* of the CMA that were taken: uplink_certificate is to be kept */
	uint64_t resets;   /* sessions ended by a genuine UNKNOWN */
	uint64_t restarts; /* streams begun again because the CMA had lost something */
	uint64_t retries;  /* INITs that a busy CMA told to come back later */
	uint64_t ignored;  /* datagrams that were not genuine, or not for us */
};

/* The config is copied, the tracker is not. End it with uplink_free, which wipes the keys. */
struct uplink *uplink_new(const struct uplink_config *config);
void uplink_free(struct uplink *uplink);

/* The tracker's table is complete for the first time: before this nothing is sent. */
void uplink_ready(struct uplink *uplink);
/*
 * Tells an encoded message ahead of all facts: once, in the order of these calls, kept until the
 * CMA has it on disk, through any restart of the CMA. False: there was no room, which is counted,
 * and a LOST tells of it. A CMA that comes back from a backup is told again what it had not
 * acknowledged: it may have acted on that before, and has to know it by what it says.
 */
bool uplink_urgent(struct uplink *uplink, struct span message);
/* What HELD says from now on, but for the clock, in each session. Before: there is none. */
void uplink_held(struct uplink *uplink, const struct record_held *held);
/* The CMA compares its table with ours again. */
void uplink_resync(struct uplink *uplink);
/* The agent ends: the next three uplink_output say BYE if there is a session, lest it be lost. */
void uplink_leave(struct uplink *uplink);

/* Takes any bytes that came from anywhere. */
void uplink_input(struct uplink *uplink, struct instant now, struct span datagram);
/* The next datagram to send to the CMA: its size, or 0. */
size_t uplink_output(struct uplink *uplink, struct instant now, uint8_t datagram[PACKET_MAX]);
/* When to call uplink_output again if nothing else happens; INSTANT_NEVER. */
struct instant uplink_deadline(const struct uplink *uplink);

/* Of the CMA's key, when status.new_keys says so; valid until the next uplink_input. */
const uint8_t *uplink_certificate(const struct uplink *uplink);
const struct uplink_status *uplink_status(struct uplink *uplink);

#endif
