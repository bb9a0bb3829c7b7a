// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_workload.h"

#include <string.h>

#include "agent/watch_state.h"

/* Edges that wait for the name of one workload, and for those of all. */
enum { EDGES_ASIDE_MAX = 256, EDGES_ASIDE_ALL = 4096 };

/* The table is in the order of their last use. */
static struct workload *workload_find(struct watch *watch, uint64_t id)
{
	struct workload *workload;

	HASH_FIND(hh, watch->workloads, &id, sizeof(id), workload);
	if (workload) {
		HASH_DELETE(hh, watch->workloads, workload);
		HASH_ADD(hh, watch->workloads, id, sizeof(id), workload);
	}
	return workload;
}

bool workload_known(const struct watch *watch, uint64_t id)
{
	const struct workload *workload;

	HASH_FIND(hh, watch->workloads, &id, sizeof(id), workload);
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
	watch->aside_count -= sighting->edge_count;
	sighting->workload->sighting = NULL;
	free(sighting->edges);
	free(sighting);
}

static void workload_free(struct watch *watch, struct workload *workload)
{
	if (workload->sighting)
		sighting_free(watch, workload->sighting);
	program_put(watch, workload->program);
	HASH_DELETE(hh, watch->workloads, workload);
	free(workload);
}

static struct workload *workload_new(struct watch *watch, uint64_t id)
{
	struct workload *workload = mem_alloc(1, sizeof(*workload));

	if (HASH_COUNT(watch->workloads) >= WATCH_WORKLOADS_MAX)
		workload_free(watch, watch->workloads);
	workload->id = id;
	HASH_ADD(hh, watch->workloads, id, sizeof(id), workload);
	return workload;
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
	return same ? program_get_client(watch, &process) : program_get(watch, &captured);
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
		workload = workload_new(watch, event->workload);
	if (task) { /* long known; perhaps it is another program by now */
		if (task_reread(watch, now, task))
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
	watch->aside_count++;
	if (sighting->edge_count >= EDGES_ASIDE_MAX) /* busy enough to be looked at now */
		sighting_name(watch, now, sighting, false);
	else if (watch->aside_count > EDGES_ASIDE_ALL)
		sighting_name(watch, now, TAILQ_FIRST(&watch->sightings), false);
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
	if (!workload->sighting)
		return workload->program;
	put_aside(watch, now, workload->sighting, event);
	return NULL;
}

struct task *workload_task(
	struct watch *watch, struct instant now, const struct event_socket *event)
{
	struct workload *workload = workload_find(watch, event->workload);
	struct task *task = task_read_young(watch, now, event->tgid, event->start);

	if (task)
		task_unfold(watch, task);
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

void workload_replace(struct watch *watch, struct program *before, struct program *after)
{
	struct workload *workload, *next;

	HASH_ITER (hh, watch->workloads, workload, next) {
		if (workload->program == before)
			set_program(watch, workload, after);
	}
}

void workload_free_all(struct watch *watch)
{
	struct workload *workload, *next;

	HASH_ITER (hh, watch->workloads, workload, next)
		workload_free(watch, workload);
}
