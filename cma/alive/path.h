/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_PATH_H
#define CMA_ALIVE_PATH_H
/*
 * An edge is accused, and both of its ends live: the path between them is at fault. When nearly all
 * edges between two domains are, it is PATH; when all of one host are, LOCAL_PATH (or ONE_WAY) of
 * that host; otherwise of the two hosts. Part of the arbiter: pure.
 */
#include "cma/alive/fault.h"

/* The agent lives and is accused: when it still is after a while, that is an incident. */
void path_expect(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* The agent is down: its edges say nothing of a path. */
void path_release(struct alive *alive, struct instant now, const struct agent *agent);

#endif
