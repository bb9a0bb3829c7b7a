/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_RUNNER_H
#define TESTS_SIM_RUNNER_H
/*
 * Runs cases with one seed after the other, in several processes, until enough packets were sent,
 * enough seeds were run or enough time has passed. Whatever a process does to itself is a failure
 * of the seed that it ran, and ends no other.
 */
#include "tests/sim/cases.h"

struct runner_config {
	const char *only; /* the name of a case; NULL: all in turn */
	uint64_t seed;	  /* the first */
	uint64_t seeds;	  /* of each case; 0: without end */
	uint64_t packets; /* 0: without end */
	int64_t seconds;  /* of real time; 0: without end */
	unsigned processes;
};

/* Prints the sum once a minute and at the end, and each failure as it comes. How many failed. */
uint64_t runner_run(const struct runner_config *config);

#endif
