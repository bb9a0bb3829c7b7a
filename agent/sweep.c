// SPDX-License-Identifier: Apache-2.0
#include "agent/sweep.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) mem_exhausted()
#include <uthash.h>

#include "base/alloc.h"

struct sweep_key {
	UT_hash_handle hh;
	size_t size;
	uint8_t bytes[];
};

static void remember(void *owner, const struct fact *fact)
{
	struct sweep *sweep = owner;
	struct sweep_key *key = mem_alloc(1, sizeof(*key) + fact->key.size);

	key->size = fact->key.size;
	memcpy(key->bytes, fact->key.data, key->size);
	HASH_ADD_KEYPTR(hh, sweep->unseen, key->bytes, key->size, key);
}

void sweep_begin(struct sweep *sweep, const struct tracker *tracker, enum section section)
{
	sweep_cancel(sweep);
	sweep->section = section;
	tracker_each(tracker, section, remember, sweep);
}

void sweep_saw(struct sweep *sweep, const struct fact *fact)
{
	struct sweep_key *key = NULL;

	if (!sweep->unseen || fact->section != sweep->section || !fact->value.size)
		return;
	HASH_FIND(hh, sweep->unseen, fact->key.data, fact->key.size, key);
	if (key) {
		HASH_DEL(sweep->unseen, key);
		free(key);
	}
}

void sweep_end(struct sweep *sweep, struct tracker *tracker)
{
	struct sweep_key *key, *next;

	HASH_ITER (hh, sweep->unseen, key, next) {
		struct fact gone = { sweep->section, SPAN(key->bytes, key->size), SPAN("", 0) };

		tracker_apply(tracker, &gone);
	}
	sweep_cancel(sweep);
}

void sweep_cancel(struct sweep *sweep)
{
	struct sweep_key *key, *next;

	HASH_ITER (hh, sweep->unseen, key, next) {
		HASH_DEL(sweep->unseen, key);
		free(key);
	}
}
