/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_STATE_H
#define AGENT_WATCH_STATE_H
/* Inside of agent/watch.h: the state that watch*.c share. */
#include "agent/watch_doubt.h"
#include "agent/watch_edge.h"
#include "agent/watch_rename.h"
#include "agent/watch_workload.h"

enum {
	WATCH_HOLD_S = 1,	    /* how long the nature of something new is left open */
	WATCH_FRESH_S = 120,	    /* a younger process may get another name yet */
	WATCH_FLAP_S = 10,	    /* between two changes of a client's state */
	WATCH_MISSES = 2,	    /* snapshots without it, and a socket is gone */
	WATCH_SIGHTINGS_MAX = 512,  /* held at a time; then the oldest are named at once */
	WATCH_WORKLOADS_MAX = 4096, /* then the one unused for longest is forgotten */
	WATCH_RENAMES_MAX = 64,
};

struct watch {
	struct watch_config config;
	struct watch_source source;
	struct thing *things;
	struct thing_queue waiting;
	struct netns *netns;
	struct task *tasks;
	struct kin *kin;
	struct rename renames[WATCH_RENAMES_MAX];
	struct workload *workloads;
	struct sighting_queue sightings;
	struct sock *socks;
	struct sock_queue held;
	struct fan *fans;
	struct client_queue flapping;
	struct inbound_list loose; /* no listener matches */
	struct doubt_queue doubts;
	struct instant snapshot_began, snapshot_at;
	struct instant snapshot_next; /* not before, however much is asked */
	uint64_t first_boottime;      /* of the first snapshot */
	uint64_t young_after;	      /* boot time: processes that started later are held */
	uint64_t fresh_after;	      /* and these are read again */
	uint32_t sighting_count, aside_count, doubt_count, rename_next;
	uint32_t generation; /* of snapshots */
	bool settled;	     /* there was a whole snapshot */
	struct watch_losses losses;
	char *value;	    /* of the fact that was given last */
	struct thing *last; /* a fact that was given as gone: freed at the next call */
};

static inline uint32_t watch_seconds(struct instant now)
{
	return (uint32_t)(now.ns / NS_PER_SEC);
}

#endif
