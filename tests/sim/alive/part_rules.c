// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/alive/crowd.h"
#include "tests/sim/alive/part.h"
#include "tests/sim/alive/scene.h"
#include "tests/sim/alive/spread.h"

/*
 * What each change of an estate costs those who did not change: hosts join, leave, reboot and die
 * one after the other, and the guard looks on.
 */
enum { HOSTS = 300, JOINING = 100, RACK = 10, TURNS_LONG = 400, TURNS_SHORT = 60, PIECES = 4 };

#define WARM_NS (15 * NS_PER_SEC)
#define SOON_NS (20 * NS_PER_SEC) /* for what follows from a change */

enum change { CHANGE_JOIN, CHANGE_LEAVE, CHANGE_REBOOT, CHANGE_RESTART, CHANGE_DIE, CHANGE_COUNT };

static const char *const change_texts[CHANGE_COUNT] = { "join", "leave and come back", "reboot",
	"restart of a nanoprobe", "two neighbours die" };

struct cost {
	uint64_t changes, edges, lists, edges_most, lists_most, incidents, sights;
};

struct result {
	struct cost costs[CHANGE_COUNT];
	uint64_t broken, odd;
	double longest_unwatched;
	char first[128];
};

static void add(struct cost *cost, const struct scene *before, const struct scene *scene)
{
	uint64_t edges = scene->ledger.edges_begun + scene->ledger.edges_ended -
		before->ledger.edges_begun - before->ledger.edges_ended;
	uint64_t lists = scene->lists - before->lists;

	cost->changes++;
	cost->edges += edges;
	cost->lists += lists;
	cost->incidents += scene->ledger.incident_count - before->ledger.incident_count;
	cost->sights += scene->sights[SIGHT_HEARD] - before->sights[SIGHT_HEARD];
	cost->edges_most = edges > cost->edges_most ? edges : cost->edges_most;
	cost->lists_most = lists > cost->lists_most ? lists : cost->lists_most;
}

static uint32_t any_up(struct scene *scene, uint32_t present)
{
	uint32_t host;

	do
		host = (uint32_t)random_below(&scene->random, present);
	while (!scene->nodes[host].ring);
	return host;
}

static uint32_t neighbour(const struct scene *scene, uint32_t host)
{
	for (uint32_t i = 0; i < scene->ledger.edge_end; i++) {
		const struct ledger_edge *edge = &scene->ledger.edges[i];

		if (edge->there && edge->low == host)
			return edge->high;
		if (edge->there && edge->high == host)
			return edge->low;
	}
	return host;
}

static void change(struct scene *scene, enum change what, uint32_t *present)
{
	uint32_t host = any_up(scene, *present), other = neighbour(scene, host);

	switch (what) {
	case CHANGE_JOIN:
		if (*present < scene->fabric.host_count) {
			centre_add(scene, *present);
			node_start(scene, (*present)++);
		}
		break;
	case CHANGE_LEAVE:
		node_leave(scene, host);
		scene_run(scene, SOON_NS);
		node_start(scene, host);
		break;
	case CHANGE_REBOOT:
		node_crash(scene, host);
		scene_run(scene, SOON_NS);
		node_boot(scene, host);
		break;
	case CHANGE_RESTART:
		node_kill(scene, host);
		scene_run(scene, NS_PER_SEC);
		node_start(scene, host);
		break;
	case CHANGE_DIE:
		node_crash(scene, host);
		node_crash(scene, other);
		scene_run(scene, SOON_NS);
		node_boot(scene, host);
		node_boot(scene, other);
		break;
	case CHANGE_COUNT:
		break;
	}
	scene_run(scene, SOON_NS);
}

struct work {
	const struct part_config *config;
	uint32_t turns;
};

static void play(void *owner, uint64_t i, void *to)
{
	const struct work *work = owner;
	struct random random = { work->config->seed + i };
	struct scene_config config = { .seed = work->config->seed + i,
		.degree = i % 2 ? 4 : 2,
		.start_ns = NS_PER_SEC,
		.look_ns = NS_PER_SEC,
		.absent = JOINING };
	struct result *result = to;
	uint32_t present = HOSTS;
	struct scene scene;

	scene_init(&scene, &config, crowd_racks(HOSTS + JOINING, RACK, &random));
	scene_begin(&scene);
	scene_run(&scene, WARM_NS);
	for (uint32_t n = 0; n < work->turns; n++) {
		struct scene before = scene;

		change(&scene, (enum change)(n % CHANGE_COUNT), &present);
		add(&result->costs[n % CHANGE_COUNT], &before, &scene);
	}
	result->broken = guard_broken(&scene.guard) + scene.guard.unwatched_long;
	result->odd = scene.ledger.odd;
	result->longest_unwatched = (double)scene.guard.unwatched_ns / 1e9;
	memcpy(result->first, scene.guard.first, sizeof(result->first));
	scene_deinit(&scene);
}

static uint64_t print(const struct result *result, unsigned degree, uint64_t seed)
{
	bool wrong = result->broken || result->odd || result->costs[CHANGE_LEAVE].incidents ||
		result->costs[CHANGE_REBOOT].edges;

	for (unsigned i = 0; i < CHANGE_COUNT; i++) {
		const struct cost *cost = &result->costs[i];
		double changes = cost->changes ? (double)cost->changes : 1;

		printf("rules | degree %u | %-22s | %4llu times"
		       " | edges changed %5.2f, at most %2llu | lists told %5.2f, at most %2llu |"
		       " incidents %.2f\n",
			degree, change_texts[i], (unsigned long long)cost->changes,
			(double)cost->edges / changes, (unsigned long long)cost->edges_most,
			(double)cost->lists / changes, (unsigned long long)cost->lists_most,
			(double)cost->incidents / changes);
	}
	printf("rules | degree %u | promises broken %llu, odd events %llu"
	       " | unwatched at most %.1f s\n",
		degree, (unsigned long long)result->broken, (unsigned long long)result->odd,
		result->longest_unwatched);
	if (wrong)
		printf("  wrong: seed %llu: %s\n", (unsigned long long)seed, result->first);
	return wrong;
}

uint64_t part_rules(const struct part_config *config)
{
	struct work work = { config, config->longer ? TURNS_LONG : TURNS_SHORT };
	struct spread spread = { .processes = config->processes,
		.count = config->longer ? PIECES : 2,
		.size = sizeof(struct result),
		.work = play,
		.owner = &work };
	uint64_t done, wrong = 0;
	struct result *results autofree = spread_run(&spread, &done);

	for (uint64_t i = 0; i < done; i++)
		wrong += print(&results[i], i % 2 ? 4 : 2, config->seed + i);
	return wrong;
}
