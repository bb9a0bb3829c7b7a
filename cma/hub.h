/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_H
#define CMA_HUB_H
/*
 * The CMA's end of NP1 for all agents: who is known (the roster, in memory), their sessions, and
 * their streams put back in order. Pure: datagrams, time and randomness are arguments; one thread.
 * The event loop does
 *
 *	datagrams came, or the deadline, or the store committed:
 *		hub_input(...) for each
 *		hub_work(hub, now) a few times, while it says that there is more
 *		while (hub_take(hub, &event))
 *			queue the event for the store, in this order
 *		while ((size = hub_output(hub, now, &to, datagram)))
 *			send it
 *		arm one timer for hub_deadline(hub)
 *
 * The store acts on events in order, in transactions; when one has reached the disk, the loop calls
 * hub_committed for each agent in it, and only that lets an acknowledgement go out. Effects happen
 * once: a message is handed out once per process, and after a crash the store, which keeps the last
 * sequence of each agent's incarnation, skips what it has.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/instant.h"
#include "wire/noise.h"
#include "wire/packet.h"
#include "wire/stream.h"
#include "wire/token.h"

struct hub_counters; /* cma/hub_counters.h */

struct hub;

struct hub_config {
	struct key_pair key;
	uint64_t epoch; /* of this process: greater than any before, and on disk */
	/* Fills to with bytes that nobody can guess: keys come from it. */
	void (*random)(void *owner, void *to, size_t size);
	void *owner;
};

/* What the store keeps of a token and of an agent. */
struct hub_token {
	uint8_t id[TOKEN_ID];
	uint8_t secret[SEAL_KEY];
	uint32_t tenant;    /* any number, the same for all of one tenant */
	uint32_t uses;	    /* agents that may yet enrol with it */
	int64_t expires_ms; /* wall time */
};

struct hub_agent {
	uint64_t id; /* not 0; the hub names those that enrol */
	uint8_t key[SEAL_KEY];
	uint8_t psk[SEAL_KEY];
	uint32_t tenant;
	uint16_t want; /* sections that the last digest asked for and that are not here yet */
	uint64_t want_digest;		/* sequence of that digest */
	uint64_t incarnation;		/* that was heard last, */
	uint64_t durable[STREAM_COUNT]; /* and how much of its streams is committed */
};

enum hub_event_kind {
	/* An agent proved a token: store it (new id, or new psk of a known one), use the token. */
	HUB_ENROL,
	/* Act on bytes, a message (wire/message.h), unless that sequence was committed before. */
	HUB_MESSAGE,
	HUB_HERE, /* a session was proven: the host is up */
	HUB_LEFT, /* it said goodbye */
	/* A command expired, and there is no result; bytes are its warrant: it could not be sent, */
	HUB_UNREACHED,
	HUB_UNANSWERED, /* or it was. These four only tell: nothing is acknowledged for them */
};

struct hub_event {
	enum hub_event_kind kind;
	struct hub_agent agent; /* HUB_ENROL */
	uint8_t token[TOKEN_ID];
	uint64_t id; /* of the agent, but for HUB_ENROL */
	uint64_t incarnation;
	enum stream stream;
	uint64_t sequence; /* of its last fragment: what to commit with it */
	uint8_t *bytes;	   /* owned: hub_event_free. As received when it could not be inflated, */
	size_t size;	   /* which the store finds out and quarantines, like any bad message */
};

/* hub_free wipes the keys. */
struct hub *hub_new(const struct hub_config *config);
void hub_free(struct hub *hub);

/* Load the roster at start, and keep it up to date. The structs are copied. */
void hub_add_token(struct hub *hub, const struct hub_token *token);
void hub_add_agent(struct hub *hub, const struct hub_agent *agent);

/* Takes any bytes that came from anywhere; now_ms is wall time, for the expiry of tokens. */
void hub_input(struct hub *hub, struct instant now, int64_t now_ms, const struct addr *from,
	struct span datagram);
/*
 * Answers one INIT, which is costly: they wait for this (cma/gate.h). False when none waits. While
 * some do, hub_deadline is at once.
 */
bool hub_work(struct hub *hub, struct instant now);
/* The next event, in order. The caller ends it with hub_event_free. */
bool hub_take(struct hub *hub, struct hub_event *event);
void hub_event_free(struct hub_event *event);
/* What the store has of an agent after a commit. */
struct hub_commit {
	uint64_t id, incarnation;
	uint64_t durable[STREAM_COUNT];
	uint16_t want;
	uint64_t want_digest;
};

/*
 * The agent's streams are on disk so far, and its HUB_ENROL if there was one. An older incarnation
 * is ignored.
 */
void hub_committed(struct hub *hub, const struct hub_commit *commit);
/*
 * The store could not commit and has forgotten every message handed out since the last
 * hub_committed: agents will send them again.
 */
void hub_rolled_back(struct hub *hub);
/* The next datagram to send: its size, or 0 when there is none now. */
size_t hub_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX]);
struct instant hub_deadline(const struct hub *hub);

const struct hub_counters *hub_counters(const struct hub *hub);
/* Agents known, and those with a session. */
size_t hub_agent_count(const struct hub *hub);
size_t hub_session_count(const struct hub *hub);

#endif
