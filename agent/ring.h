/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_RING_H
#define AGENT_RING_H
/*
 * Heartbeats with the neighbours that the CMA named, and what is seen of them. Pure: datagrams,
 * time and randomness are arguments. The event loop does
 *
 *	a datagram came, or the deadline:
 *		ring_input(...) for EVERYTHING that waits in the socket; ring_refused for its errors
 *		while ((size = ring_output(ring, now, &to, datagram)))
 *			send it
 *		while (ring_sight(ring, now, &sight))
 *			tell the CMA
 *		arm one timer for ring_deadline(ring)
 *
 * Silence is judged in ring_sight, so nothing that has already arrived counts as missed. When the
 * loop itself was late by more than an interval (stopped, starved, suspended), all deadlines begin
 * anew, and what is seen is told with our lateness. docs/protocol.md (Heartbeats) has the rules.
 *
 * What is seen of a neighbour starts as SIGHT_HEARD, for each run and each new edge; ring_sight
 * gives what differs from that, and then each change.
 */
#include <stdbool.h>

#include "base/addr.h"
#include "base/instant.h"
#include "wire/beat.h"
#include "wire/message.h"

enum {
	RING_INTERVAL_MIN_MS = 100,
	RING_INTERVAL_MAX_MS = 60000,
};

struct ring;

struct ring_config {
	/* Fills to with bytes that nobody can guess. */
	void (*random)(void *owner, void *to, size_t size);
	void *owner;
};

/* Datagrams; they only grow. */
struct ring_counters {
	uint64_t sent;	       /* beats */
	uint64_t heard;	       /* that proved life */
	uint64_t unproven;     /* genuine, but they echo nothing of ours that is fresh */
	uint64_t repeated;     /* that came before */
	uint64_t reflected;    /* our own */
	uint64_t forged;       /* their MAC is wrong */
	uint64_t unknown_edge; /* not in the list */
	uint64_t malformed;
	uint64_t answered;   /* questions of the CMA */
	uint64_t unanswered; /* more of them than are answered */
	uint64_t refused;    /* beats */
	uint64_t stalls;     /* our own, of more than an interval */
};

/* The config is copied. End it with ring_free, which wipes the keys. */
struct ring *ring_new(const struct ring_config *config);
void ring_free(struct ring *ring);

/*
 * The CMA's list. Edges that were in the list before keep what is known of them; one that has the
 * version of ours changes nothing. -EINVAL: malformed, and nothing changed.
 */
int ring_set(struct ring *ring, struct instant now, const struct record_ring *record)
	__attribute__((warn_unused_result));
uint64_t ring_version(const struct ring *ring); /* 0: no list yet */
uint64_t ring_echo(const struct ring *ring);	/* what an ECHO for this host holds; 0: no list */

/* Takes any bytes that came from anywhere. */
void ring_input(
	struct ring *ring, struct instant now, const struct addr *from, struct span datagram);
/* The host at this address said that nobody listens on the port. */
void ring_refused(struct ring *ring, struct instant now, const struct addr *address);
/* The next datagram and where to send it; 0 when there is none now. */
size_t ring_output(
	struct ring *ring, struct instant now, struct addr *to, uint8_t datagram[PACKET_BEAT_SIZE]);
/* The next thing to tell the CMA; false: nothing. */
bool ring_sight(struct ring *ring, struct instant now, struct message_sight *sight);
/* When to go on if nothing else happens; INSTANT_NEVER. */
struct instant ring_deadline(const struct ring *ring);

const struct ring_counters *ring_counters(const struct ring *ring);

#endif
