/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_LANES_H
#define CMA_LANES_H
/*
 * What waits for the writer, in an order that is fair. Pure; for one thread.
 *
 * Urgent things come first, changes before snapshots, but each lane has its share of a transaction,
 * so that none starves. Within a lane agents take turns, whoever sends much as well as who sends
 * little: a turn is worth LANES_QUANTUM, and who takes more sits out turns until it is paid back.
 * What an agent says in one stream keeps its order; nothing of a new incarnation overtakes what the
 * old one said, and nothing overtakes a barrier.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cma/table.h"
#include "wire/stream.h"

enum lane { LANE_URGENT, LANE_CHANGES, LANE_SNAPSHOT, LANE_COUNT };

enum {
	LANES_QUANTUM = 64,
	/* Percent of the budget that are a lane's own when others want it too; in all 100. */
	LANES_URGENT_SHARE = 40,
	LANES_CHANGES_SHARE = 35,
	LANES_SNAPSHOT_SHARE = 25,
};

/* The head of what waits: lies in the caller's object, which belongs to him again once taken. */
struct lanes_item {
	STAILQ_ENTRY(lanes_item) next;
	uint64_t agent;	      /* 0: of nobody, which counts as one */
	uint64_t incarnation; /* 0: that of what came before */
	enum stream stream;
	enum lane lane;
	bool barrier;	  /* what came before is done before it, what comes later after it */
	size_t cost;	  /* of acting on it, in any unit; at least 1 */
	uint64_t segment; /* set by lanes_push: of two of an agent, the lower goes first */
};

STAILQ_HEAD(lanes_items, lanes_item);
TAILQ_HEAD(lanes_turns, lanes_queue);

struct lanes {
	struct table lines; /* one for each agent that waits, by its id */
	struct lanes_turns turns[LANE_COUNT];
	int64_t credit[LANE_COUNT]; /* what a lane may take yet; below 0: took too much */
	size_t count;		    /* of items */
};

void lanes_init(struct lanes *lanes);
/* Take everything first. */
void lanes_deinit(struct lanes *lanes);

void lanes_push(struct lanes *lanes, struct lanes_item *item);
/*
 * Takes items worth about budget, but at most max and at least one if there is one, into items.
 * What is taken together must be acted on in this order as far as it is of the same agent.
 */
size_t lanes_take(struct lanes *lanes, size_t budget, struct lanes_item **items, size_t max);

#endif
