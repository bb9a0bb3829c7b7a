/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H
/*
 * A fuzz target is one function that must stay within bounds, and keep what it requires, for any
 * bytes. `make fuzz` looks for bytes that break one; replay.c runs what is in the corpus.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program at a broken promise, where a debugger and libFuzzer find it. */
#define fuzz_require(truth)      \
	do {                     \
		if (!(truth))    \
			abort(); \
	} while (0)

#endif
