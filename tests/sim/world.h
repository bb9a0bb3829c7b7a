/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H
/*
 * Some hosts with the real agent core, the real hub with a store behind it, and a network between
 * them, on one virtual clock. Hosts change; agents and the CMA are killed and come back; the store
 * fails to commit or is restored from a backup; wall clocks jump; parts of the network are cut off;
 * an attacker sends again what he heard. After every step the invariants are looked at; the first
 * that is broken stops the world and says which it was.
 */
#include "base/instant.h"
#include "tests/sim/network.h"

struct world;
struct store_ops;

/* Times are means of what happens at random; 0: it never does. Shares are in percent. */
struct world_config {
	uint64_t seed;
	const struct store_ops *store; /* NULL: store_model */
	size_t agents;
	size_t facts;	  /* that a host may have */
	size_t value_max; /* bytes of the longest value, about */
	struct network_faults faults;
	int64_t change_ns;	  /* between changes of one host */
	int64_t agent_restart_ns; /* between restarts of an agent */
	int64_t agent_move_ns;	  /* between changes of an agent's address */
	int64_t revoke_ns;	  /* between an operator's words that one is revoked, or not */
	int64_t cma_restart_ns;
	int64_t cut_ns;	      /* between partitions */
	int64_t clock_ns;     /* between steps of the CMA's wall clock, by up to an hour */
	int64_t commit_ns;    /* that a commit takes; 0: 5 ms */
	int64_t call_ns;      /* that the CMA needs to answer an INIT; 0: no time */
	unsigned results;     /* of the changes: the agent tells a result that nobody asked for */
	unsigned commands;    /* of the changes: an operator gives the host a command */
	unsigned restores;    /* of the CMA's restarts: it comes back from an old backup */
	unsigned commit_late; /* commits that take long, and of those that fail */
	unsigned attacks;     /* of the datagrams: an attacker sends one more */
	bool clones;	      /* every second host has the key of the one before it */
};

#define WORLD_FIGURES(X)                                                                    \
	X(packets, "packets sent by agents and CMA")                                        \
	X(delivered, "packets delivered, repeated ones among them")                         \
	X(injected, "packets of attackers, most of them recorded ones")                     \
	X(messages, "messages acted on")                                                    \
	X(changes, "changes of hosts")                                                      \
	X(sessions, "sessions proven")                                                      \
	X(retries, "calls that a busy CMA asked to come back later")                        \
	X(agent_restarts, "agents stopped or killed")                                       \
	X(cma_restarts, "CMAs killed")                                                      \
	X(restores, "CMAs restored from a backup")                                          \
	X(behind, "agents that had been told of more than the backup held")                 \
	X(noticed, "times that the CMA was told so by one")                                 \
	X(stream_restarts, "streams begun again because of that, or of a second enrolment") \
	X(commands, "commands given")                                                       \
	X(done, "commands done")                                                            \
	X(revoked, "agents revoked")                                                        \
	X(cuts, "partitions")                                                               \
	X(steps, "steps of the CMA's wall clock")

struct world_figures {
#define WORLD_FIGURE(name, text) uint64_t name;
	WORLD_FIGURES(WORLD_FIGURE)
#undef WORLD_FIGURE
};

struct world *world_new(const struct world_config *config);
void world_free(struct world *world);

/* Lets time pass. NULL, or which invariant was broken (text of the world). */
const char *world_run(struct world *world, int64_t ns);
/* From now on no faults and no restarts; every host sees one more change, then no more. */
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
