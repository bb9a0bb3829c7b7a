// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/alive/crowd.h"
#include "tests/sim/alive/part.h"
#include "tests/sim/alive/plot.h"
#include "tests/sim/alive/spread.h"

/*
 * What failed, and what is said of it: one fault in each of many random fabrics, looked at while it
 * lasts and when it is over.
 */
enum { CASES_LONG = 13000, CASES_SHORT = 390 };

#define WARM_NS	  (8 * NS_PER_SEC)
#define DURING_NS (20 * NS_PER_SEC)
#define AFTER_NS  (60 * NS_PER_SEC)

struct result {
	enum plot_kind kind;
	bool played;
	uint32_t hosts, switches;
	uint32_t incidents;		/* that were opened for it */
	bool right, right_after, quiet; /* while it lasted; after it; and then nothing is open */
	uint32_t statuses;		/* of hosts, that are wrong while it lasts */
	uint64_t broken;		/* guard.h */
	double loss, told;		/* s until the incident was opened */
	char text[256];
};

static bool is_same(const struct alive_incident *a, const struct alive_incident *b)
{
	return a->cause == b->cause && a->tenant == b->tenant && a->node == b->node &&
		a->other == b->other;
}

static void say(struct result *result, const char *when, const struct scene *scene, uint32_t from)
{
	size_t at = strlen(result->text);

	if (at)
		return;
	at = (size_t)snprintf(result->text, sizeof(result->text), "%s: ", when);
	for (uint32_t i = from; i < scene->ledger.incident_count && at < sizeof(result->text);
		i++) {
		ledger_incident_text(
			&scene->ledger.incidents[i], result->text + at, sizeof(result->text) - at);
		at = strlen(result->text);
		if (at + 2 < sizeof(result->text))
			at += (size_t)snprintf(result->text + at, sizeof(result->text) - at, "; ");
	}
}

/* Exactly what is true has been opened since. */
static bool is_right(const struct scene *scene, const struct plot *plot, bool over, uint32_t from)
{
	const struct ledger *ledger = &scene->ledger;
	struct alive_incident truth;

	if (!plot_truth(scene, plot, over, &truth))
		return ledger->incident_count == from;
	return ledger->incident_count == from + 1 && is_same(&ledger->incidents[from].is, &truth);
}

static void look_during(struct scene *scene, const struct plot *plot, uint32_t from,
	struct instant since, struct result *result)
{
	result->right = is_right(scene, plot, false, from);
	if (scene->ledger.incident_count > from)
		result->told =
			(double)instant_sub(scene->ledger.incidents[from].opened, since) / 1e9;
	for (uint32_t i = 0; i < scene->fabric.host_count; i++)
		result->statuses += scene->ledger.status[i] != plot_status(plot, scene, i);
	if (!result->right)
		say(result, "while it lasts", scene, from);
	else if (result->statuses)
		snprintf(result->text, sizeof(result->text),
			"while it lasts %u hosts have a wrong status", result->statuses);
}

static void look_after(
	struct scene *scene, const struct plot *plot, uint32_t from, struct result *result)
{
	result->incidents = scene->ledger.incident_count - from;
	result->right_after = is_right(scene, plot, true, from);
	result->quiet = !ledger_open(&scene->ledger) &&
		ledger_count(&scene->ledger, ALIVE_UP) == scene->fabric.host_count;
	if (!result->right_after || !result->quiet)
		say(result, "after it", scene, from);
}

static void play(void *owner, uint64_t i, void *to)
{
	static const double losses[] = { 0, 0, 0, 0.01, 0.05 };
	const struct part_config *config = owner;
	struct random random = { config->seed + i };
	struct scene_config scene_config = { .seed = config->seed + i,
		.loss = losses[random_below(&random, 5)],
		.degree = random_percent(&random, 25) ? 4 : 2,
		.start_ns = NS_PER_SEC,
		.told = config->verbose,
		.look_ns = NS_PER_SEC };
	struct result *result = to;
	struct plot plot;
	struct scene scene;
	uint32_t from;

	result->kind = (enum plot_kind)((config->seed + i) % PLOT_COUNT);
	result->loss = scene_config.loss;
	scene_init(&scene, &scene_config, crowd_any(&random));
	scene_begin(&scene);
	scene_run(&scene, WARM_NS + (int64_t)random_below(&scene.random, NS_PER_SEC));
	result->hosts = scene.fabric.host_count;
	result->switches = scene.fabric.switch_count;
	from = scene.ledger.incident_count;
	if (!plot_choose(&scene, result->kind, &plot)) {
		struct instant since = scene_now(&scene);

		result->played = true;
		plot_begin(&scene, &plot);
		scene_run(&scene, DURING_NS);
		look_during(&scene, &plot, from, since, result);
		plot_end(&scene, &plot);
		scene_run(&scene, AFTER_NS);
		look_after(&scene, &plot, from, result);
		result->broken = guard_broken(&scene.guard) + scene.guard.unwatched_long +
			scene.ledger.odd + from;
		if (result->broken && !*result->text)
			snprintf(result->text, sizeof(result->text),
				"%s; %llu odd events; %u incidents before", scene.guard.first,
				(unsigned long long)scene.ledger.odd, from);
	}
	scene_deinit(&scene);
}

struct sum {
	uint64_t played, right, right_after, quiet, statuses, incidents, broken;
	double told;
};

static bool is_wrong(const struct result *result)
{
	return !result->right || !result->right_after || !result->quiet || result->statuses ||
		result->broken;
}

static void add(struct sum *sum, const struct result *result)
{
	sum->played++;
	sum->right += result->right;
	sum->right_after += result->right_after;
	sum->quiet += result->quiet;
	sum->statuses += result->statuses == 0;
	sum->incidents += result->incidents;
	sum->broken += result->broken != 0;
	if (result->told > sum->told)
		sum->told = result->told;
}

static void print(const char *name, const struct sum *sum)
{
	double played = sum->played ? (double)sum->played : 1;

	printf("cause | %-12s | %6llu faults | right %6.2f %% | after it %6.2f %% | over %6.2f %%"
	       " | statuses %6.2f %% | incidents per fault %.3f | told within %5.2f s"
	       " | promises broken %llu\n",
		name, (unsigned long long)sum->played, 100 * (double)sum->right / played,
		100 * (double)sum->right_after / played, 100 * (double)sum->quiet / played,
		100 * (double)sum->statuses / played, (double)sum->incidents / played, sum->told,
		(unsigned long long)sum->broken);
}

static void list_wrong(
	const struct part_config *config, const struct result *results, uint64_t done)
{
	for (uint64_t i = 0; i < done; i++) {
		if (!results[i].played || !is_wrong(&results[i]))
			continue;
		printf("  wrong: seed %llu: %s, %u hosts, %u switches, loss %.0f %%: %s\n",
			(unsigned long long)(config->seed + i), plot_text(results[i].kind),
			results[i].hosts, results[i].switches, 100 * results[i].loss,
			results[i].text);
	}
}

uint64_t part_cause(const struct part_config *config)
{
	struct spread spread = { .processes = config->processes,
		.count = config->count	 ? config->count
			: config->longer ? CASES_LONG
					 : CASES_SHORT,
		.size = sizeof(struct result),
		.work = play,
		.owner = (void *)(uintptr_t)config };
	uint64_t done, verdicts;
	struct result *results autofree = spread_run(&spread, &done);
	struct sum sums[PLOT_COUNT + 1] = { 0 };
	struct sum *all = &sums[PLOT_COUNT];

	for (uint64_t i = 0; i < done; i++) {
		if (!results[i].played)
			continue;
		add(&sums[results[i].kind], &results[i]);
		add(all, &results[i]);
	}
	list_wrong(config, results, done);
	for (unsigned i = 0; i < PLOT_COUNT; i++)
		print(plot_text((enum plot_kind)i), &sums[i]);
	print("all", all);
	verdicts = all->right + all->right_after;
	printf("cause | seeds %llu to %llu | verdicts right %.2f %%, goal 99 %%"
	       " | incidents per fault %.3f, goal 1.05\n",
		(unsigned long long)config->seed, (unsigned long long)(config->seed + done - 1),
		50 * (double)verdicts / (double)all->played,
		(double)all->incidents / (double)all->played);
	return (verdicts * 100 < 2 * all->played * 99) + all->broken +
		(all->incidents * 100 > all->played * 105);
}
