// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/alive/crowd.h"
#include "tests/sim/alive/part.h"
#include "tests/sim/alive/scene.h"
#include "tests/sim/alive/spread.h"
#include "tests/sim/alive/window.h"

/*
 * Hosts that are called dead because datagrams are lost. Nothing ever fails here: every accusation
 * is false. Time passes for all hosts, or (window.h) only where losses could matter.
 */
enum { HOSTS = 48, RACK = 8 };

#define DAY_NS	  (86400 * NS_PER_SEC)
#define DAY_BEATS 86400.0

struct kind_of_loss {
	double loss, burst;
	uint32_t run; /* the shortest run of losses that is looked at in windows */
	bool in_short;
};

static const struct kind_of_loss losses[] = {
	{ 0, 0, 0, true },
	{ 0.05, 0, 5, false },
	{ 0.10, 0, 5, true },
	{ 0.25, 0, 7, true },
	{ 0.40, 0, 10, false },
	{ 0.05, 4, 12, false },
	{ 0.10, 4, 14, true },
	{ 0.25, 4, 17, false },
	{ 0.40, 4, 19, false },
};

enum { LOSSES = sizeof(losses) / sizeof(losses[0]) };

/* ---- all of the time ---- */

struct brute {
	double days; /* of hosts */
	uint64_t accusations, false_deaths, unreachable, incidents, probes, beats;
	char first[128];
};

struct brute_work {
	const struct part_config *config;
	uint64_t each; /* pieces for each kind of loss */
	int64_t ns;    /* that a piece lasts */
};

static uint64_t accusations(const struct scene *scene)
{
	return scene->sights[SIGHT_SILENT] + scene->sights[SIGHT_ONE_WAY] +
		scene->sights[SIGHT_REFUSED];
}

static void play_brute(void *owner, uint64_t i, void *to)
{
	const struct brute_work *work = owner;
	const struct kind_of_loss *kind = &losses[i / work->each];
	uint64_t seed = work->config->seed + i;
	struct random random = { seed };
	struct scene_config config = {
		.seed = seed, .loss = kind->loss, .burst = kind->burst, .start_ns = NS_PER_SEC
	};
	struct brute *brute = to;
	struct scene scene;
	uint64_t before, beats, incidents, probes;

	if (!kind->in_short && !work->config->longer)
		return;
	scene_init(&scene, &config, crowd_racks(HOSTS, RACK, &random));
	scene_begin(&scene);
	scene_run(&scene, window_warm_ns(kind->burst));
	before = accusations(&scene);
	beats = scene.beats;
	incidents = scene.ledger.incident_count;
	probes = scene.probes;
	scene_run(&scene, work->ns);
	brute->days = (double)HOSTS * (double)work->ns / (double)DAY_NS;
	brute->accusations = accusations(&scene) - before;
	brute->false_deaths = scene.guard.false_deaths;
	brute->incidents = scene.ledger.incident_count - incidents;
	brute->probes = scene.probes - probes;
	brute->beats = scene.beats - beats;
	memcpy(brute->first, scene.guard.first, sizeof(brute->first));
	scene_deinit(&scene);
}

static struct brute sum_brute(const struct brute *all, uint64_t from, uint64_t count)
{
	struct brute sum = { 0 };

	for (uint64_t i = from; i < from + count; i++) {
		sum.days += all[i].days;
		sum.accusations += all[i].accusations;
		sum.false_deaths += all[i].false_deaths;
		sum.incidents += all[i].incidents;
		sum.probes += all[i].probes;
		sum.beats += all[i].beats;
		if (!*sum.first)
			memcpy(sum.first, all[i].first, sizeof(sum.first));
	}
	return sum;
}

static void print_brute(const struct kind_of_loss *kind, const struct brute *sum)
{
	printf("loss | %3.0f %% %-11s | all of the time | %9.1f host-days | accusations %8llu,"
	       " %.3g a host-day | incidents %llu | probes %llu | false deaths %llu\n",
		100 * kind->loss, kind->burst > 0 ? "bursts of 4" : "independent", sum->days,
		(unsigned long long)sum->accusations, (double)sum->accusations / sum->days,
		(unsigned long long)sum->incidents, (unsigned long long)sum->probes,
		(unsigned long long)sum->false_deaths);
	if (*sum->first)
		printf("  first: %s\n", sum->first);
}

static struct brute *run_brute(const struct part_config *config, uint64_t each, int64_t ns)
{
	struct brute_work work = { config, each, ns };
	struct spread spread = { .processes = config->processes,
		.count = LOSSES * each,
		.size = sizeof(struct brute),
		.work = play_brute,
		.owner = &work };
	uint64_t done;

	return spread_run(&spread, &done);
}

/* ---- where it could matter ---- */

/* Runs that begin in a host-day on the two ways from its neighbours, or the two to them. */
static double runs_a_day(const struct kind_of_loss *kind)
{
	struct weather weather = { .loss = kind->loss, .burst = kind->burst };

	return 2 * DAY_BEATS * weather_run_rate(&weather, kind->run);
}

/* Pairs of runs of the two edges of a host that begin within WINDOW_APART of each other. */
static double pairs_a_day(const struct kind_of_loss *kind)
{
	struct weather weather = { .loss = kind->loss, .burst = kind->burst };
	double rate = weather_run_rate(&weather, kind->run);

	return 4 * DAY_BEATS * rate * rate * 2 * WINDOW_APART;
}

static void print_windows(const struct kind_of_loss *kind, const struct window_sum *sum,
	const char *what, double a_day, double weight)
{
	double days = (double)sum->windows / a_day;

	printf("loss | %3.0f %% %-11s | %-15s | %9.4g host-days"
	       " | accusations %8llu, %.3g a host-day | windows %llu of runs >= %u | cases with"
	       " two witnesses %llu | false deaths %llu,"
	       " %.2g a host-day\n",
		100 * kind->loss, kind->burst > 0 ? "bursts of 4" : "independent", what, days,
		(unsigned long long)sum->accusations, weight * (double)sum->accusations / days,
		(unsigned long long)sum->windows, kind->run, (unsigned long long)sum->both,
		(unsigned long long)sum->false_deaths, (double)sum->false_deaths / days);
}

static uint64_t judge(const struct kind_of_loss *kind, double deaths_a_day)
{
	double most = kind->loss <= 0.10 ? 0 : kind->loss <= 0.25 ? 1e-3 : 1;

	if (deaths_a_day <= most)
		return 0;
	printf("  wrong: more than %g false deaths a host-day\n", most);
	return 1;
}

static uint64_t run_windows(const struct part_config *config, const struct kind_of_loss *kind,
	const struct brute *brute, double days, uint64_t most)
{
	double pairs = days * pairs_a_day(kind);
	struct window_config window = { .seed = config->seed,
		.processes = config->processes,
		.loss = kind->loss,
		.burst = kind->burst,
		.run = kind->run,
		.windows = config->longer ? 4000 : 300 };
	struct window_sum sum;
	double one, other;

	window_run(&window, &sum);
	print_windows(kind, &sum, "single runs", runs_a_day(kind), 1);
	one = (double)sum.accusations / (double)sum.windows * runs_a_day(kind);
	other = (double)brute->accusations / brute->days;
	printf("  accusations a host-day: %.4g in windows, %.4g all of the time\n", one, other);
	window.pair = true;
	window.windows = pairs < (double)most ? (uint64_t)pairs + 1 : most;
	window_run(&window, &sum);
	print_windows(kind, &sum, "pairs of runs", pairs_a_day(kind), 1);
	return judge(kind, (double)sum.false_deaths * pairs_a_day(kind) / (double)sum.windows);
}

static uint64_t pairs_most(const struct part_config *config, uint64_t i)
{
	if (!config->longer)
		return 600;
	return losses[i].burst > 0 ? 20000 : 110000;
}

uint64_t part_loss(const struct part_config *config)
{
	uint64_t each = config->longer ? 2 : 1, wrong = 0;
	struct brute *all autofree =
		run_brute(config, each, (config->longer ? 6 : 1) * 3600 * NS_PER_SEC);

	printf("loss | seed %llu and up\n", (unsigned long long)config->seed);
	for (uint64_t i = 0; i < LOSSES; i++) {
		struct brute sum = sum_brute(all, i * each, each);

		if (sum.days <= 0)
			continue;
		print_brute(&losses[i], &sum);
		wrong += judge(&losses[i], (double)sum.false_deaths / sum.days);
		if (losses[i].run)
			wrong += run_windows(config, &losses[i], &sum, 1e6, pairs_most(config, i));
	}
	return wrong;
}
