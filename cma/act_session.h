/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ACT_SESSION_H
#define CMA_ACT_SESSION_H
/*
 * What sessions of agents tell besides what they carry: where agents are, and the incidents that
 * follow from it. Within a transaction of the store; agent is the id of the graph. -ENOENT: there
 * is no such agent.
 */
#include "cma/act.h"

enum {
	ACT_ALONE_MS = 24 * 3600 * 1000
}; /* without a second one, then the key is taken for one's */

/* A session was proven. */
int act_session(struct act *act, int64_t agent, const struct hub_event *event);
/* Opens the incident "duplicate-key" of the host, or keeps it open. */
int act_duplicate_key(struct act *act, int64_t agent, const struct hub_event *event);
/* Opens the incident "store-restored" of the tenant; it concerns the host until act_heard. */
int act_rolled_back(struct act *act, int64_t agent);
/* The agent has told something. When nothing is missing any more, the incident is over for it. */
int act_heard(struct act *act, int64_t agent, const struct graph_result *result);
/* The transaction was rolled back. */
void act_forget(struct act *act);

#endif
