/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_KNOWN_H
#define CMA_GRAPH_KNOWN_H
/*
 * Nodes that are alive and were met lately, by name: what one message says is mostly about the same
 * few, and to find one costs a search in an index of all. A guess that may be forgotten at any
 * time, never wrong: whoever ends or renames a node forgets it here, and after a rollback all is.
 */
#include <stdbool.h>
#include <stdint.h>

enum { KNOWN_TEXT = 72, KNOWN_KIND = 16, KNOWN_SLOTS = 2048 };

struct known_node {
	int64_t id; /* 0: nothing is here */
	int64_t owner;
	char kind[KNOWN_KIND];
	char key[KNOWN_TEXT], label[KNOWN_TEXT];
};

struct known {
	struct known_node slots[KNOWN_SLOTS]; /* by hash of the name; the last one stays */
};

/* NULL when it is not here. */
const struct known_node *known_find(
	const struct known *known, int64_t owner, const char *kind, const char *key);
/* label "": not known, which is no label's name. Nothing when a text is too long. */
void known_keep(struct known *known, int64_t id, int64_t owner, const char *kind, const char *key,
	const char *label);
void known_forget(struct known *known, int64_t owner, const char *kind, const char *key);
void known_clear(struct known *known);

#endif
