/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_FACTS_H
#define TESTS_SIM_FACTS_H
/* The facts that hosts of a simulation have: number i is in one of four sections. */
#include <stdbool.h>

#include "wire/fact.h"

enum { FACTS_MAX = 128, FACTS_BARE = 16, FACTS_SECTIONS = 4, FACTS_KEY_SIZE = 8 };

enum section facts_section(size_t i);
/* Keys of a section are in the order of the numbers. */
struct span facts_key(size_t i, char memory[FACTS_KEY_SIZE]);
/* False: no fact of a simulation has that name. */
bool facts_find(enum section section, struct span key, size_t *i);
/*
 * A JSON object made from a seed, with a text of at most max bytes; memory holds max + 128. Below
 * FACTS_BARE there is nothing but that text.
 */
struct span facts_value(size_t i, uint64_t seed, size_t max, char *memory);

#endif
