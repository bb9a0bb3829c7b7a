/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_ACCUSATION_H
#define CMA_ALIVE_ACCUSATION_H
/* What the ends of an edge told of each other, other than that all is well. Part of the arbiter. */
#include "cma/alive/inquiry.h"

enum {
	ACCUSATION_LATE = 10,	    /* an accuser so late (in units of 100 ms) is no witness */
	ACCUSATION_MISSES_MAX = 20, /* no nanoprobe needs more; one that says so is not heeded */
};

/* About the agent, by the other end of this edge; NULL: there it is heard. */
struct accusation *accusation_find(const struct agent *agent, uint32_t edge);
void accusation_make(struct alive *alive, struct instant now, struct agent *agent,
	const struct agent *by, const struct message_sight *sight);
/* No more, if there was one. */
void accusation_drop(struct alive *alive, struct instant now, struct agent *agent, uint32_t edge);
/* All by this agent: it began anew, and what it told before is void. */
void accusation_drop_by(struct alive *alive, struct instant now, struct agent *by);

#endif
