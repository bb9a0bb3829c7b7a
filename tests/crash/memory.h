/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CRASH_MEMORY_H
#define TESTS_CRASH_MEMORY_H
/* malloc, calloc and realloc of the whole process, libraries too, that fail when they are told to.
 */
#include <stdbool.h>
#include <stdint.h>

/* Counts from now on; the n-th fails (0: none), and for_good: all after it. */
void memory_fail(uint64_t n, bool for_good);
/* How many there were since then. */
uint64_t memory_count(void);
/* None fails any more. */
void memory_stop(void);

#endif
