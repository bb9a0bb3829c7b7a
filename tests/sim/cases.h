/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_CASES_H
#define TESTS_SIM_CASES_H
/* What is simulated: each case is a world, run with one seed after the other. */
#include "tests/sim/world.h"

struct sim_case {
	const char *name;
	struct world_config config; /* but for its seed */
	int64_t seconds;	    /* of simulated time, before the faults end */
};

extern const struct sim_case sim_cases[];
extern const size_t sim_case_count;

struct sim_result {
	struct world_figures figures;
	int64_t settle_ns; /* from the end of the faults until nobody had anything left to do */
	char wrong[256];   /* which invariant was broken; empty: none */
};

void sim_run(const struct sim_case *which, uint64_t seed, struct sim_result *result);

#endif
