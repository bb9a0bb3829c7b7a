/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_WHO_H
#define AGENT_WATCH_WHO_H
/*
 * Inside of agent/watch.h: who uses a socket. A program is the process fact, shared by all
 * processes that look the same. A task is one process that holds listeners or had connections in
 * the last snapshot. Everything here is counted: get takes a reference, put gives it back.
 */
#include "agent/naming.h"
#include "agent/watch_thing.h"

struct netns {
	UT_hash_handle hh;
	uint32_t inode, refs;
	char name[NAMING_NETNS_SIZE]; /* "" for our own */
};

struct program {
	struct thing thing;
	uint32_t refs; /* by anything */
	uint32_t uses; /* by facts: while there are any, it is one itself */
	bool transient;
	bool manager; /* systemd or init, which opens sockets for others */
	uint64_t exe; /* hash of its path */
	char *value;
};

struct task_key {
	uint64_t start, tgid;
};

struct task {
	UT_hash_handle hh;
	struct task_key key;
	struct program *program;
	uint32_t refs;	     /* by holders */
	uint32_t generation; /* of the snapshot that saw it last */
};

/* The programs an address belongs to, sorted by name. Shared, and never changed. */
struct owners {
	uint32_t refs, count;
	struct program *programs[];
};

struct netns *netns_get(struct watch *watch, uint32_t inode);
struct netns *netns_hold(struct netns *netns);
void netns_put(struct watch *watch, struct netns *netns);
/* An inode number is given again soon: new references get what it is called now. */
void netns_refresh(struct watch *watch);

/* The program of a process, which is freed. */
struct program *program_get(struct watch *watch, struct process *process);
struct program *program_hold(struct program *program);
void program_put(struct watch *watch, struct program *program);
/* The same for facts. */
void program_use(struct watch *watch, struct program *program);
void program_unuse(struct watch *watch, struct program *program);

/* NULL when it is not known. */
struct task *task_find(const struct watch *watch, uint32_t tgid, uint64_t start);
/* Reads it when it is not known; NULL when it is gone. Counts no reference. */
struct task *task_read(struct watch *watch, uint32_t tgid, uint64_t start);
/* A process that is gone, of which only the program is known. */
struct task *task_new(struct watch *watch, uint32_t tgid, uint64_t start, struct program *program);
/* The process is another program by now (exec): true when that is so. */
bool task_reread(struct watch *watch, struct task *task);
/* Frees tasks that nothing refers to and that no snapshot since generation saw. */
void task_sweep(struct watch *watch, uint32_t generation);
void task_free(struct watch *watch, struct task *task);

/* Takes over programs, which may have doubles; sorts them. */
struct owners *owners_new(struct watch *watch, struct program **programs, uint32_t count);
struct owners *owners_hold(struct owners *owners);
void owners_put(struct watch *watch, struct owners *owners);
bool owners_equal(const struct owners *a, const struct owners *b);
/* Sets value.process to the names, unless there are none. */
void owners_to_json(const struct owners *owners, json_t *value);

#endif
