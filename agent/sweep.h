/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SWEEP_H
#define AGENT_SWEEP_H
/*
 * Takes out of a section of the tracker what a complete list of it did not mention. Uses memory
 * only while a list is under way.
 */
#include "agent/tracker.h"

/* Zero-filled: no list is under way. */
struct sweep {
	struct sweep_key *unseen;
	enum section section;
};

/* A list of the section begins; one that was under way is forgotten. */
void sweep_begin(struct sweep *sweep, const struct tracker *tracker, enum section section);
/* To be told of every PUT. */
void sweep_saw(struct sweep *sweep, const struct fact *fact);
/* The list is complete: deletes from the tracker what was not seen. */
void sweep_end(struct sweep *sweep, struct tracker *tracker);
void sweep_cancel(struct sweep *sweep);

#endif
