/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_SPREAD_H
#define TESTS_SIM_ALIVE_SPREAD_H
/* Work in pieces that do not know of each other, in several processes. */
#include <stddef.h>
#include <stdint.h>

struct spread {
	unsigned processes;
	uint64_t count;
	int64_t until_ns; /* of the monotonic clock: no piece begins later; 0: all are done */
	size_t size;	  /* of a result */
	/* Fills in the result, zeroed before, of piece i. */
	void (*work)(void *owner, uint64_t i, void *result);
	void *owner;
};

/* The results, of which the caller frees the memory; *done: so many from the first on. Aborts when
 * a process died. */
void *spread_run(const struct spread *spread, uint64_t *done);

#endif
