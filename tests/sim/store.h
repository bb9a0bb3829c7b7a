/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H
/*
 * What stands behind the hub: events are acted on in transactions, and a crash loses the one that
 * is open. This one is a model in memory, as simple as the rules allow; it also watches that each
 * message is acted on once and in order.
 */
#include "cma/hub.h"
#include "wire/fact.h"

struct store;

struct store *store_new(void);
void store_free(struct store *store);

uint64_t store_next_epoch(struct store *store);
void store_add_token(struct store *store, const struct hub_token *token);
/* Fills the roster of a new hub from what is committed. */
void store_load(const struct store *store, struct hub *hub);

/* Acts on an event. NULL, or what is wrong with it (a static text): an invariant is broken. */
const char *store_apply(struct store *store, const struct hub_event *event, int64_t now_ms);
bool store_is_open(const struct store *store);
/* The open transaction is durable; tells the hub. */
void store_commit(struct store *store, struct hub *hub);
/* The open transaction never was. */
void store_roll_back(struct store *store);

/* Of the agent with this key: the committed sequence of that incarnation, 0 if none. */
uint64_t store_durable(
	const struct store *store, const uint8_t key[SEAL_KEY], uint64_t incarnation);
/* Calls visit for every committed fact of the agent, in any order. */
void store_each(const struct store *store, const uint8_t key[SEAL_KEY],
	void (*visit)(void *owner, const struct fact *fact), void *owner);
uint64_t store_applied(const struct store *store);

#endif
