/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_JOB_H
#define CMA_JOB_H
/* What the store has to do: an event of the hub, or a change that somebody waits for. */
#include "base/instant.h"
#include "cma/hub.h"
#include "cma/lanes.h"
#include "cma/store.h"

/* Somebody who waits for a job of his own; on his stack. */
struct waiter {
	store_change_fn *change;
	void *context;
	int err;
	bool done;
};

struct job {
	struct lanes_item item;
	struct instant arrived;
	uint32_t era; /* see struct store */
	struct hub_event event;
	struct waiter *waiter; /* NULL for an event */
	size_t order;	       /* in its batch */
	int err;	       /* of this job alone: it had no effect */
	struct graph_result result;
};

/* Takes the bytes of the event. */
struct job *job_of_event(struct instant arrived, const struct hub_event *event);
struct job *job_of_waiter(struct waiter *waiter);
struct job *job_of_item(struct lanes_item *item);
void job_free(struct job *job);

/* As the hub names it; 0: it is of no agent. */
uint64_t job_agent(const struct job *job);
/* By agent, so that rows that lie together are touched together; an agent's own order is kept. */
void job_sort(struct job **jobs, size_t count);

#endif
