/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_PART_H
#define TESTS_SIM_ALIVE_PART_H
/* The parts of the proof. Each prints its figures and what was wrong, and tells how many that is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct part_config {
	uint64_t seed;
	unsigned processes;
	bool longer;	/* all of it, which takes long; else a part, in bounded time */
	uint64_t count; /* cause: so many cases; time, storm: only that run; 0: all of it */
	bool verbose;
};

uint64_t part_time(const struct part_config *config);
uint64_t part_loss(const struct part_config *config);
uint64_t part_stall(const struct part_config *config);
uint64_t part_cause(const struct part_config *config);
uint64_t part_storm(const struct part_config *config);
uint64_t part_rules(const struct part_config *config);

/* Sorts the samples; the one below which this share of all is. */
double part_quantile(double *samples, size_t count, double share);

#endif
