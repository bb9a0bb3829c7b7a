/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ORDERS_H
#define TESTS_SIM_ORDERS_H
/* The commands of a simulated world: one operator gives them, and nobody may do one twice. */
#include "agent/judge.h"
#include "cma/hub_command.h"
#include "tests/sim/random.h"

struct orders;

struct orders *orders_new(struct random *random);
void orders_free(struct orders *orders);
/* A new command for an agent's run, given to the CMA. */
void orders_give(struct orders *orders, struct hub *hub, struct instant now, int64_t now_ms,
	const uint8_t agent[SEAL_KEY], uint64_t run);
/* For a new process of the CMA, which may have sent them before: all that may still be good. */
void orders_load(struct orders *orders, struct hub *hub, struct instant now, int64_t now_ms);
/* A command came to the host of judge, which does it if it should. True: it has a result to tell.
 */
bool orders_take(struct orders *orders, struct judge *judge, uint64_t now_ms, struct span frame,
	uint8_t id[WARRANT_ID]);
/* How many were done; false when one of them was done twice. */
bool orders_done(const struct orders *orders, uint64_t *count);

#endif
