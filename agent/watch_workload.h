/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_WORKLOAD_H
#define AGENT_WATCH_WORKLOAD_H
/*
 * Inside of agent/watch.h: workloads of the kernel programs, and the first second of their lives,
 * in which it is not yet decided what they are called.
 */
#include "agent/watch_task.h"

struct workload;

/* A workload that is held: who it is will be known soon. */
struct sighting {
	TAILQ_ENTRY(sighting) next;
	struct workload *workload;
	struct instant until;
	struct event_workload event;
	struct event_edge *edges; /* to be told then */
	uint32_t edge_count;
};
TAILQ_HEAD(sighting_queue, sighting);

struct workload {
	UT_hash_handle hh;
	uint64_t id;
	struct program *program;   /* NULL as long as there is only a sighting */
	struct sighting *sighting; /* may stand beside a transient program, to replace it */
};

/* The program, for an edge; NULL when the edge was put aside, or nobody is known (and counted). */
struct program *workload_program(
	struct watch *watch, struct instant now, const struct event_edge *event);
/*
 * The process that made a listener: told at once, so a workload of it is not held any longer. Who
 * is gone already is known from what was captured. NULL when nobody is known.
 */
struct task *workload_task(
	struct watch *watch, struct instant now, const struct event_socket *event);
/* Names what is due. */
void workload_tick(struct watch *watch, struct instant now);
/* Whether it is known at all. */
bool workload_known(const struct watch *watch, uint64_t id);
/* A program is called otherwise now. */
void workload_replace(struct watch *watch, struct program *before, struct program *after);
void workload_free_all(struct watch *watch);

#endif
