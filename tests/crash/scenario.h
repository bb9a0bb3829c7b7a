/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CRASH_SCENARIO_H
#define TESTS_CRASH_SCENARIO_H
/*
 * Some agents in a ring tell a store 10,000 deltas in transactions, on both streams, while it is
 * opened anew, its epoch counted up and its WAL moved to the database. What a transaction says
 * depends on its number alone, so that agents can say it again; a model, as simple as can be, knows
 * what is true after each.
 */
#include <stdbool.h>
#include <stdint.h>

#include "cma/graph/graph.h"

enum {
	SCENARIO_DELTAS = 10000,
	SCENARIO_BATCH = 125, /* deltas in a transaction */
	SCENARIO_TRANSACTIONS = 1 + SCENARIO_DELTAS / SCENARIO_BATCH,
	SCENARIO_AGENTS = 5,
	SCENARIO_KEYS = 12, /* that an agent has at most */
};

struct scenario {
	uint64_t seed;
	int64_t agents[SCENARIO_AGENTS];					     /* their ids */
	uint64_t sequence[SCENARIO_TRANSACTIONS + 1][SCENARIO_AGENTS][STREAM_COUNT]; /* before it */
	uint64_t value[SCENARIO_AGENTS][SCENARIO_KEYS]; /* 0: there is no such fact */
	uint64_t lost[SCENARIO_AGENTS];
	uint64_t sees[SCENARIO_AGENTS][2]; /* of the ring: its edge to the next one, to the last */
};

/* What a transaction is followed by. */
bool scenario_reopens(size_t transaction);
bool scenario_checkpoints(size_t transaction);

/*
 * Says the transaction to the store, commits, and brings the model up to date when it is not said
 * again. 0; or -errno; or 1 when a message that is said again had an effect and should not have, or
 * the other way round.
 */
int scenario_say(struct scenario *s, struct graph *g, size_t transaction, bool again);
/* Does the store hold, of facts, sequences, what was lost and what is seen in the ring, what the
 * model does before transaction? */
bool scenario_holds(const struct scenario *s, struct graph *g, size_t transaction);
/* A hash of every row of every table. */
uint64_t scenario_print(struct graph *g);

#endif
