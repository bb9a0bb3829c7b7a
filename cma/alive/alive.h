/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_ALIVE_H
#define CMA_ALIVE_ALIVE_H
/*
 * Who is alive, who watches whom, and what failed. Pure, one thread (the network thread); time,
 * bytes and randomness are arguments. It holds the plan of the rings (ringplan.h), what is asked of
 * each agent that is accused (inquiry.h), and the open incidents (fault.h). What it decides goes to
 * the store as events (event.h), and comes back from there at the next start.
 *
 *	a session, a sight, a place, a datagram, or the deadline:
 *		alive_...(...)
 *		while ((size = alive_output(alive, now, &to, datagram)))
 *			send it from the socket that probes
 *		while (alive_take(alive, &event))
 *			queue it for the store
 *		while (alive_take_list(alive, &id, &list))
 *			give it to the hub to tell
 *		arm one timer for alive_deadline(alive)
 *
 * Agents are named by the id that the hub gave (never 0); switches, ports and subnets by the id of
 * their node in the graph. An id that was not added is ignored by all inputs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/instant.h"
#include "cma/alive/event.h"
#include "cma/alive/ring_list.h"
#include "wire/beat.h"

struct alive;

struct alive_config {
	uint8_t secret[SEAL_KEY]; /* of the rings: keys of edges and of probes come from it */
	unsigned degree;	  /* neighbours of an agent: 2 or 4 */
	uint16_t interval_ms;	  /* between two beats; 1000 */
	uint32_t next_edge;	  /* greater than any edge that ever was; at least 1 */
	uint64_t seed;		  /* of the choices of the plan */
	/* The public key of an agent, SEAL_KEY bytes, valid during the call; NULL: unknown. */
	const uint8_t *(*public_key)(void *owner, uint64_t id);
	void (*random)(void *owner, void *to, size_t size); /* that nobody can guess */
	void *owner;
};

struct alive *alive_new(const struct alive_config *config);
void alive_free(struct alive *alive); /* wipes the secret; NULL is fine */

/* ---- the roster: as the store has it before alive_start, new agents later ---- */

void alive_add(struct alive *alive, const struct alive_agent *agent);

/* Both ends were added before. */
void alive_add_edge(struct alive *alive, const struct alive_edge *edge);

/*
 * An incident that is open, and the count hosts that it concerns, all added before. One that
 * nothing supports any more is cleared soon after the start.
 */
void alive_add_incident(struct alive *alive, const struct alive_incident *incident,
	const uint64_t *hosts, size_t count);

/* All is loaded: what is accused is asked, who is watched by nobody gets neighbours. */
void alive_start(struct alive *alive, struct instant now);

/* ---- inputs ---- */

/* A session was proven. */
void alive_here(struct alive *alive, struct instant now, uint64_t id, uint64_t incarnation);
/* HELD came in a session whose other end is at from. */
void alive_held(struct alive *alive, struct instant now, uint64_t id,
	const struct record_held *held, const struct addr *from);
/* It said BYE. */
void alive_left(struct alive *alive, struct instant now, uint64_t id);
void alive_revoked(struct alive *alive, struct instant now, uint64_t id, bool revoked);
/* Its DIGEST told which boot of the host it is. */
void alive_boot(struct alive *alive, struct instant now, uint64_t id, uint64_t boot);
/* The graph learned where it is plugged in. */
void alive_place(
	struct alive *alive, struct instant now, uint64_t id, const struct alive_place *place);
/* SIGHT came. Only what is said of an edge of its own counts. */
void alive_sight(
	struct alive *alive, struct instant now, uint64_t id, const struct message_sight *sight);
/* A BEAT or ECHO that came to the socket that probes. */
void alive_input(
	struct alive *alive, struct instant now, const struct addr *from, struct span datagram);
/* The host at this address said that nobody listens on the port (ICMP port unreachable). */
void alive_refused(struct alive *alive, struct instant now, const struct addr *address);

/* ---- outputs ---- */

/* The next datagram to send from the socket that probes: its size, or 0 when there is none now. */
size_t alive_output(struct alive *alive, struct instant now, struct addr *to,
	uint8_t datagram[PACKET_BEAT_SIZE]);
/* What was decided, in order. */
bool alive_take(struct alive *alive, struct alive_event *event);
/* An agent that is to be told this list, until it holds that version. */
bool alive_take_list(struct alive *alive, uint64_t *id, struct ring_list *list);
struct instant alive_deadline(const struct alive *alive);

const struct alive_counters *alive_counters(const struct alive *alive);

#endif
