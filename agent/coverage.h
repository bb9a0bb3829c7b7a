/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_COVERAGE_H
#define AGENT_COVERAGE_H
/* What the nanoprobe can see, and what it cannot and why: the facts of section coverage. */
#include "agent/tracker.h"

struct coverage {
	const char *feature; /* the key */
	const char *state;   /* complete, partial, off, unavailable */
	const char *why;     /* for a person; NULL when there is nothing to say */
	const char *hook;    /* how it is seen; NULL */
};

void coverage_set(struct tracker *tracker, const struct coverage *coverage);

#endif
