// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/alive/crowd.h"
#include "tests/sim/alive/part.h"
#include "tests/sim/alive/scene.h"
#include "tests/sim/alive/spread.h"

/*
 * How long it takes until the death of a host is told, for estates of all sizes: hosts die one by
 * one, each behind another switch. Or each was cut off for a while shortly before it dies: that was
 * no loss, so it has to be told as fast.
 */
enum { RACK = 20, KILLS_MAX = 4000 };

#define SPREAD_OVER (NS_PER_SEC) /* hosts of one round die within this */
#define CUT_LEAST   (6 * NS_PER_SEC)
#define CUT_MOST    (22 * NS_PER_SEC)
#define CUT_SINCE   (60 * NS_PER_SEC)
/* Until the next hosts are cut off: twice in half an hour is a link that loses. */
#define CUT_REST (1900 * NS_PER_SEC)

struct kind_of_run {
	uint32_t hosts;
	double loss;
	uint32_t kills;
	int64_t warm_ns, wait_ns, rest_ns; /* before, for each round, and after it */
	bool in_short;
	bool cut; /* victims are cut off before they die */
};

static const struct kind_of_run runs[] = {
	{ 100, 0, 400, 100 * NS_PER_SEC, 12 * NS_PER_SEC, 20 * NS_PER_SEC, true, false },
	{ 1000, 0, 1000, 60 * NS_PER_SEC, 12 * NS_PER_SEC, 20 * NS_PER_SEC, true, false },
	{ 10000, 0, 2000, 10 * NS_PER_SEC, 12 * NS_PER_SEC, 15 * NS_PER_SEC, true, false },
	{ 100000, 0, 2000, 5 * NS_PER_SEC, 12 * NS_PER_SEC, 0, false, false },
	{ 1000000, 0, 4000, 4 * NS_PER_SEC, 12 * NS_PER_SEC, 0, false, false },
	{ 100, 0.05, 400, 700 * NS_PER_SEC, 40 * NS_PER_SEC, 60 * NS_PER_SEC, true, false },
	{ 1000, 0.05, 1000, 700 * NS_PER_SEC, 40 * NS_PER_SEC, 60 * NS_PER_SEC, false, false },
	{ 10000, 0.05, 1000, 700 * NS_PER_SEC, 40 * NS_PER_SEC, 60 * NS_PER_SEC, false, false },
	{ 100, 0.10, 400, 700 * NS_PER_SEC, 40 * NS_PER_SEC, 60 * NS_PER_SEC, true, false },
	{ 1000, 0.10, 1000, 700 * NS_PER_SEC, 40 * NS_PER_SEC, 60 * NS_PER_SEC, false, false },
	{ 10000, 0.10, 1000, 700 * NS_PER_SEC, 40 * NS_PER_SEC, 60 * NS_PER_SEC, false, false },
	{ 2000, 0, 80, 60 * NS_PER_SEC, 12 * NS_PER_SEC, CUT_REST, true, true },
	{ 1000, 0.25, 1000, 700 * NS_PER_SEC, 60 * NS_PER_SEC, 60 * NS_PER_SEC, false, false },
};

struct result {
	const struct kind_of_run *run;
	uint64_t kills, missed, other, false_deaths, events;
	double p50, p99, most, beats, seconds;
	char first[128];
};

struct victim {
	uint32_t host;
	struct instant at;
};

/* One host of each of some racks dies, in random order. */
static uint32_t choose_victims(struct scene *scene, uint32_t count, struct victim *victims)
{
	uint32_t racks = scene->fabric.switch_count,
		 first = (uint32_t)random_below(&scene->random, racks);
	uint32_t stride = racks / count ? racks / count : 1, chosen = 0;

	for (uint32_t i = 0; i < scene->fabric.host_count && chosen < count; i++) {
		uint32_t sw = scene->fabric.hosts[i].sw[0];

		if ((sw + first) % racks % stride || scene->marks[sw] == scene->mark)
			continue;
		scene->marks[sw] = scene->mark;
		victims[chosen++].host = i;
	}
	scene->mark++;
	return chosen;
}

static void set_cut(struct scene *scene, const struct victim *victims, uint32_t count, bool cut)
{
	for (uint32_t i = 0; i < count; i++)
		scene->fabric.hosts[victims[i].host].cut[0] = cut;
}

static void cut_off(struct scene *scene, const struct victim *victims, uint32_t count)
{
	set_cut(scene, victims, count, true);
	scene_run(scene, CUT_LEAST + (int64_t)random_below(&scene->random, CUT_MOST - CUT_LEAST));
	set_cut(scene, victims, count, false);
	scene_run(scene, CUT_SINCE);
}

static double take_one(struct scene *scene, const struct victim *victim, struct result *result)
{
	result->kills++;
	if (scene->ledger.status[victim->host] != ALIVE_DOWN) {
		result->missed++;
		return INFINITY;
	}
	return (double)instant_sub(scene->ledger.since[victim->host], victim->at) / 1e9;
}

static void play_round(struct scene *scene, const struct kind_of_run *run, uint32_t count,
	struct result *result, double *samples)
{
	struct victim *victims autofree = mem_alloc(count, sizeof(*victims));

	count = choose_victims(scene, count, victims);
	if (run->cut)
		cut_off(scene, victims, count);
	for (uint32_t i = 0; i < count; i++) {
		scene_run(scene, SPREAD_OVER / count);
		victims[i].at = scene_now(scene);
		node_crash(scene, victims[i].host);
	}
	scene_run(scene, run->wait_ns);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n = result->kills;

		samples[n] = take_one(scene, &victims[i], result);
		node_boot(scene, victims[i].host);
	}
}

static void play(void *owner, uint64_t i, void *to)
{
	const struct part_config *config = owner;
	const struct kind_of_run *run = &runs[i];
	struct result *result = to;
	struct random random = { config->seed + i };
	struct scene_config scene_config = {
		.seed = config->seed + i, .loss = run->loss, .start_ns = NS_PER_SEC
	};
	uint32_t kills = config->longer ? run->kills : run->kills / 4;
	uint32_t at_once = run->hosts / 100 + (run->hosts < 100);
	double samples[KILLS_MAX];
	struct scene scene;
	struct instant start = instant_now();

	if (config->count ? i + 1 != config->count : !run->in_short && !config->longer)
		return;
	result->run = run;
	scene_init(&scene, &scene_config, crowd_racks(run->hosts, RACK, &random));
	scene_begin(&scene);
	scene_run(&scene, run->warm_ns);
	while (result->kills < kills) {
		uint32_t left = kills - (uint32_t)result->kills;

		play_round(&scene, run, left < at_once ? left : at_once, result, samples);
		if (result->kills < kills)
			scene_run(&scene, run->rest_ns);
	}
	result->p50 = part_quantile(samples, result->kills, 0.5);
	result->p99 = part_quantile(samples, result->kills, 0.99);
	result->most = part_quantile(samples, result->kills, 1);
	result->beats = (double)scene.beats;
	result->events = scene.wheel.done;
	result->false_deaths = scene.guard.false_deaths;
	for (uint32_t n = 0; n < scene.ledger.incident_count; n++)
		result->other += scene.ledger.incidents[n].first.cause != ALIVE_CAUSE_HOST;
	memcpy(result->first, scene.guard.first, sizeof(result->first));
	result->seconds = (double)instant_sub(instant_now(), start) / 1e9;
	scene_deinit(&scene);
}

static uint64_t print(const struct result *result)
{
	const struct kind_of_run *run = result->run;
	bool late = run->loss == 0 && (result->p50 > 6.5 || result->p99 > 7.0);

	printf("time | %7u hosts | loss %4.0f %% | %5llu deaths%s"
	       " | told p50 %6.2f p99 %6.2f max %6.2f s | missed %llu | other incidents %llu |"
	       " false deaths %llu | %.3g events/s\n",
		run->hosts, 100 * run->loss, (unsigned long long)result->kills,
		run->cut ? " after an outage" : "", result->p50, result->p99, result->most,
		(unsigned long long)result->missed, (unsigned long long)result->other,
		(unsigned long long)result->false_deaths, (double)result->events / result->seconds);
	if (*result->first)
		printf("  wrong: %s\n", result->first);
	if (late)
		printf("  wrong: later than 6.5 s and 7 s\n");
	return result->missed + result->false_deaths + late;
}

uint64_t part_time(const struct part_config *config)
{
	struct spread spread = { .processes = config->processes,
		.count = sizeof(runs) / sizeof(runs[0]),
		.size = sizeof(struct result),
		.work = play,
		.owner = (void *)(uintptr_t)config };
	uint64_t done, wrong = 0;
	struct result *results autofree = spread_run(&spread, &done);
	double first = 0;

	printf("time | seed %llu and up\n", (unsigned long long)config->seed);
	for (uint64_t i = 0; i < done; i++) {
		if (!results[i].run)
			continue;
		wrong += print(&results[i]);
		if (results[i].run->loss > 0)
			continue;
		first = first ? first : results[i].p50;
		if (fabs(results[i].p50 / first - 1) > 0.05) {
			printf("  wrong: it grows with the number of hosts\n");
			wrong++;
		}
	}
	return wrong;
}
