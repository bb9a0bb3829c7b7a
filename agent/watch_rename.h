/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_RENAME_H
#define AGENT_WATCH_RENAME_H
/*
 * Inside of agent/watch.h: programs that are called otherwise soon after their start, because they
 * set a title, drop their privileges, or leave the work to a child. What they became is remembered,
 * so that after a restart they have that name at once.
 */
#include "agent/watch_who.h"

struct rename {
	uint64_t before; /* hash of the first name */
	struct program *after;
};

/* What a program that starts with this name becomes; NULL when that is not known. */
struct program *rename_find(const struct watch *watch, const char *name);
/* It became something else: tells its clients anew, and remembers it. */
void rename_learn(struct watch *watch, struct program *before, struct program *after);
/* It stays what it is. */
void rename_forget(struct watch *watch, const struct program *program);
void rename_free_all(struct watch *watch);

#endif
