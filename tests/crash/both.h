/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CRASH_BOTH_H
#define TESTS_CRASH_BOTH_H
/*
 * A nanoprobe's core and a CMA's, with its store, in one process: the host enrols and changes in
 * rounds, each told until it is durable; then somebody asks a query.
 */
#include <stdint.h>

enum { BOTH_ROUNDS = 6 };

/* Shared with who watches. */
struct both_told {
	uint64_t round; /* the agent was told that everything up to it is durable */
	uint64_t rows;	/* of the answer */
	/* Allocations until all was ready, until the query was asked, and until the end. */
	uint64_t begun, asked, ended;
};

/* 0 when it came to its end; -errno when it was refused, as a program is that then ends. */
int both_run(const char *directory, struct both_told *told);
/* NULL, or what is wrong with what is in the store of one that ended after that round. */
const char *both_check(const char *directory, uint64_t round);

#endif
