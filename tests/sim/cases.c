// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/cases.h"

#include <stdio.h>

#include "tests/sim/store.h"

#define SETTLE_MOST (120 * NS_PER_SEC)

const struct sim_case sim_cases[] = {
	/* Nothing goes wrong. */
	{ "calm", { .agents = 3, .facts = 40, .value_max = 200, .change_ns = NS_PER_SEC }, 60 },
	/* Many hosts that change all the time, and long sessions: most of the packets. */
	{ "crowd",
		{ .agents = 64,
			.facts = 40,
			.value_max = 8,
			.change_ns = 700 * NS_PER_MS,
			.faults = { 8, 30, 30, 2 },
			.commit_ns = 60 * NS_PER_MS,
			.commit_late = 1 },
		3000 },
	/* The same with everything that can happen, now and then. */
	{ "city",
		{ .agents = 64,
			.facts = 40,
			.value_max = 8,
			.change_ns = 700 * NS_PER_MS,
			.faults = { 10, 30, 30, 5 },
			.agent_restart_ns = 3000 * NS_PER_SEC,
			.agent_move_ns = 1000 * NS_PER_SEC,
			.revoke_ns = 1000 * NS_PER_SEC,
			.cma_restart_ns = 300 * NS_PER_SEC,
			.cut_ns = 500 * NS_PER_SEC,
			.clock_ns = 50 * NS_PER_SEC,
			.commit_ns = 60 * NS_PER_MS,
			.results = 5,
			.commands = 1,
			.restores = 30,
			.commit_late = 2,
			.attacks = 10 },
		2000 },
	{ "loss",
		{ .agents = 3,
			.facts = 80,
			.value_max = 400,
			.change_ns = NS_PER_SEC / 2,
			.results = 10,
			.faults = { 30, 30, 30, 30 } },
		120 },
	{ "restarts",
		{ .agents = 3,
			.facts = 80,
			.value_max = 400,
			.change_ns = NS_PER_SEC / 2,
			.agent_restart_ns = 20 * NS_PER_SEC,
			.cma_restart_ns = 15 * NS_PER_SEC,
			.clock_ns = 20 * NS_PER_SEC,
			.results = 10,
			.commands = 20,
			.commit_late = 20 },
		120 },
	/* Sessions get old: a day. */
	{ "days",
		{ .agents = 4,
			.facts = 40,
			.value_max = 100,
			.change_ns = 900 * NS_PER_SEC,
			.faults = { 20, 20, 20, 5 },
			.agent_move_ns = 20000 * NS_PER_SEC,
			.cma_restart_ns = 40000 * NS_PER_SEC,
			.results = 10,
			.commands = 20,
			.commit_late = 5 },
		300000 },
	/* All call at once, more than the CMA can answer at once: it asks for cookies. */
	{ "storm",
		{ .agents = 900,
			.facts = 12,
			.value_max = 100,
			.change_ns = 60 * NS_PER_SEC,
			.faults = { 10, 10, 10, 2 },
			.cma_restart_ns = 40 * NS_PER_SEC,
			.call_ns = 4 * NS_PER_MS,
			.attacks = 10 },
		30 },
	{ "partitions",
		{ .agents = 8,
			.facts = 40,
			.value_max = 100,
			.change_ns = NS_PER_SEC / 2,
			.faults = { 10, 10, 30, 0 },
			.cut_ns = 30 * NS_PER_SEC,
			.agent_move_ns = 20 * NS_PER_SEC },
		400 },
	{ "restores",
		{ .agents = 4,
			.facts = 60,
			.value_max = 100,
			.change_ns = NS_PER_SEC,
			.faults = { 10, 10, 10, 2 },
			.agent_restart_ns = 60 * NS_PER_SEC,
			.cma_restart_ns = 30 * NS_PER_SEC,
			.clock_ns = 20 * NS_PER_SEC,
			.restores = 50 },
		300 },
	{ "attacks",
		{ .agents = 4,
			.facts = 60,
			.value_max = 100,
			.change_ns = NS_PER_SEC / 2,
			.faults = { 10, 10, 30, 5 },
			.agent_restart_ns = 60 * NS_PER_SEC,
			.agent_move_ns = 60 * NS_PER_SEC,
			.cma_restart_ns = 60 * NS_PER_SEC,
			.attacks = 90 },
		200 },
	{ "clones",
		{ .agents = 6,
			.facts = 40,
			.value_max = 100,
			.change_ns = 2 * NS_PER_SEC,
			.faults = { 10, 10, 10, 0 },
			.agent_restart_ns = 60 * NS_PER_SEC,
			.cma_restart_ns = 60 * NS_PER_SEC,
			.results = 10,
			.commands = 20,
			.clones = true },
		120 },
	/* Messages of many fragments: more than the first window, and than the usual one. */
	{ "big",
		{ .agents = 2,
			.facts = 32,
			.value_max = 60000,
			.change_ns = 4 * NS_PER_SEC,
			.faults = { 15, 15, 30, 5 },
			.agent_restart_ns = 60 * NS_PER_SEC,
			.cma_restart_ns = 60 * NS_PER_SEC },
		120 },
	{ "everything",
		{ .agents = 16,
			.facts = 80,
			.value_max = 400,
			.change_ns = NS_PER_SEC / 2,
			.faults = { 30, 30, 30, 5 },
			.agent_restart_ns = 100 * NS_PER_SEC,
			.agent_move_ns = 100 * NS_PER_SEC,
			.revoke_ns = 60 * NS_PER_SEC,
			.cma_restart_ns = 60 * NS_PER_SEC,
			.cut_ns = 100 * NS_PER_SEC,
			.clock_ns = 20 * NS_PER_SEC,
			.restores = 20,
			.results = 10,
			.commands = 20,
			.commit_late = 5,
			.attacks = 20 },
		300 },
	/* The product's store: SQLite, its own crash recovery, and the graph. */
	{ "graph",
		{ .store = &store_graph,
			.agents = 4,
			.facts = 80,
			.value_max = 200,
			.change_ns = NS_PER_SEC,
			.faults = { 30, 30, 30, 5 },
			.agent_restart_ns = 30 * NS_PER_SEC,
			.cma_restart_ns = 30 * NS_PER_SEC,
			.clock_ns = 20 * NS_PER_SEC,
			.restores = 20,
			.commit_late = 5 },
		100 },
};

const size_t sim_case_count = sizeof(sim_cases) / sizeof(sim_cases[0]);

void sim_run(const struct sim_case *which, uint64_t seed, struct sim_result *result)
{
	struct world_config config = which->config;
	struct world *world;
	const char *wrong;
	struct instant calm;

	config.seed = seed;
	world = world_new(&config);
	wrong = world_run(world, which->seconds * NS_PER_SEC);
	world_calm(world);
	calm = world_now(world);
	if (!wrong)
		wrong = world_settle(world, SETTLE_MOST);
	result->settle_ns = instant_sub(world_now(world), calm);
	result->figures = world_figures(world);
	snprintf(result->wrong, sizeof(result->wrong), "%s", wrong ? wrong : "");
	world_free(world);
}
