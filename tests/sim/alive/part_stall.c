// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/alive/crowd.h"
#include "tests/sim/alive/part.h"
#include "tests/sim/alive/scene.h"
#include "tests/sim/alive/spread.h"

/*
 * Nanoprobes that are stopped, starved or paused, a CMA that is: no host dies in any of these, and
 * none is to be called dead. The pure cores are not told the wall clock, so that may be stepped.
 */
enum { HOSTS = 100, RACK = 10 };

#define WARM_NS (30 * NS_PER_SEC)
#define STEP_NS (NS_PER_SEC / 10)
#define LATEST	(4 * NS_PER_SEC)

enum stall {
	STALL_STOP,	 /* 16 of 100 are stopped for 16 s, run for 1 s, and so on */
	STALL_LONG_STOP, /* each once in a while for 60 s */
	STALL_STARVED,	 /* all loops are late by up to 4 s, again and again */
	STALL_MACHINE,	 /* machines are paused for 60 s; their clocks may stand still meanwhile */
	STALL_CMA,	 /* the CMA is stopped for 60 s, and nanoprobes meanwhile for 20 s */
	STALL_COUNT,
};

static const char *const stall_texts[STALL_COUNT] = { "stopped 16 s / 1 s", "stopped 60 s",
	"starved", "machine paused 60 s", "CMA paused 60 s" };

struct result {
	uint64_t stalls, sights, false_deaths, hung_deaths, down, hung;
	uint32_t open; /* incidents that are still open at the end */
	double hours;  /* of hosts */
	char first[128];
};

static void stop_in_turn(
	struct scene *scene, int64_t stop_ns, int64_t run_ns, struct result *result)
{
	for (uint32_t i = 0; i < HOSTS; i += HOSTS / 16) {
		int64_t phase = (scene_now(scene).ns + i * NS_PER_SEC) % (stop_ns + run_ns);

		if (phase >= run_ns && phase < run_ns + STEP_NS && !scene->nodes[i].stopped) {
			node_stop(scene, i, stop_ns - STEP_NS);
			result->stalls++;
		}
	}
}

static void stop_some(
	struct scene *scene, uint32_t one_of, int64_t least, int64_t most, struct result *result)
{
	for (uint32_t i = 0; i < HOSTS; i++) {
		int64_t ns =
			least + (int64_t)random_below(&scene->random, (uint64_t)(most - least));

		if (scene->nodes[i].stopped || random_below(&scene->random, one_of))
			continue;
		node_stop(scene, i, ns);
		result->stalls++;
	}
}

/* While a machine is paused its kernel answers nothing, and its links have no carrier. */
static void pause_machine(struct scene *scene, struct result *result)
{
	uint32_t host = (uint32_t)random_below(&scene->random, HOSTS);

	if (scene->nodes[host].stopped)
		return;
	result->stalls++;
	node_pause(scene, host, 60 * NS_PER_SEC, random_percent(&scene->random, 50));
}

static void step(struct scene *scene, enum stall stall, int64_t n, struct result *result)
{
	switch (stall) {
	case STALL_STOP:
		stop_in_turn(scene, 16 * NS_PER_SEC, NS_PER_SEC, result);
		break;
	case STALL_LONG_STOP:
		stop_some(scene, 20000, 60 * NS_PER_SEC, 61 * NS_PER_SEC, result);
		break;
	case STALL_STARVED:
		stop_some(scene, 30, STEP_NS, LATEST, result);
		break;
	case STALL_MACHINE:
		if (n % 300 == 0)
			pause_machine(scene, result);
		break;
	case STALL_CMA:
		if (n % 1500 == 0) {
			centre_stop(scene, 60 * NS_PER_SEC);
			result->stalls++;
		}
		stop_some(scene, 60000, 20 * NS_PER_SEC, 21 * NS_PER_SEC, result);
		break;
	case STALL_COUNT:
		break;
	}
	scene_run(scene, STEP_NS);
}

struct work {
	const struct part_config *config;
	int64_t ns;
};

static void play(void *owner, uint64_t i, void *to)
{
	static const double losses[] = { 0, 0.05 };
	const struct work *work = owner;
	uint64_t seed = work->config->seed + i;
	struct random random = { seed };
	struct scene_config config = {
		.seed = seed, .loss = losses[i / STALL_COUNT % 2], .start_ns = NS_PER_SEC
	};
	struct result *result = to;
	struct scene scene;

	scene_init(&scene, &config, crowd_racks(HOSTS, RACK, &random));
	scene_begin(&scene);
	scene_run(&scene, WARM_NS);
	for (int64_t n = 0; n < work->ns / STEP_NS; n++)
		step(&scene, (enum stall)(i % STALL_COUNT), n, result);
	scene_run(&scene, 150 * NS_PER_SEC);
	result->hours = HOSTS * (double)work->ns / 3600e9;
	result->false_deaths = scene.guard.false_deaths;
	result->hung_deaths = scene.guard.hung_deaths;
	result->down = scene.ledger.statuses[ALIVE_DOWN] + scene.ledger.statuses[ALIVE_UNREACHABLE];
	result->hung = scene.ledger.statuses[ALIVE_HUNG];
	result->sights = scene.sights[SIGHT_SILENT] + scene.sights[SIGHT_ONE_WAY];
	result->open = ledger_open(&scene.ledger);
	memcpy(result->first, scene.guard.first, sizeof(result->first));
	scene_deinit(&scene);
}

static uint64_t print(const struct result *result, enum stall stall, bool lossy, uint64_t seed)
{
	/* A paused machine is dead for all who ask; only nobody else is to be called so. */
	bool wrong = result->false_deaths || result->hung_deaths || result->open ||
		(stall != STALL_MACHINE && result->down);

	printf("stall | %-20s | loss %d %% | %8.1f host-hours | stalls %7llu | accusations %6llu |"
	       " called hung %6llu | dead %4llu | of these live %llu, hung %llu | left open %u\n",
		stall_texts[stall], lossy ? 5 : 0, result->hours,
		(unsigned long long)result->stalls, (unsigned long long)result->sights,
		(unsigned long long)result->hung, (unsigned long long)result->down,
		(unsigned long long)result->false_deaths, (unsigned long long)result->hung_deaths,
		result->open);
	if (wrong)
		printf("  wrong: seed %llu: %s\n", (unsigned long long)seed, result->first);
	return wrong;
}

uint64_t part_stall(const struct part_config *config)
{
	struct work work = { config, (config->longer ? 10800 : 600) * NS_PER_SEC };
	struct spread spread = { .processes = config->processes,
		.count = STALL_COUNT * 2,
		.size = sizeof(struct result),
		.work = play,
		.owner = &work };
	uint64_t done, wrong = 0;
	struct result *results autofree = spread_run(&spread, &done);

	for (uint64_t i = 0; i < done; i++)
		wrong += print(&results[i], (enum stall)(i % STALL_COUNT), i / STALL_COUNT % 2,
			config->seed + i);
	return wrong;
}
