/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_WINDOW_H
#define TESTS_SIM_ALIVE_WINDOW_H
/*
 * Only the moments that matter of very long times. An edge is accused only after a run of
 * losses in a row, and such runs are rare: how often they begin is known (weather_run_rate). So a
 * small estate that has lived long enough under the true loss is copied (fork) at random moments, a
 * run is made to begin there, and after it everything is left to the true loss again. Each copy
 * stands for the time in which one such run is to be expected. For the death of a host both of its
 * edges have to be accused: with pair, two runs begin within WINDOW_APART beats, one on each edge.
 */
#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_APART = 40 };

struct window_config {
	uint64_t seed;
	unsigned processes;
	double loss, burst;
	uint32_t run; /* a run has at least so many losses */
	bool pair;
	uint64_t windows;
};

struct window_sum {
	uint64_t windows, accusations, both, false_deaths;
};

/* How long an estate has to live under its loss before it is looked at. */
int64_t window_warm_ns(double burst);
void window_run(const struct window_config *config, struct window_sum *sum);

#endif
