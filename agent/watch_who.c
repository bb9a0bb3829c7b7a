// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_who.h"

#include <string.h>

#include "agent/watch_state.h"
#include "base/json.h"

struct netns *netns_get(struct watch *watch, uint32_t inode)
{
	struct netns *netns;

	HASH_FIND(hh, watch->netns, &inode, sizeof(inode), netns);
	if (!netns) {
		netns = mem_alloc(1, sizeof(*netns));
		netns->inode = inode;
		if (inode && inode != watch->config.own_netns)
			watch->source.netns(watch->source.user, inode, netns->name);
		HASH_ADD(hh, watch->netns, inode, sizeof(inode), netns);
	}
	return netns_hold(netns);
}

struct netns *netns_hold(struct netns *netns)
{
	netns->refs++;
	return netns;
}

void netns_put(struct watch *watch, struct netns *netns)
{
	struct netns *listed;

	if (--netns->refs)
		return;
	HASH_FIND(hh, watch->netns, &netns->inode, sizeof(netns->inode), listed);
	if (listed == netns)
		HASH_DELETE(hh, watch->netns, netns);
	free(netns);
}

void netns_refresh(struct watch *watch)
{
	struct netns *netns, *next;
	char name[NAMING_NETNS_SIZE];

	HASH_ITER (hh, watch->netns, netns, next) {
		if (!netns->name[0])
			continue;
		watch->source.netns(watch->source.user, netns->inode, name);
		if (strcmp(name, netns->name)) /* lives on for those who refer to it */
			HASH_DELETE(hh, watch->netns, netns);
	}
}

static bool is_manager(const struct process *process)
{
	const char *base = process->exe ? strrchr(process->exe, '/') : NULL;

	return base && (!strcmp(base, "/systemd") || !strcmp(base, "/init"));
}

struct program *program_get(struct watch *watch, struct process *process)
{
	struct netns *netns = netns_get(watch, process->netns);
	char name[NAMING_PROCESS_SIZE];
	struct program *program;

	naming_process(process, netns->name, name);
	program = (struct program *)thing_find(watch, SECTION_PROCESS, name);
	if (!program) {
		json_t *value autojson = process_json(process, netns->name);

		program = thing_new(watch, SECTION_PROCESS, name, sizeof(*program));
		program->value = json_text(value);
		program->transient = process->transient;
		program->manager = is_manager(process);
		program->exe = naming_hash(
			NAMING_HASH_START, process->exe, process->exe ? strlen(process->exe) : 0);
	}
	netns_put(watch, netns);
	process_free(process);
	return program_hold(program);
}

struct program *program_hold(struct program *program)
{
	program->refs++;
	return program;
}

void program_put(struct watch *watch, struct program *program)
{
	if (!program || --program->refs)
		return;
	free(program->value);
	program->value = NULL;
	thing_drop(watch, &program->thing);
}

void program_use(struct watch *watch, struct program *program)
{
	program_hold(program);
	if (!program->uses++)
		thing_touch_first(watch, &program->thing);
}

void program_unuse(struct watch *watch, struct program *program)
{
	if (!--program->uses)
		thing_touch(watch, &program->thing);
	program_put(watch, program);
}

struct task *task_find(const struct watch *watch, uint32_t tgid, uint64_t start)
{
	struct task_key key = { .start = start, .tgid = tgid };
	struct task *task;

	HASH_FIND(hh, watch->tasks, &key, sizeof(key), task);
	return task;
}

struct task *task_new(struct watch *watch, uint32_t tgid, uint64_t start, struct program *program)
{
	struct task *task = mem_alloc(1, sizeof(*task));

	task->key = (struct task_key){ .start = start, .tgid = tgid };
	task->program = program_hold(program);
	HASH_ADD(hh, watch->tasks, key, sizeof(task->key), task);
	return task;
}

struct task *task_read(struct watch *watch, uint32_t tgid, uint64_t start)
{
	struct task *task = task_find(watch, tgid, start);
	struct program *program;
	struct process process;

	if (task)
		return task;
	if (!tgid || watch->source.read(watch->source.user, tgid, start, &process))
		return NULL;
	program = program_get(watch, &process);
	task = task_new(watch, tgid, start, program);
	program_put(watch, program);
	return task;
}

bool task_reread(struct watch *watch, struct task *task)
{
	struct process process;
	struct program *program;
	bool changed;

	if (watch->source.read(
		    watch->source.user, (uint32_t)task->key.tgid, task->key.start, &process))
		return false;
	program = program_get(watch, &process);
	changed = program != task->program;
	program_put(watch, task->program);
	task->program = program;
	return changed;
}

void task_free(struct watch *watch, struct task *task)
{
	HASH_DELETE(hh, watch->tasks, task);
	program_put(watch, task->program);
	free(task);
}

void task_sweep(struct watch *watch, uint32_t generation)
{
	struct task *task, *next;

	HASH_ITER (hh, watch->tasks, task, next) {
		if (!task->refs && task->generation != generation)
			task_free(watch, task);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct program *const *left = a, *const *right = b;

	return strcmp((*left)->thing.id, (*right)->thing.id);
}

struct owners *owners_new(struct watch *watch, struct program **programs, uint32_t count)
{
	struct owners *owners = mem_alloc(1, sizeof(*owners) + count * sizeof(owners->programs[0]));

	if (count)
		qsort(programs, count, sizeof(programs[0]), by_name);
	for (uint32_t i = 0; i < count; i++) {
		if (i && programs[i] == programs[i - 1])
			continue;
		owners->programs[owners->count++] = programs[i];
		program_use(watch, programs[i]);
	}
	return owners_hold(owners);
}

struct owners *owners_hold(struct owners *owners)
{
	owners->refs++;
	return owners;
}

void owners_put(struct watch *watch, struct owners *owners)
{
	if (!owners || --owners->refs)
		return;
	for (uint32_t i = 0; i < owners->count; i++)
		program_unuse(watch, owners->programs[i]);
	free(owners);
}

bool owners_equal(const struct owners *a, const struct owners *b)
{
	return a->count == b->count &&
		!memcmp(a->programs, b->programs, a->count * sizeof(a->programs[0]));
}

void owners_to_json(const struct owners *owners, json_t *value)
{
	enum { NAMES_MAX = 256 }; /* so that a fact stays small whatever a host does */
	json_t *names;

	if (!owners || !owners->count)
		return;
	names = json_array();
	for (uint32_t i = 0; i < owners->count && i < NAMES_MAX; i++)
		json_array_append_new(names, json_string(thing_key(&owners->programs[i]->thing)));
	json_object_set_new(value, "process", names);
}
