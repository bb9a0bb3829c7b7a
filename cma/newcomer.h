/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_NEWCOMER_H
#define CMA_NEWCOMER_H
/*
 * Agents that have proved a token and are not durable yet: what they say of themselves until then.
 * An agent that the store refuses stays here, as it stays with the hub; so there are no more than
 * there are uses of tokens. Nothing happens to one that was not added.
 */
#include "cma/alive/event.h"
#include "cma/hub_event.h"
#include "cma/table.h"
#include "wire/message.h"

struct newcomers {
	struct table by_id;
};

struct newcomer {
	struct table_link by_id;
	struct alive_agent agent;
	bool left, has_held;
	struct record_held held;
	struct addr from; /* of held */
};

/* A newcomers starts as zeroes. */
void newcomer_deinit(struct newcomers *newcomers);
void newcomer_add(struct newcomers *newcomers, const struct hub_agent *agent);
void newcomer_boot(struct newcomers *newcomers, uint64_t id, uint64_t boot);
void newcomer_left(struct newcomers *newcomers, uint64_t id);
/* False when it is none. */
bool newcomer_held(struct newcomers *newcomers, uint64_t id, const struct record_held *held,
	const struct addr *from);
/* It is none any more: false when it was none. */
bool newcomer_take(struct newcomers *newcomers, uint64_t id, struct newcomer *newcomer);

#endif
