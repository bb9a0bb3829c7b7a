// SPDX-License-Identifier: Apache-2.0
/*
 * Power comes back: agents with real cryptography all begin to call one real cma at once, enrol,
 * send their digest and what it asks for, until all of that is on its disk, and get neighbours to
 * exchange heartbeats with, until each has said that it holds its last list and the ring is on the
 * disk, too. bench_storm [AGENTS]. Both ends share this machine; no heartbeats are sent, which
 * would be 200,000 a second from one process. Prints "name | value | goal" lines.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/fleet.h"

enum { AGENTS = 100000, PATIENCE_S = 300, DEGREE = 2 };

static unsigned int most_inits(const struct fleet *fleet, double *mean)
{
	unsigned int most = 0;
	double sum = 0;

	for (size_t i = 0; i < fleet->count; i++) {
		sum += fleet->agents[i].inits;
		if (fleet->agents[i].inits > most)
			most = fleet->agents[i].inits;
	}
	*mean = sum / (double)fleet->count;
	return most;
}

static unsigned long long status_count(const char *text, const char *name)
{
	char *word autofree = text_format("\"%s\":", name);
	const char *at = strstr(text, word);

	return at ? strtoull(at + strlen(word), NULL, 10) : ULLONG_MAX;
}

/* Nobody waits for a list, and what was decided is on the disk. */
static bool is_calm(const struct fleet *fleet, const char *cmactl)
{
	char *command autofree =
		text_format("%s --control %s -o json status", cmactl, fleet->control);
	FILE *from = popen(command, "r");
	char text[16384];
	size_t size = from ? fread(text, 1, sizeof(text) - 1, from) : 0;

	if (from)
		pclose(from);
	text[size] = '\0';
	return !status_count(text, "lists_waiting") && !status_count(text, "decisions_waiting");
}

static size_t ringed(const struct fleet *fleet, double *lists)
{
	size_t count = 0;

	*lists = 0;
	for (size_t i = 0; i < fleet->count; i++) {
		count += fleet->agents[i].neighbours == DEGREE;
		*lists += fleet->agents[i].lists;
	}
	*lists /= (double)fleet->count;
	return count;
}

/* Of all threads of the CMA so far: what others do on this machine does not count. */
static double cma_cpu(const struct fleet *fleet)
{
	struct timespec used = { 0 };
	clockid_t clock;

	if (!clock_getcpuclockid(fleet->cma, &clock))
		clock_gettime(clock, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / NS_PER_SEC;
}

/* Goes on until all agents have neighbours, and the CMA has nothing left to do for them. */
static void make_ring(struct fleet *fleet, const char *cmactl, struct instant began)
{
	struct instant asked = { 0 };
	double lists;

	while (fleet_seconds_since(began) < PATIENCE_S) {
		fleet_turn(fleet);
		if (fleet_seconds_since(asked) < 0.5)
			continue;
		if (ringed(fleet, &lists) == fleet->count && is_calm(fleet, cmactl))
			return;
		asked = instant_now();
	}
}

int main(int argc, char **argv)
{
	size_t agents = argc > 1 ? strtoul(argv[1], NULL, 10) : AGENTS;
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	char cma[256], cmactl[256];
	unsigned int most;
	struct fleet fleet;
	struct instant began;
	double mean, seconds, lists;

	snprintf(cma, sizeof(cma), "%s/cma", build);
	snprintf(cmactl, sizeof(cmactl), "%s/cmactl", build);
	fleet_open(&fleet, cma, cmactl, agents);
	fleet_beat(&fleet);
	for (size_t i = 0; i < agents; i++)
		fleet_start(&fleet, i);
	began = instant_now();
	while (fleet.settled < agents && fleet_seconds_since(began) < PATIENCE_S)
		fleet_turn(&fleet);
	seconds = fleet_seconds_since(began);
	printf("%zu agents power on at once: all joined and durable | %.1f s | <= 60\n", agents,
		seconds);
	printf("  of them not joined | %zu | <= 0\n", agents - fleet.settled);
	make_ring(&fleet, cmactl, began);
	printf("  all hold their neighbours, durably, %d each | %.1f s | <= 60\n", DEGREE,
		fleet_seconds_since(began));
	printf("  of them without %d neighbours | %zu | <= 0\n", DEGREE,
		agents - ringed(&fleet, &lists));
	printf("  CPU of the cma for each | %.0f us | -\n",
		cma_cpu(&fleet) * 1e6 / (double)fleet.count);
	printf("  lists that each got, mean | %.2f | -\n", lists);
	most = most_inits(&fleet, &mean);
	printf("  INITs of each, mean | %.2f | <= 2.2\n", mean);
	printf("  INITs of one, most | %u | -\n", most);
	agents -= fleet.settled;
	fleet_close(&fleet);
	return agents > 0;
}
