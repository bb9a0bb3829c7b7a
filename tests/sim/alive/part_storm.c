// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/alive/crowd.h"
#include "tests/sim/alive/part.h"
#include "tests/sim/alive/scene.h"
#include "tests/sim/alive/spread.h"

/* Half of an estate dies at once; a whole one is switched on. */
enum { RACK = 40 };

#define WARM_NS	     (8 * NS_PER_SEC)
#define CLASSIFY_NS  (30 * NS_PER_SEC)
#define SWITCH_ON_NS (600 * NS_PER_SEC)
#define LOOK_NS	     (5 * NS_PER_SEC)

enum storm { STORM_HOSTS, STORM_RACKS, STORM_POWER_ON, STORM_COUNT };

static const char *const storm_texts[STORM_COUNT] = { "half of the hosts die",
	"half of the racks die", "all are switched on" };

struct result {
	uint32_t hosts, dead, told, incidents, switches_told, most_of_a_switch, unready;
	uint64_t false_deaths, unwatched, edges, lists, odd;
	double last, cpu, wall, bytes, longest_unwatched;
	char first[128];
};

/* Whether what dies is chosen host by host, or rack by rack. */
static void kill_half(struct scene *scene, bool racks, struct result *result)
{
	uint32_t all = racks ? scene->fabric.switch_count : scene->fabric.host_count;
	uint32_t *chosen autofree = mem_alloc(all, sizeof(*chosen));

	for (uint32_t i = 0; i < all; i++) {
		uint32_t other = (uint32_t)random_below(&scene->random, i + 1);

		chosen[i] = chosen[other];
		chosen[other] = i < all / 2;
	}
	for (uint32_t i = 0; i < scene->fabric.host_count; i++) {
		if (!chosen[racks ? scene->fabric.hosts[i].sw[0] : i])
			continue;
		node_crash(scene, i);
		result->dead++;
	}
	for (uint32_t i = 0; racks && i < all; i++)
		scene->fabric.switches[i].dead = chosen[i];
}

static void look_at_dead(struct scene *scene, struct instant since, struct result *result)
{
	for (uint32_t i = 0; i < scene->fabric.host_count; i++) {
		uint8_t status = scene->ledger.status[i];
		double after = (double)instant_sub(scene->ledger.since[i], since) / 1e9;

		if (!scene->fabric.hosts[i].dead)
			continue;
		if (status != ALIVE_DOWN && status != ALIVE_UNREACHABLE)
			continue;
		result->told++;
		result->last = after > result->last ? after : result->last;
	}
}

/* How many incidents concern what is behind one switch. */
static void look_at_incidents(struct scene *scene, struct result *result)
{
	uint32_t *of autofree = mem_alloc(scene->fabric.switch_count, sizeof(*of));

	result->incidents = scene->ledger.incident_count;
	for (uint32_t i = 0; i < scene->ledger.incident_count; i++) {
		const struct ledger_incident *incident = &scene->ledger.incidents[i];
		uint32_t sw = (uint32_t)incident->is.node;

		if (incident->is.cause == ALIVE_CAUSE_HOST)
			sw = scene->fabric.hosts[scene_host(incident->is.node)].sw[0];
		else if (incident->is.cause == ALIVE_CAUSE_SWITCH)
			result->switches_told++;
		else
			continue;
		of[sw]++;
		if (of[sw] > result->most_of_a_switch)
			result->most_of_a_switch = of[sw];
	}
}

static void play_deaths(struct scene *scene, bool racks, struct result *result)
{
	struct instant since;

	scene_run(scene, WARM_NS);
	since = scene_now(scene);
	kill_half(scene, racks, result);
	scene_run(scene, CLASSIFY_NS);
	look_at_dead(scene, since, result);
	look_at_incidents(scene, result);
}

static uint32_t count_unready(const struct scene *scene)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scene->fabric.host_count; i++)
		count += !scene->nodes[i].ring || !ring_version(scene->nodes[i].ring) ||
			scene->nodes[i].pending || scene->guard.unwatched[i].ns != INT64_MAX;
	return count;
}

/* Until all have their lists and somebody who watches them. */
static void play_power_on(struct scene *scene, struct result *result)
{
	do {
		scene_run(scene, LOOK_NS);
		guard_look(scene);
		result->unready = count_unready(scene);
		result->last = (double)instant_sub(scene_now(scene), WHEEL_START) / 1e9;
	} while (result->unready && result->last < (double)SWITCH_ON_NS / 1e9);
	look_at_incidents(scene, result);
}

struct work {
	const struct part_config *config;
	uint32_t hosts[STORM_COUNT];
	int64_t start_ns[STORM_COUNT];
};

static void play(void *owner, uint64_t i, void *to)
{
	const struct work *work = owner;
	struct random random = { work->config->seed + i };
	struct scene_config config = { .seed = work->config->seed + i,
		.start_ns = work->start_ns[i],
		.off = i == STORM_POWER_ON,
		.look_ns = i == STORM_POWER_ON ? 0 : 2 * NS_PER_SEC };
	struct instant start = instant_now();
	struct result *result = to;
	struct scene scene;

	if (work->config->count && i + 1 != work->config->count)
		return;
	scene_init(&scene, &config, crowd_racks(work->hosts[i], RACK, &random));
	scene_begin(&scene);
	if (i == STORM_POWER_ON)
		play_power_on(&scene, result);
	else
		play_deaths(&scene, i == STORM_RACKS, result);
	result->hosts = work->hosts[i];
	result->false_deaths = scene.guard.false_deaths + scene.guard.hung_deaths;
	result->unwatched = scene.guard.unwatched_long;
	result->longest_unwatched = (double)scene.guard.unwatched_ns / 1e9;
	result->edges = scene.ledger.edges_begun + scene.ledger.edges_ended;
	result->lists = scene.lists;
	result->odd = scene.ledger.odd;
	result->cpu = (double)scene.centre.cpu_ns / 1e9;
	result->bytes = (double)scene.centre.bytes;
	result->wall = (double)instant_sub(instant_now(), start) / 1e9;
	memcpy(result->first, scene.guard.first, sizeof(result->first));
	scene_deinit(&scene);
}

static uint64_t print(const struct result *result, enum storm storm, uint64_t seed)
{
	bool deaths = storm != STORM_POWER_ON;
	bool wrong = result->told != result->dead || result->unready || result->false_deaths ||
		result->odd || (deaths && result->unwatched) ||
		(storm == STORM_RACKS && result->most_of_a_switch > 1) ||
		result->last > (double)(deaths ? CLASSIFY_NS : SWITCH_ON_NS) / 1e9;

	printf("storm | %-21s | %7u hosts | %s %u of %u after %.1f s"
	       " | incidents %u, of switches %u, at most %u of one switch | edges %llu, lists %llu"
	       " | unwatched at most %.1f s |"
	       " the CMA: %.1f s of processor, %.1f MB | took %.0f s\n",
		storm_texts[storm], result->hosts, deaths ? "told" : "ready",
		deaths ? result->told : result->hosts - result->unready,
		deaths ? result->dead : result->hosts, result->last, result->incidents,
		result->switches_told, result->most_of_a_switch, (unsigned long long)result->edges,
		(unsigned long long)result->lists, result->longest_unwatched, result->cpu,
		result->bytes / 1e6, result->wall);
	if (wrong)
		printf("  wrong: seed %llu: %llu false deaths, %llu unwatched, %llu odd events;"
		       " %s\n",
			(unsigned long long)seed, (unsigned long long)result->false_deaths,
			(unsigned long long)result->unwatched, (unsigned long long)result->odd,
			result->first);
	return wrong;
}

uint64_t part_storm(const struct part_config *config)
{
	struct work all = { config, { 100000, 100000, 1000000 },
		{ NS_PER_SEC, NS_PER_SEC, 40 * NS_PER_SEC } };
	struct work some = { config, { 10000, 10000, 20000 },
		{ NS_PER_SEC, NS_PER_SEC, 10 * NS_PER_SEC } };
	struct spread spread = { .processes = config->processes,
		.count = STORM_COUNT,
		.size = sizeof(struct result),
		.work = play,
		.owner = config->longer ? &all : &some };
	uint64_t done, wrong = 0;
	struct result *results autofree = spread_run(&spread, &done);

	for (uint64_t i = 0; i < done; i++) {
		if (!results[i].hosts)
			continue;
		wrong += print(&results[i], (enum storm)i, config->seed + i);
	}
	return wrong;
}
