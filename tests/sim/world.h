/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H
/*
 * Some hosts with the real agent core, the real hub with a store behind it, and a network between
 * them, on one virtual clock. Hosts change; agents and the CMA are killed and come back; the store
 * fails to commit. After every step the invariants are looked at; the first that is broken stops
 * the world and says which it was.
 */
#include "base/instant.h"
#include "tests/sim/network.h"

struct world;
struct store_ops;

struct world_config {
	uint64_t seed;
	const struct store_ops *store; /* NULL: store_model */
	size_t agents;
	size_t facts;	  /* that a host may have */
	size_t value_max; /* bytes of the longest value, about */
	struct network_faults faults;
	int64_t change_ns;	  /* mean time between changes of one host; 0: never */
	int64_t agent_restart_ns; /* mean time between restarts of an agent; 0: never */
	int64_t cma_restart_ns;
	unsigned commit_fails; /* percent */
};

struct world_figures {
	uint64_t packets, delivered, messages, agent_restarts, cma_restarts, stream_restarts;
	uint64_t sessions, rollbacks, changes, facts;
};

struct world *world_new(const struct world_config *config);
void world_free(struct world *world);

/* Lets time pass. NULL, or which invariant was broken (text of the world). */
const char *world_run(struct world *world, int64_t ns);
/* From now on no faults, no restarts and no changes. */
void world_calm(struct world *world);
/*
 * Lets at most ns pass until nobody has anything left to do. NULL when then the committed facts of
 * every agent are those of its host, every agent knows that, no packet is under way and no timer is
 * armed; else what is not so.
 */
const char *world_settle(struct world *world, int64_t ns);

struct world_figures world_figures(const struct world *world);
struct instant world_now(const struct world *world);

#endif
