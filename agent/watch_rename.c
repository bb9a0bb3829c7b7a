// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_rename.h"

#include <string.h>

#include "agent/watch_state.h"

static uint64_t id_of(const char *name)
{
	return naming_hash(NAMING_HASH_START, name, strlen(name));
}

static struct rename *find(const struct watch *watch, uint64_t before)
{
	for (size_t i = 0; i < WATCH_RENAMES_MAX; i++) {
		const struct rename *rename = &watch->renames[i];

		if (rename->after && rename->before == before)
			return (struct rename *)rename;
	}
	return NULL;
}

struct program *rename_find(const struct watch *watch, const char *name)
{
	const struct rename *rename = find(watch, id_of(name));

	return rename ? rename->after : NULL;
}

void rename_learn(struct watch *watch, struct program *before, struct program *after)
{
	uint64_t id = id_of(thing_key(&before->thing));
	struct rename *rename = find(watch, id);

	if (before == after)
		return;
	rename_forget(watch, after);
	if (!rename)
		rename = &watch->renames[watch->rename_next++ % WATCH_RENAMES_MAX];
	program_hold(after);
	program_put(watch, rename->after);
	*rename = (struct rename){ .before = id, .after = after };
	workload_replace(watch, before, after);
	client_replace(watch, before, after);
}

void rename_forget(struct watch *watch, const struct program *program)
{
	struct rename *rename = find(watch, id_of(thing_key(&program->thing)));

	if (!rename)
		return;
	program_put(watch, rename->after);
	rename->after = NULL;
}

void rename_free_all(struct watch *watch)
{
	for (size_t i = 0; i < WATCH_RENAMES_MAX; i++)
		program_put(watch, watch->renames[i].after);
}
