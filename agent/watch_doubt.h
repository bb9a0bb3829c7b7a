/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_DOUBT_H
#define AGENT_WATCH_DOUBT_H
/*
 * Inside of agent/watch.h: connects of UDP sockets (EDGE_PENDING) of which it is not known yet
 * whether anything is sent. The kernel says so when the socket ends soon; one that is open for
 * longer is taken as used.
 */
#include "agent/watch_thing.h"

struct doubt {
	TAILQ_ENTRY(doubt) next;
	struct event_edge event;
	struct instant until;
};
TAILQ_HEAD(doubt_queue, doubt);

/* Holds it; when there are too many, the oldest is told. */
void doubt_add(struct watch *watch, struct instant now, const struct event_edge *event);
/* It is known now: forgets it, if it is held. */
void doubt_end(struct watch *watch, const struct edge_key *key);
/* Tells what is due. */
void doubt_tick(struct watch *watch, struct instant now);
void doubt_free_all(struct watch *watch);

#endif
