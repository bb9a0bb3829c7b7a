// SPDX-License-Identifier: Apache-2.0
/*
 * Agents and CMA over a bad network (world.h says what is watched). Each case runs with many seeds;
 * one that fails is printed, and SIM_SEED=n replays that one. SIM_SEEDS=n sets how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/instant.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"
#include "wire/seal.h"

#define SETTLE_MOST (120 * NS_PER_SEC)

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void print_figures(const char *name, uint64_t seeds, const struct world_figures *sum,
	int64_t longest, int64_t took)
{
	printf("%s: %llu seeds, %llu packets (%llu/s of real time), %llu messages, %llu changes, "
	       "%llu sessions, restarts: %llu agents %llu CMA %llu streams, settled in %.1f s\n",
		name, (unsigned long long)seeds, (unsigned long long)sum->packets,
		(unsigned long long)(sum->packets * NS_PER_SEC / (uint64_t)(took ? took : 1)),
		(unsigned long long)sum->messages, (unsigned long long)sum->changes,
		(unsigned long long)sum->sessions, (unsigned long long)sum->agent_restarts,
		(unsigned long long)sum->cma_restarts, (unsigned long long)sum->stream_restarts,
		(double)longest / NS_PER_SEC);
}

static void add_figures(struct world_figures *sum, const struct world_figures *one)
{
	sum->packets += one->packets;
	sum->messages += one->messages;
	sum->changes += one->changes;
	sum->sessions += one->sessions;
	sum->agent_restarts += one->agent_restarts;
	sum->cma_restarts += one->cma_restarts;
	sum->stream_restarts += one->stream_restarts;
}

/* One seed. How long it took to settle. */
static int64_t run_one(
	const char *name, struct world_config config, int64_t ns, struct world_figures *sum)
{
	struct world *world = world_new(&config);
	const char *wrong = world_run(world, ns);
	struct world_figures figures;
	struct instant calm;
	int64_t took;

	world_calm(world);
	calm = world_now(world);
	if (!wrong)
		wrong = world_settle(world, SETTLE_MOST);
	took = instant_sub(world_now(world), calm);
	figures = world_figures(world);
	add_figures(sum, &figures);
	world_free(world);
	if (wrong)
		fail_msg("%s with SIM_SEED=%llu: %s", name, (unsigned long long)config.seed, wrong);
	return took;
}

static void run(const char *name, struct world_config config, int64_t ns, uint64_t seeds)
{
	struct world_figures sum = { 0 };
	struct instant start = instant_now();
	int64_t longest = 0;

	config.seed = number_of("SIM_SEED", 1);
	seeds = getenv("SIM_SEED") ? 1 : number_of("SIM_SEEDS", seeds);
	for (uint64_t i = 0; i < seeds; i++, config.seed++) {
		int64_t took = run_one(name, config, ns, &sum);

		longest = took > longest ? took : longest;
	}
	print_figures(name, seeds, &sum, longest, instant_sub(instant_now(), start));
}

/* Nothing goes wrong: and then nothing is sent twice. */
static void test_calm(void **state)
{
	(void)state;
	run("calm",
		(struct world_config){
			.agents = 3, .facts = 40, .value_max = 200, .change_ns = NS_PER_SEC },
		60 * NS_PER_SEC, 10);
}

static void test_loss(void **state)
{
	(void)state;
	run("loss, duplicates, reorder, corruption",
		(struct world_config){ .agents = 3,
			.facts = 80,
			.value_max = 400,
			.change_ns = NS_PER_SEC / 2,
			.faults = { 30, 30, 30, 30 } },
		120 * NS_PER_SEC, 20);
}

static void test_restarts(void **state)
{
	(void)state;
	run("restarts of either side",
		(struct world_config){ .agents = 3,
			.facts = 80,
			.value_max = 400,
			.change_ns = NS_PER_SEC / 2,
			.agent_restart_ns = 20 * NS_PER_SEC,
			.cma_restart_ns = 15 * NS_PER_SEC,
			.commit_fails = 5 },
		120 * NS_PER_SEC, 20);
}

static void test_everything(void **state)
{
	(void)state;
	run("everything at once",
		(struct world_config){ .agents = 3,
			.facts = 80,
			.value_max = 400,
			.change_ns = NS_PER_SEC / 2,
			.faults = { 30, 30, 30, 5 },
			.agent_restart_ns = 30 * NS_PER_SEC,
			.cma_restart_ns = 30 * NS_PER_SEC,
			.commit_fails = 5 },
		200 * NS_PER_SEC, 40);
}

/* Messages of many fragments: more than the first window, and than the usual one. */
static void test_big_facts(void **state)
{
	(void)state;
	run("big facts",
		(struct world_config){ .agents = 2,
			.facts = 32,
			.value_max = 60000,
			.change_ns = 4 * NS_PER_SEC,
			.faults = { 15, 15, 30, 5 },
			.agent_restart_ns = 60 * NS_PER_SEC,
			.cma_restart_ns = 60 * NS_PER_SEC },
		120 * NS_PER_SEC, 10);
}

/* The same with the product's store: SQLite, its own crash recovery, and the graph. */
static void test_graph(void **state)
{
	(void)state;
	run("the real graph",
		(struct world_config){ .store = &store_graph,
			.agents = 3,
			.facts = 80,
			.value_max = 200,
			.change_ns = NS_PER_SEC,
			.faults = { 30, 30, 30, 5 },
			.agent_restart_ns = 30 * NS_PER_SEC,
			.cma_restart_ns = 30 * NS_PER_SEC,
			.commit_fails = 5 },
		100 * NS_PER_SEC, 10);
}

static int start(void **state)
{
	(void)state;
	return seal_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calm),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_big_facts),
		cmocka_unit_test(test_graph),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
