/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_THING_H
#define AGENT_WATCH_THING_H
/*
 * Inside of agent/watch.h: a thing is one fact that is told or waits to be told. program, listen,
 * client, inbound and cover start with one. A thing that ends after it was told stays as a mark
 * until that is told too; when it comes back before, it is the same thing again.
 */
#include <sys/queue.h>

#include "base/alloc.h"
#define uthash_fatal(why) mem_exhausted()
#include <uthash.h>

#include "agent/watch.h"

struct thing {
	UT_hash_handle hh;
	TAILQ_ENTRY(thing) waiting; /* while queued */
	uint64_t told;		    /* hash of the value that was told last; 0: none */
	char *id;		    /* section byte, then the key */
	bool queued, gone;
};
TAILQ_HEAD(thing_queue, thing);

/* How completely a feature is watched. */
struct cover {
	struct thing thing;
	char *value;
};

static inline enum section thing_section(const struct thing *thing)
{
	return (enum section)(uint8_t)thing->id[0];
}

static inline const char *thing_key(const struct thing *thing)
{
	return thing->id + 1;
}

/* NULL when there is none, or only its mark. */
struct thing *thing_find(const struct watch *watch, enum section section, const char *key);
/* A new thing: size bytes, zeroed behind the struct thing that they start with. */
void *thing_new(struct watch *watch, enum section section, const char *key, size_t size);
/* Its value may have changed. */
void thing_touch(struct watch *watch, struct thing *thing);
/* The same, before everything that waits: what others refer to. */
void thing_touch_first(struct watch *watch, struct thing *thing);
/* Ends it. What it refers to was released by the caller; the memory is not the caller's any more.
 */
void thing_drop(struct watch *watch, struct thing *thing);

#endif
