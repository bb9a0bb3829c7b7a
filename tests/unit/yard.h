/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_YARD_H
#define TESTS_UNIT_YARD_H
/*
 * An arbiter and a small estate in memory: hosts behind switches that answer, watch each other (a
 * neighbour is silent 5.2 s after it was heard last) and tell, or do not, as the test says.
 */
#include "cma/alive/alive.h"

enum { YARD_HOSTS = 64, YARD_EDGES = 1024, YARD_EVENTS = 4096, YARD_ALONE = 1000, YARD_QUEUE = 16 };

struct yard_host {
	bool kernel, agent;   /* alive */
	bool closed;	      /* nobody listens on its port */
	bool walled;	      /* its kernel does not say that of a port */
	bool reflects;	      /* it answers echo requests */
	unsigned int segment; /* those in one hear each other; the CMA is in 0 */
	uint64_t boot, incarnation;
	struct alive_place place;
};

struct yard_edge {
	uint32_t edge;
	bool gone;
	struct {
		size_t host;
		enum sight sight;	      /* of the other end */
		enum sight queue[YARD_QUEUE]; /* that is not told yet */
		size_t queued;
		struct instant heard;
	} end[2];
};

struct yard {
	struct alive *alive;
	struct instant now;
	uint64_t seed;
	size_t count;
	struct yard_host hosts[YARD_HOSTS];
	bool blocked[YARD_HOSTS][YARD_HOSTS]; /* from, to */
	struct yard_edge edges[YARD_EDGES];
	size_t edge_count;
	struct alive_event events[YARD_EVENTS];
	size_t event_count;
	size_t questions;
	uint8_t health; /* of all accusers, and */
	uint8_t misses; /* what they needed */
	bool replays;	/* somebody answers for the dead with what was recorded */
	uint8_t recorded[YARD_HOSTS][PACKET_BEAT_SIZE];
};

/* per_switch hosts behind each switch (0: nothing is known of places); all have told of themselves.
 */
void yard_begin(struct yard *yard, size_t hosts, size_t per_switch, unsigned int degree);
void yard_end(struct yard *yard);
/*
 * Another process of the CMA, with what the events (since yard_forget) left in the store; degree 2,
 * and what ends of edges saw so far has been told.
 */
void yard_restart(struct yard *yard);
void yard_run(struct yard *yard, int64_t ms);
/* Runs until it is silent for good, and forgets the events. */
void yard_forget(struct yard *yard);

uint64_t yard_id(size_t host);
uint64_t yard_switch(size_t number); /* of a host / per_switch */
uint64_t yard_port(size_t host);
/* As if a neighbour of the host had told this of it. */
void yard_accuse(struct yard *yard, size_t host, enum sight sight);
void yard_kill(struct yard *yard, size_t host);
/* A new session, of a new run or not, and its DIGEST. */
void yard_call(struct yard *yard, size_t host, bool new_run);
/* It was switched on again, and calls. */
void yard_boot(struct yard *yard, size_t host);

size_t yard_count(const struct yard *yard, enum alive_event_kind kind);
/* The event of that incident; NULL. */
const struct alive_event *yard_find(
	const struct yard *yard, enum alive_event_kind kind, enum alive_cause cause, uint64_t node);
/* What the last event says. ALIVE_UP when none does. */
enum alive_status yard_status(const struct yard *yard, size_t host);
/* Incidents that are open now. */
size_t yard_open(const struct yard *yard);
/* The neighbours of a host: how many. */
size_t yard_neighbours(const struct yard *yard, size_t host, size_t neighbours[8]);

#endif
