/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_DEBUT_H
#define AGENT_DEBUT_H
/*
 * The first thing that a run of the nanoprobe says is a digest of all that it knows. It then talks
 * to the CMA, which is a fact, too, and comes by way of the kernel: it may be known a moment later
 * than the CMA's first answer. The digest waits for it, for else an unchanged host would differ.
 */
#include "agent/tracker.h"
#include "agent/uplink.h"
#include "base/addr.h"

enum { DEBUT_MS = 200 /* at most: where the kernel is not watched it never comes */ };

struct debut {
	struct instant until; /* 0: there was no answer yet */
	bool over;
};

/* Nothing is to be sent now. Ask each time before that; once false after an answer, it stays so. */
bool debut_waits(struct debut *debut, struct instant now, const struct tracker *tracker,
	const struct uplink_status *status, const struct addr *cma);
/* When to ask again if no fact comes; INSTANT_NEVER when it does not wait. */
struct instant debut_deadline(const struct debut *debut);

#endif
