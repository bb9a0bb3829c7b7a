// SPDX-License-Identifier: Apache-2.0
/*
 * Power comes back: agents with real cryptography all begin to call one real cma at once, enrol,
 * send their digest and what it asks for, until all of that is on its disk. bench_storm [AGENTS].
 * Both ends share this machine. Prints "name | value | goal" lines.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fleet.h"

enum { AGENTS = 100000, PATIENCE_S = 300 };

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

int main(int argc, char **argv)
{
	size_t agents = argc > 1 ? strtoul(argv[1], NULL, 10) : AGENTS;
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	char cma[256], cmactl[256];
	unsigned int most;
	struct fleet fleet;
	struct instant began;
	double mean, seconds;

	snprintf(cma, sizeof(cma), "%s/cma", build);
	snprintf(cmactl, sizeof(cmactl), "%s/cmactl", build);
	fleet_open(&fleet, cma, cmactl, agents);
	for (size_t i = 0; i < agents; i++)
		fleet_start(&fleet, i);
	began = instant_now();
	while (fleet.settled < agents && fleet_seconds_since(began) < PATIENCE_S)
		fleet_turn(&fleet);
	seconds = fleet_seconds_since(began);
	most = most_inits(&fleet, &mean);
	printf("%zu agents power on at once: all joined and durable | %.1f s | <= 60\n", agents,
		seconds);
	printf("  of them not joined | %zu | <= 0\n", agents - fleet.settled);
	printf("  INITs of each, mean | %.2f | <= 2.2\n", mean);
	printf("  INITs of one, most | %u | -\n", most);
	agents -= fleet.settled;
	fleet_close(&fleet);
	return agents > 0;
}
