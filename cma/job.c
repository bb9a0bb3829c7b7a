// SPDX-License-Identifier: Apache-2.0
#include "cma/job.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "wire/message.h"

/* The cost of acting on it is told in facts of this size. */
enum { JOB_FACT = 128 };

static enum lane lane_of(const struct hub_event *event)
{
	if (event->kind != HUB_MESSAGE)
		return LANE_CHANGES;
	if (event->stream == STREAM_URGENT)
		return LANE_URGENT;
	return event->size && event->bytes[0] == MESSAGE_RANGE ? LANE_SNAPSHOT : LANE_CHANGES;
}

struct job *job_of_event(struct instant arrived, const struct hub_event *event)
{
	struct job *job = mem_alloc(1, sizeof(*job));
	bool enrols = event->kind == HUB_ENROL;

	job->arrived = arrived;
	job->event = *event;
	job->item = (struct lanes_item){
		.agent = job_agent(job),
		.incarnation = enrols ? event->agent.incarnation : event->incarnation,
		.stream = event->stream,
		.lane = lane_of(event),
		.barrier = enrols,
		.cost = 1 + event->size / JOB_FACT,
	};
	return job;
}

struct job *job_of_waiter(struct waiter *waiter)
{
	struct job *job = mem_alloc(1, sizeof(*job));

	job->waiter = waiter;
	job->item = (struct lanes_item){ .lane = LANE_URGENT, .cost = 1 };
	return job;
}

struct job *job_of_item(struct lanes_item *item)
{
	return (struct job *)(void *)((char *)item - offsetof(struct job, item));
}

void job_free(struct job *job)
{
	hub_event_free(&job->event);
	free(job);
}

uint64_t job_agent(const struct job *job)
{
	if (job->waiter)
		return 0;
	return job->event.kind == HUB_ENROL ? job->event.agent.id : job->event.id;
}

static int compare(const void *left, const void *right)
{
	const struct job *a = *(struct job *const *)left, *b = *(struct job *const *)right;
	uint64_t a_agent = job_agent(a), b_agent = job_agent(b);

	if (a_agent != b_agent)
		return a_agent < b_agent ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

void job_sort(struct job **jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		jobs[i]->order = i;
	qsort(jobs, count, sizeof(*jobs), compare);
}
