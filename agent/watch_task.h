/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_TASK_H
#define AGENT_WATCH_TASK_H
/*
 * Inside of agent/watch.h: a task is one process that holds listeners or had connections in the
 * last snapshot.
 */
#include "agent/watch_who.h"

struct task_key {
	uint64_t start, tgid;
};

struct task {
	UT_hash_handle hh;
	struct task_key key;
	struct program *program;
	uint32_t refs;		/* by holders */
	uint32_t generation;	/* of the snapshot that saw it last */
	struct instant look_at; /* it may have changed since its start: read it again; 0: no need */
	bool looked;		/* once already, a second after the start */
	bool assumed;		/* its program is what it became the last time */
};

/* NULL when it is not known. */
struct task *task_find(const struct watch *watch, uint32_t tgid, uint64_t start);
/* Reads it when it is not known; NULL when it is gone. Counts no reference. */
struct task *task_read(struct watch *watch, uint32_t tgid, uint64_t start);
/* The same of one that only just started, and is read again a second and a minute later. */
struct task *task_read_young(
	struct watch *watch, struct instant now, uint32_t tgid, uint64_t start);
/* The same of one that holds no listener, as far as is known. */
struct task *task_read_client(struct watch *watch, uint32_t tgid, uint64_t start);
/* A process that is gone, of which only the program is known. */
struct task *task_new(struct watch *watch, uint32_t tgid, uint64_t start, struct program *program);
/* The process is another program by now (exec): true when that is so. */
bool task_reread(struct watch *watch, struct instant now, struct task *task);
/* It holds a listener: what it is was perhaps folded. */
void task_unfold(struct watch *watch, struct task *task);
/* Frees tasks that nothing refers to and that no snapshot since generation saw. */
void task_sweep(struct watch *watch, uint32_t generation);
/* After a snapshot: reads again what is due. */
void task_settle(struct watch *watch, struct instant now);
void task_free(struct watch *watch, struct task *task);

#endif
