/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_PROCESS_H
#define AGENT_PROCESS_H
/*
 * Who a process is. A process is (tgid, start time): a tgid alone is reused. What is read from
 * /proc is checked against the start time before and after, so it never mixes two processes; what
 * ended too soon for /proc is described from what the kernel programs captured.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "bpf/event.h"

/* Everything is owned; strings are NULL when not known. End it with process_free. */
struct process {
	char *exe;     /* path, without the " (deleted)" of a replaced file */
	char *cmdline; /* cmdline_size bytes: words that each end with NUL, secrets taken out */
	char *cwd;
	char *user, *group; /* of this host; NULL in a container, which has names of its own */
	char *unit, *container;
	uint32_t cmdline_size;
	uint32_t uid, gid; /* effective */
	uint32_t netns;	   /* inode number */
	bool transient;	   /* ended before it could be read whole: cmdline is argv[0] only */
	bool folded;	   /* one of many with ever other arguments: cmdline is argv[0] only */
};

/* Where to read: directories, open for as long as this is used. -1: not there. */
struct process_view {
	int proc;
	int etc;    /* passwd and group are read directly: no name service, no network */
	int cgroup; /* root of the v2 hierarchy */
};

/* Opens the directories of this host; close with process_view_close. -errno without /proc. */
int process_view_open(struct process_view *view);
void process_view_close(struct process_view *view);

/*
 * Reads the process that has this tgid and started at start (ns of CLOCK_BOOTTIME; 0: any).
 * -ESRCH when it is gone, also when another one has its tgid now. Fields that may not be read stay
 * unknown.
 */
int process_read(
	const struct process_view *view, uint32_t tgid, uint64_t start, struct process *process);
/* The start time in ns of CLOCK_BOOTTIME, to 10 ms; -ESRCH. */
int process_start(const struct process_view *view, uint32_t tgid, uint64_t *start);
/* Describes a process that has ended from what was captured when it first used the network. */
void process_captured(const struct process_view *view, const struct event_workload *event,
	struct process *process);
void process_free(struct process *process);

/* The fact: netns is its name, "" for our own namespace. */
json_t *process_json(const struct process *process, const char *netns);

#endif
