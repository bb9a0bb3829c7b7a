// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_workload.h"

#include <string.h>

#include "agent/watch_state.h"

enum { EDGES_ASIDE_MAX = 256, WORKLOAD_IDLE_S = 600 };

static struct workload *workload_find(const struct watch *watch, uint64_t id)
{
	struct workload *workload;

	HASH_FIND(hh, watch->workloads, &id, sizeof(id), workload);
	return workload;
}

static struct workload *workload_new(struct watch *watch, uint64_t id, struct instant now)
{
	struct workload *workload = mem_alloc(1, sizeof(*workload));

	workload->id = id;
	workload->used_s = watch_seconds(now);
	HASH_ADD(hh, watch->workloads, id, sizeof(id), workload);
	return workload;
}

static void set_program(struct watch *watch, struct workload *workload, struct program *program)
{
	program_hold(program);
	program_put(watch, workload->program);
	workload->program = program;
}

static void sighting_free(struct watch *watch, struct sighting *sighting)
{
	TAILQ_REMOVE(&watch->sightings, sighting, next);
	watch->sighting_count--;
	sighting->workload->sighting = NULL;
	free(sighting->edges);
	free(sighting);
}

/* Now it is known who it is: tells what was put aside. */
static void sighting_end(
	struct watch *watch, struct instant now, struct sighting *sighting, struct program *program)
{
	struct event_edge *edges autofree = sighting->edges;
	uint32_t count = sighting->edge_count;

	set_program(watch, sighting->workload, program);
	sighting->edges = NULL;
	sighting_free(watch, sighting);
	for (uint32_t i = 0; i < count; i++)
		watch_edge(watch, now, &edges[i]);
}

/* The process itself, if it is still there and still runs what was seen. */
static struct program *sighting_program(
	struct watch *watch, const struct sighting *sighting, bool ended)
{
	const struct event_workload *event = &sighting->event;
	struct process captured, process;
	bool same;

	watch->source.captured(watch->source.user, event, &captured);
	if (ended || watch->source.read(watch->source.user, event->tgid, event->start, &process))
		return program_get(watch, &captured);
	same = event->path_cut || !captured.exe || !process.exe ||
		!strcmp(captured.exe, process.exe);
	process_free(same ? &captured : &process);
	return program_get(watch, same ? &process : &captured);
}

static void sighting_name(
	struct watch *watch, struct instant now, struct sighting *sighting, bool ended)
{
	struct program *program = sighting_program(watch, sighting, ended);

	sighting_end(watch, now, sighting, program);
	program_put(watch, program);
}

static void sighting_new(struct watch *watch, struct instant now, struct workload *workload,
	const struct event_workload *event)
{
	struct sighting *sighting = mem_alloc(1, sizeof(*sighting));

	sighting->workload = workload;
	sighting->event = *event;
	sighting->until = instant_add(now, WATCH_HOLD_S * NS_PER_SEC);
	workload->sighting = sighting;
	TAILQ_INSERT_TAIL(&watch->sightings, sighting, next);
	if (!watch->config.hold)
		sighting_name(watch, now, sighting, false);
	else if (++watch->sighting_count > WATCH_SIGHTINGS_MAX)
		sighting_name(watch, now, TAILQ_FIRST(&watch->sightings), true);
}

void watch_workload(struct watch *watch, struct instant now, const struct event_workload *event)
{
	struct workload *workload = workload_find(watch, event->workload);
	struct task *task = task_find(watch, event->tgid, event->start);

	if (!workload)
		workload = workload_new(watch, event->workload, now);
	workload->used_s = watch_seconds(now);
	if (task) { /* long known; perhaps it is another program by now */
		if (task_reread(watch, task))
			listen_task_changed(watch, task);
		if (workload->sighting)
			sighting_end(watch, now, workload->sighting, task->program);
		else
			set_program(watch, workload, task->program);
		return;
	}
	if (!workload->sighting && (!workload->program || workload->program->transient))
		sighting_new(watch, now, workload, event);
}

void watch_exit(struct watch *watch, struct instant now, const struct event_exit *event)
{
	struct task *task = task_find(watch, event->tgid, event->start);
	struct sighting *sighting, *next;

	for (sighting = TAILQ_FIRST(&watch->sightings); sighting; sighting = next) {
		next = TAILQ_NEXT(sighting, next);
		if (sighting->event.tgid == event->tgid && sighting->event.start == event->start) {
			sighting_name(watch, now, sighting, true);
			break;
		}
	}
	if (task)
		listen_task_gone(watch, now, task);
}

static void put_aside(struct watch *watch, struct instant now, struct sighting *sighting,
	const struct event_edge *event)
{
	sighting->edges =
		mem_resize(sighting->edges, sighting->edge_count + 1, sizeof(sighting->edges[0]));
	sighting->edges[sighting->edge_count++] = *event;
	if (sighting->edge_count >= EDGES_ASIDE_MAX) /* busy enough to be looked at now */
		sighting_name(watch, now, sighting, false);
}

struct program *workload_program(
	struct watch *watch, struct instant now, const struct event_edge *event)
{
	struct workload *workload = workload_find(watch, event->key.workload);

	if (!workload) { /* forgotten here; if it is connected still, the snapshot tells */
		watch->losses.unowned++;
		watch_ask_snapshot(watch, instant_add(now, NS_PER_SEC));
		return NULL;
	}
	workload->used_s = watch_seconds(now);
	if (!workload->sighting)
		return workload->program;
	put_aside(watch, now, workload->sighting, event);
	return NULL;
}

struct task *workload_task(
	struct watch *watch, struct instant now, const struct event_socket *event)
{
	struct workload *workload = workload_find(watch, event->workload);
	struct task *task = task_read(watch, event->tgid, event->start);

	if (workload && workload->sighting) {
		if (task)
			sighting_end(watch, now, workload->sighting, task->program);
		else
			sighting_name(watch, now, workload->sighting, true);
	}
	if (!task && workload && event->tgid)
		task = task_new(watch, event->tgid, event->start, workload->program);
	return task;
}

void workload_tick(struct watch *watch, struct instant now)
{
	struct sighting *first;

	while ((first = TAILQ_FIRST(&watch->sightings)) && !instant_before(now, first->until))
		sighting_name(watch, now, first, false);
}

static void workload_free(struct watch *watch, struct workload *workload)
{
	if (workload->sighting)
		sighting_free(watch, workload->sighting);
	program_put(watch, workload->program);
	HASH_DELETE(hh, watch->workloads, workload);
	free(workload);
}

void workload_sweep(struct watch *watch, struct instant now)
{
	struct workload *workload, *next;

	if (HASH_COUNT(watch->workloads) <= WATCH_WORKLOADS_MAX)
		return;
	HASH_ITER (hh, watch->workloads, workload, next) {
		if (!workload->sighting && watch_seconds(now) - workload->used_s > WORKLOAD_IDLE_S)
			workload_free(watch, workload);
	}
}

void workload_free_all(struct watch *watch)
{
	struct workload *workload, *next;

	HASH_ITER (hh, watch->workloads, workload, next)
		workload_free(watch, workload);
}
