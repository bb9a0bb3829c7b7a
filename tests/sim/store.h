/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H
/*
 * What stands behind the hub: events are acted on in transactions, and a crash loses the one that
 * is open. There are two: a model in memory, as simple as the rules allow, and the real graph. Both
 * watch that each message is acted on once and in order.
 */
#include "cma/hub.h"
#include "wire/fact.h"

struct store_ops {
	void *(*open)(void);
	void (*close)(void *store);
	/* For a new process of the CMA: what was not committed is gone; counts the epoch up. */
	uint64_t (*restart)(void *store);
	void (*add_token)(void *store, const struct hub_token *token);
	/* Fills the roster of a new hub from what is committed. */
	void (*load)(void *store, struct hub *hub);
	/* Acts on an event. NULL, or what is wrong with it (static text): an invariant is broken.
	 */
	const char *(*apply)(void *store, const struct hub_event *event, int64_t now_ms);
	/* The open transaction becomes durable; tells the hub. NULL, or what is wrong. */
	const char *(*commit)(void *store, struct hub *hub);
	/* The open transaction never was. */
	void (*roll_back)(void *store);
	/* Of the agent with this key: the committed sequence of that incarnation, 0 if none. */
	uint64_t (*durable)(void *store, const uint8_t key[SEAL_KEY], uint64_t incarnation);
	/* Calls visit for every committed fact of the agent, in any order. */
	void (*each)(void *store, const uint8_t key[SEAL_KEY],
		void (*visit)(void *owner, const struct fact *fact), void *owner);
};

extern const struct store_ops store_model, store_graph;

#endif
