/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H
/*
 * The bytes of each release, kept in tests/data/golden/RELEASE/. Every release is read, and what
 * the code writes is to the last bit what that release wrote. With GOLDEN=write in the environment
 * the files of VERSION that are missing are made; docs/protocol.md (Versions) says when.
 */
#include "base/buf.h"

void golden_assert_same(struct span got, struct span expect);
/* The caller frees .data; NULL: there is none. */
struct span golden_load(const char *release, const char *name);
/* Compares with what VERSION has, or makes it. */
void golden_keep(const char *name, struct span made);
/* Calls visit with each release, and says how many there are. */
unsigned golden_each(void (*visit)(const char *release));

#endif
