// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/window.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/sim/alive/crowd.h"
#include "tests/sim/alive/scene.h"
#include "tests/sim/alive/spread.h"

enum { HOSTS = 6, RACK = 3, EACH = 500 /* windows of one estate */ };

/* Until all that is measured of an edge is as it stays. */
#define WARM_NS	      (700 * NS_PER_SEC)
#define WARM_BURST_NS (7300 * NS_PER_SEC)
#define APART_NS      (10 * NS_PER_SEC) /* that pass between two copies */
/* Beyond the beats that are lost for certain: until all are accused, and until it is decided. */
#define ACCUSED_NS (15 * NS_PER_SEC)
#define DECIDED_NS (40 * NS_PER_SEC)

struct piece {
	const struct window_config *config;
	struct scene scene;
	struct window_sum *sum;
};

int64_t window_warm_ns(double burst)
{
	return burst > 0 ? WARM_BURST_NS : WARM_NS;
}

/* Its two edges, in a random order. */
static void mark_edges(struct scene *scene, uint32_t host)
{
	unsigned count = (unsigned)random_below(&scene->random, 2);

	for (uint32_t i = 0; i < scene->ledger.edge_end; i++) {
		const struct ledger_edge *edge = &scene->ledger.edges[i];

		if (edge->there && (edge->low == host || edge->high == host))
			scene->marked.edge[count++ % 2] = i;
	}
	if (!scene->marked.edge[0] || !scene->marked.edge[1])
		abort();
}

/* On one of the two ways of an edge. */
static void force(struct scene *scene, uint32_t number, uint32_t run)
{
	const struct ledger_edge *edge = &scene->ledger.edges[number];
	bool turned = random_percent(&scene->random, 50);

	weather_force(&scene->weather, turned ? edge->low : edge->high,
		turned ? edge->high : edge->low, run);
}

/* In a process of its own. */
static void play(struct scene *scene, const struct window_config *config, struct window_sum *sum)
{
	uint32_t host = (uint32_t)random_below(&scene->random, HOSTS);
	uint64_t dead = scene->guard.false_deaths;
	int64_t long_ns = config->run * NS_PER_SEC + (config->pair ? DECIDED_NS : ACCUSED_NS);

	mark_edges(scene, host);
	if (!config->pair)
		scene->marked.edge[1] = 0;
	force(scene, scene->marked.edge[0], config->run);
	if (config->pair) {
		int64_t later =
			(int64_t)random_below(&scene->random, WINDOW_APART * (uint64_t)NS_PER_SEC);

		scene_run(scene, later);
		force(scene, scene->marked.edge[1], config->run);
	}
	scene_run(scene, long_ns);
	sum->windows++;
	sum->accusations += scene->marked.accusations;
	sum->both += scene->marked.both;
	sum->false_deaths += scene->guard.false_deaths - dead;
}

static void work(void *owner, uint64_t i, void *to)
{
	const struct window_config *config = owner;
	struct random random = { config->seed + i };
	struct scene_config scene_config = { .seed = config->seed + i,
		.loss = config->loss,
		.burst = config->burst,
		.start_ns = NS_PER_SEC };
	struct window_sum *sum = to;
	struct scene scene;

	scene_init(&scene, &scene_config, crowd_racks(HOSTS, RACK, &random));
	scene_begin(&scene);
	scene_run(&scene, window_warm_ns(config->burst));
	for (uint64_t n = i * EACH; n < (i + 1) * EACH && n < config->windows; n++) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			abort();
		if (!pid) {
			scene.random.state ^= n * 0x9e3779b97f4a7c15U;
			scene.weather.random.state ^= n * 0xbf58476d1ce4e5b9U;
			play(&scene, config, sum);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			abort();
		scene_run(&scene, APART_NS);
	}
	scene_deinit(&scene);
}

void window_run(const struct window_config *config, struct window_sum *sum)
{
	struct spread spread = { .processes = config->processes,
		.count = (config->windows + EACH - 1) / EACH,
		.size = sizeof(*sum),
		.work = work,
		.owner = (void *)(uintptr_t)config };
	uint64_t done;
	struct window_sum *sums autofree = spread_run(&spread, &done);

	*sum = (struct window_sum){ 0 };
	for (uint64_t i = 0; i < done; i++) {
		sum->windows += sums[i].windows;
		sum->accusations += sums[i].accusations;
		sum->both += sums[i].both;
		sum->false_deaths += sums[i].false_deaths;
	}
}
