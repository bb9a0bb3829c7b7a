/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ACT_H
#define CMA_ACT_H
/* What an event of the hub does to the graph, within a transaction of the store. */
#include "cma/graph/roster.h"
#include "cma/hub.h"

/* End it with act_deinit. */
struct act {
	struct graph *graph;
	struct act_id
		*ids; /* the hub names agents that enrol; the graph has its own ids for them */
	struct act_restored *restored; /* act_session.c */
	bool restored_known;
};

/* The event met no such agent or token: it had no effect and must not be acknowledged. */
enum { ACT_REFUSED = 1 };

/*
 * 0, ACT_REFUSED, or -errno: then the whole transaction is useless. result is set by HUB_MESSAGE.
 */
int act_event(struct act *act, const struct hub_event *event, struct graph_result *result);
/* The transaction was rolled back. */
void act_failed(struct act *act);
void act_deinit(struct act *act);
/* The hub knows the agent by that id. */
void act_name(struct act *act, uint64_t hub_id, int64_t agent);
/* The agent that the hub knows by that id; 0: it was refused. */
int64_t act_agent(const struct act *act, uint64_t hub_id);

/* Facts that the message of an event carries; 0 for any other event. */
uint64_t act_facts(const struct hub_event *event);

#endif
