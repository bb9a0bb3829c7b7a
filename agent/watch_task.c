// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_task.h"

#include "agent/watch_state.h"

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

enum { LAST_LOOK_S = 60 };

/* False when it is gone. */
static bool read_process(const struct watch *watch, const struct task_key *key, struct process *to)
{
	return key->tgid &&
		!watch->source.read(watch->source.user, (uint32_t)key->tgid, key->start, to);
}

/* Takes over the reference to program. */
static struct task *task_make(
	struct watch *watch, const struct task_key *key, struct program *program)
{
	struct task *task = task_new(watch, (uint32_t)key->tgid, key->start, program);

	program_put(watch, program);
	return task;
}

static struct task *read_task(struct watch *watch, uint32_t tgid, uint64_t start,
	struct program *(*get)(struct watch *, struct process *))
{
	struct task_key key = { .start = start, .tgid = tgid };
	struct task *task = task_find(watch, tgid, start);
	struct process process;

	if (task || !read_process(watch, &key, &process))
		return task;
	return task_make(watch, &key, get(watch, &process));
}

struct task *task_read(struct watch *watch, uint32_t tgid, uint64_t start)
{
	return read_task(watch, tgid, start, program_get);
}

struct task *task_read_client(struct watch *watch, uint32_t tgid, uint64_t start)
{
	return read_task(watch, tgid, start, program_get_client);
}

static struct instant second_look(const struct watch *watch, struct instant now)
{
	return watch->config.hold ? instant_add(now, WATCH_HOLD_S * NS_PER_SEC)
				  : (struct instant){ 0 };
}

struct task *task_read_young(struct watch *watch, struct instant now, uint32_t tgid, uint64_t start)
{
	struct task_key key = { .start = start, .tgid = tgid };
	struct task *task = task_find(watch, tgid, start);
	struct program *program;
	struct process process;
	bool assumed;

	if (task || !read_process(watch, &key, &process))
		return task;
	program = program_get_young(watch, &process, &assumed);
	task = task_make(watch, &key, program);
	task->look_at = second_look(watch, now);
	task->assumed = assumed;
	return task;
}

/* Takes over the reference to program; true when it is another one. */
static bool set_program(struct watch *watch, struct task *task, struct program *program)
{
	bool changed = program != task->program;

	program_put(watch, task->program);
	task->program = program;
	return changed;
}

bool task_reread(struct watch *watch, struct instant now, struct task *task)
{
	bool becomes = task->look_at.ns && !task->assumed, changed;
	struct program *before;
	struct process process;

	if (!read_process(watch, &task->key, &process))
		return false;
	before = program_hold(task->program);
	task->look_at = second_look(watch, now);
	task->looked = false;
	changed = set_program(watch, task, program_get_young(watch, &process, &task->assumed));
	if (changed && becomes && before->exe == task->program->exe)
		rename_learn(watch, before, task->program);
	program_put(watch, before);
	return changed;
}

void task_unfold(struct watch *watch, struct task *task)
{
	struct process process;

	if (task->program->folded && read_process(watch, &task->key, &process))
		set_program(watch, task, program_get(watch, &process));
}

/* What it is now it stays, unless it becomes another program. */
static void settle(struct watch *watch, struct instant now, struct task *task)
{
	struct program *before = program_hold(task->program);
	struct process process;

	task->look_at.ns = task->looked ? 0 : instant_add(now, LAST_LOOK_S * NS_PER_SEC).ns;
	task->looked = true;
	if (read_process(watch, &task->key, &process) &&
		set_program(watch, task, program_get(watch, &process))) {
		if (task->assumed)
			rename_forget(watch, task->program);
		else
			rename_learn(watch, before, task->program);
		listen_task_changed(watch, task);
	}
	program_put(watch, before);
}

void task_settle(struct watch *watch, struct instant now)
{
	struct task *task, *next;

	HASH_ITER (hh, watch->tasks, task, next) {
		if (task->look_at.ns && !instant_before(now, task->look_at))
			settle(watch, now, task);
		else if (task->look_at.ns)
			watch_ask_snapshot(watch, task->look_at);
	}
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
