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
 *		while (hub_ring_take(hub, &held))
 *			note which list of neighbours an agent holds (hub_ring.h)
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
#include "cma/hub_event.h"
#include "wire/packet.h"

struct hub_counters; /* cma/hub_counters.h */

struct hub;

struct hub_config {
	struct key_pair key;
	uint8_t reset_key[SEAL_KEY]; /* a secret: makes the tokens of UNKNOWN, whatever the key */
	uint64_t epoch;		     /* of this process: greater than any before, and on disk */
	/* Fills to with bytes that nobody can guess: keys come from it. */
	void (*random)(void *owner, void *to, size_t size);
	void *owner;
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
/* The store has committed so many HUB_HERE and HUB_LEFT of the agent. */
void hub_told(struct hub *hub, uint64_t id, unsigned count);
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
/* What the hub calls the agent of that key, and its tenant; -ENOENT. */
struct hub_known {
	uint64_t id;
	uint32_t tenant;
};
int hub_agent_find(const struct hub *hub, const uint8_t key[SEAL_KEY], struct hub_known *known);
/* Its key, valid until the agent is gone; NULL: there is none. */
const uint8_t *hub_agent_key(const struct hub *hub, uint64_t id);
/* Agents known, and those with a session. */
size_t hub_agent_count(const struct hub *hub);
size_t hub_session_count(const struct hub *hub);

#endif
