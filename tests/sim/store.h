/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H
/*
 * What stands behind the hub: events are acted on in transactions, and a crash loses the one that
 * is open. There are two: a model in memory, as simple as the rules allow, and the real graph. Both
 * watch that each message is acted on once and in order, and that nothing crosses tenants.
 */
#include "cma/hub.h"
#include "wire/fact.h"

/* Facts of one agent: how many, and the sum of seal_fact_hash of each mod 2^64. */
struct store_sum {
	uint64_t count, hash;
};

struct store_ops {
	/* clones: several agents may have one key, so that streams of one key alternate. */
	void *(*open)(bool clones);
	void (*close)(void *store);
	/* For a new process of the CMA: what was not committed is gone; counts the epoch up. */
	uint64_t (*restart)(void *store);
	/* Keeps a copy of what is committed, in place of the last; no transaction is open. */
	void (*back_up)(void *store);
	/* While the CMA is down: what is committed is now that copy. */
	void (*restore)(void *store);
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
	/* An operator's word about the agent with this key, at once committed; NULL: not possible.
	 */
	void (*set_revoked)(void *store, const uint8_t key[SEAL_KEY], bool revoked);
	/* Of the agent with this key: the committed sequence of that incarnation, 0 if none. */
	uint64_t (*durable)(void *store, const uint8_t key[SEAL_KEY], uint64_t incarnation);
	/* Of the agent with this key: its committed facts, and its tenant; 0 if it is not known. */
	struct store_sum (*sum)(void *store, const uint8_t key[SEAL_KEY], uint32_t *tenant);
	/* Number of its last committed result (host_tell_result); NULL: the store does not know. */
	uint64_t (*result)(void *store, const uint8_t key[SEAL_KEY]);
};

extern const struct store_ops store_model, store_graph;

#endif
