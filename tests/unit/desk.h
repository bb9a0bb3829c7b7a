/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_DESK_H
#define TESTS_UNIT_DESK_H
/* The writer thread on a real graph in a directory of its own, for tests. */
#include "cma/store.h"

enum { PATIENCE_MS = 10000 };

struct desk {
	char directory[32];
	struct graph *graph;
	struct feed *feed;
	struct stats stats;
	struct store *store;
	_Atomic unsigned int wakes; /* one for each transaction */
};

/* cmocka's. */
int desk_setup(void **state);
int desk_teardown(void **state);
/* A new process on the same directory. */
void desk_start(struct desk *f);
void desk_stop(struct desk *f);

void desk_wait_for_wakes(const struct desk *f, unsigned int count);
/* The next result but for places; false when none comes in time. */
bool desk_take(struct desk *f, struct store_result *result);

/* What came of it, of the store, else of the token. */
int desk_put_token(struct desk *f, const struct graph_token *token);
/* Twice, so that the store has done two things. */
void desk_make_token(struct desk *f, uint8_t id);
void desk_push_enrol(struct desk *f, uint64_t id, uint8_t token);
/* One fact of the agent's state stream. */
void desk_push_fact(struct desk *f, uint64_t id, uint64_t sequence, const char *key);
/* Many facts in one message. */
void desk_push_many(
	struct desk *f, uint64_t id, enum stream stream, uint64_t sequence, size_t count);

#endif
