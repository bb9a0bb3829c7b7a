/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_WHO_H
#define AGENT_WATCH_WHO_H
/*
 * Inside of agent/watch.h: who uses a socket. A program is the process fact, shared by all
 * processes that look the same. Everything here is counted: get takes a reference, put gives it
 * back.
 */
#include "agent/naming.h"
#include "agent/watch_thing.h"

struct netns {
	UT_hash_handle hh;
	uint32_t inode, refs;
	char name[NAMING_NETNS_SIZE]; /* "" for our own */
};

/* All programs that differ in nothing but their arguments. */
struct kin {
	UT_hash_handle hh;
	uint64_t id;
	uint32_t refs;
	uint32_t clients; /* of them that were seen first as mere clients */
};

struct program {
	struct thing thing;
	struct kin *kin;
	uint32_t refs;	  /* by anything */
	uint32_t uses;	  /* by facts: while there are any, it is one itself */
	uint32_t clients; /* facts, without those that stand for many */
	bool transient, folded;
	bool counted; /* in clients of its kin */
	bool manager; /* systemd or init, which opens sockets for others */
	uint64_t exe; /* hash of its path */
	char *value;
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

/*
 * The program of a process, which is freed. Of a process that only just started it may be what it
 * will be soon (*assumed is set then); of a mere client it may be what all its kin are told as.
 */
struct program *program_get(struct watch *watch, struct process *process);
struct program *program_get_young(struct watch *watch, struct process *process, bool *assumed);
struct program *program_get_client(struct watch *watch, struct process *process);
struct program *program_hold(struct program *program);
void program_put(struct watch *watch, struct program *program);
/* The same for facts. */
void program_use(struct watch *watch, struct program *program);
void program_unuse(struct watch *watch, struct program *program);

/* Takes over programs, which may have doubles; sorts them. */
struct owners *owners_new(struct watch *watch, struct program **programs, uint32_t count);
struct owners *owners_hold(struct owners *owners);
void owners_put(struct watch *watch, struct owners *owners);
bool owners_equal(const struct owners *a, const struct owners *b);
/* Sets value.process to the names, unless there are none. */
void owners_to_json(const struct owners *owners, json_t *value);

#endif
