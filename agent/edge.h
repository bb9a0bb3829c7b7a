/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_EDGE_H
#define AGENT_EDGE_H
/*
 * What one end of an edge of the ring knows of the other: when it last gave proof of life, how many
 * of its beats are lost, and so how many may be missed before it counts as silent. Pure;
 * agent/ring.h sends and receives.
 *
 * Proof is a genuine beat that echoes one of our last challenges, and that did not come before. So
 * a beat that somebody recorded proves nothing, and one that he held back is worth nothing soon.
 *
 * Challenges count up by one from a random start of each run, so what is missing between two beats
 * was lost. A run that did not prove itself yet (its nanoprobe was just started, or it is a
 * recording) is listened to only when the one before has been quiet.
 */
#include "base/instant.h"
#include "wire/message.h"
#include "wire/ring_edge.h"

enum {
	EDGE_MISSES_MIN = 5,
	EDGE_MISSES_MAX = 20,
};

struct edge {
	struct ring_edge told;	 /* by the CMA; at is where its last proof came from */
	uint8_t misses;		 /* k: so many beats in a row make it silent */
	uint8_t gap, again;	 /* most beats lost in a row lately, and second most */
	uint8_t refusals;	 /* beats refused since the last proof of life */
	uint8_t unproven;	 /* genuine beats since then that proved nothing */
	bool has_run, has_offer; /* the next two are set */
	bool excused;		 /* we were late: what is missing now was not lost */
	enum sight sight;
	enum sight said;	/* sight when the CMA was told, HEARD at first */
	uint32_t lost_in;	/* share of its beats that we miss, UINT32_MAX is all */
	uint32_t lost_on;	/* of those that followed a lost one */
	uint16_t lost_out;	/* share of ours that it misses, as it says; 65535 is all */
	uint64_t run;		/* last challenge of the run that has proven itself */
	uint64_t offer;		/* of another one that has not */
	uint64_t refused_beat;	/* our challenge when one was refused last */
	struct instant proven;	/* last proof of life; before the first: when we began */
	struct instant patient; /* silence counts from here: proven, or a stall of ours */
	struct instant heard;	/* last genuine beat, whatever it proved */
	struct instant refused;
	struct instant gap_at; /* the last one, if there is any */
	struct instant faded;  /* when gap and again were made less */
};

enum edge_heard {
	EDGE_PROOF,	/* of life */
	EDGE_UNPROVEN,	/* genuine, but echoes nothing of ours that is fresh */
	EDGE_REPEATED,	/* it came before */
	EDGE_REFLECTED, /* our own */
};

/* The one beginning: the neighbour has as long to be heard as if it had been heard just now. */
void edge_init(struct edge *edge, struct instant now, const struct ring_edge *told);
/* A genuine beat; challenge is the one of our last beat. */
enum edge_heard edge_hear(
	struct edge *edge, struct instant now, const struct beat *beat, uint64_t challenge);
/* The neighbour's host says that nobody listens. */
void edge_refuse(struct edge *edge, struct instant now, uint64_t challenge);
/* We could not listen until now: nobody is to blame for that. */
void edge_excuse(struct edge *edge, struct instant now);
/* Fills in what we say to the neighbour: edge, echo, state and lost. */
void edge_speak(
	const struct edge *edge, struct instant now, int64_t interval_ns, struct beat *beat);
/* Sets and returns edge->sight. For when everything that arrived has been heard. */
enum sight edge_judge(struct edge *edge, struct instant now, int64_t interval_ns);
/* When that may change although nothing happens; INSTANT_NEVER. */
struct instant edge_deadline(const struct edge *edge, int64_t interval_ns);

#endif
