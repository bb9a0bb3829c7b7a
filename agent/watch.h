/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H
/*
 * What the kernel tells, turned into facts of the sections process, listen, client, inbound and
 * coverage. Pure: events, snapshot rows and time come in, changed facts are taken out, and who a
 * process is comes from a source. What changed waits in a queue as a mark, not as a copy, so a
 * reader that is slow gets the newest state and costs no memory.
 *
 * - Attach, then snapshot: both are merged by socket cookie. A socket that two snapshots in a row
 *   did not find is gone, sooner when the kernel tells so.
 * - A TCP listener is told at once. A UDP service on an unprivileged port must live 1 s: resolvers
 *   bind such a port for each question.
 * - A client that is seen for the first time is held for 1 s: if it ends before, it is told as
 *   transient with argv[0] only, so that a thousand short runs are one process.
 * - connect() of a UDP socket sends nothing: it is told when the kernel says that the socket was
 *   used, or is open for a while. What resolvers do to compare addresses is never told.
 * - A client's state changes are told at most every 10 s, the first success and the first failure
 *   at once.
 * - Peers of one service beyond peers_max are folded into networks, then into one; so are, with
 *   port 0, the peers of a process beyond ports_max. Clients of one program beyond names_max are
 * one.
 * - A process that listens is read again a second and a minute later: by then it has set its title
 *   and dropped its privileges.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/process.h"
#include "base/instant.h"
#include "bpf/event.h"
#include "wire/fact.h"

struct watch;

struct watch_config {
	uint32_t own_netns;  /* inode number; it has no name in facts */
	bool own_netns_only; /* rows of other namespaces are left out */
	bool hold;	     /* false: tell everything at once (for a single look) */
	uint32_t peers_max;  /* 0: 1024 */
	uint32_t names_max;  /* of clients that differ in their arguments alone; 0: 64 */
	uint32_t ports_max;  /* client facts of one process; 0: 2048 */
	int64_t edge_ttl_ns; /* 0: 24 hours */
	int64_t period_ns;   /* from one snapshot to the next; 0: 60 s */
};

/* Who a process is. read: agent/process.h; netns: naming_netns. */
struct watch_source {
	int (*read)(void *user, uint32_t tgid, uint64_t start, struct process *process);
	void (*captured)(void *user, const struct event_workload *event, struct process *process);
	void (*netns)(void *user, uint32_t inode, char *to);
	void *user;
};

/* End it with watch_free. */
struct watch *watch_new(const struct watch_config *config, const struct watch_source *source);
void watch_free(struct watch *watch);

/* The records of the ring, in its order. */
void watch_workload(struct watch *watch, struct instant now, const struct event_workload *event);
void watch_listen(struct watch *watch, struct instant now, const struct event_socket *event);
void watch_unlisten(struct watch *watch, struct instant now, const struct event_socket *event);
void watch_edge(struct watch *watch, struct instant now, const struct event_edge *event);
void watch_exit(struct watch *watch, struct instant now, const struct event_exit *event);

/*
 * One pass over all sockets; a row without tgid is a socket that no process has as a descriptor.
 * boottime is CLOCK_BOOTTIME in ns, against which a process is young.
 * whole is false when the pass failed on its way: nothing is then taken as gone.
 */
void watch_snapshot_begin(struct watch *watch, struct instant now, uint64_t boottime);
void watch_row(
	struct watch *watch, struct instant now, const struct event_row *row, const char *path);
void watch_snapshot_end(struct watch *watch, struct instant now, bool whole);
/* True when a snapshot is due: after period_ns, or sooner when an event left a question open. */
bool watch_wants_snapshot(const struct watch *watch, struct instant now);
/* Asks for one: what the kernel could not tell must be looked up. */
void watch_ask_snapshot(struct watch *watch, struct instant at);

/*
 * One pass over the kernel's edge table: what is there was told or is told now, and what changed
 * since the last pass is in use. Afterwards edges unused for edge_ttl_ns are dropped.
 */
void watch_walk_edge(struct watch *watch, struct instant now, const struct edge_key *key,
	const struct edge_value *value);
void watch_walk_end(struct watch *watch, struct instant now);

/* How completely something is watched: feature is the key, value the fact (borrowed). */
void watch_cover(struct watch *watch, const char *feature, const json_t *value);
/* What was not told one by one since the start. */
struct watch_losses {
	uint64_t folded;    /* peers that were told as a part of a network */
	uint64_t ports;	    /* of them without their port */
	uint64_t processes; /* that were told without their arguments, as one of many */
	uint64_t unowned;   /* uses of the network by nobody who is known */
};
struct watch_losses watch_losses(const struct watch *watch);

/* When watch_tick has something to do; it may be called at any time. */
struct instant watch_deadline(const struct watch *watch);
void watch_tick(struct watch *watch, struct instant now);

/* The next changed fact, borrowed until any other call; false when there is none. */
bool watch_next(struct watch *watch, struct fact *fact);

#endif
