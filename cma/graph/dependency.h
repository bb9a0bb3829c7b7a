/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_DEPENDENCY_H
#define CMA_GRAPH_DEPENDENCY_H
/*
 * Who depends on whom: the walk behind the table-valued function of walk.h, which says what it
 * does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

enum dependency_step {
	DEPENDENCY_UP,	      /* a process's endpoints as a client, and who serves each */
	DEPENDENCY_DOWN,      /* a process's endpoints as a server, and who uses each */
	DEPENDENCY_CALLERS,   /* addresses that were seen to call an endpoint, and who serves it */
	DEPENDENCY_HOMES,     /* hosts that serve an endpoint (1) or have its address (0) */
	DEPENDENCY_HOLDERS,   /* hosts that have an address */
	DEPENDENCY_NAME,      /* a node */
	DEPENDENCY_OWNER,     /* what a node belongs to */
	DEPENDENCY_PROCESSES, /* a host's processes */
	DEPENDENCY_PROCESS,   /* one process */
	DEPENDENCY_STEPS
};

enum dependency_name {
	DEPENDENCY_HOST,
	DEPENDENCY_OWN, /* process */
	DEPENDENCY_ENDPOINT,
	DEPENDENCY_PEER_HOST,
	DEPENDENCY_PEER, /* process */
	DEPENDENCY_NAMES
};

struct dependency_row {
	int64_t process;
	int64_t endpoint;
	int64_t peer;	 /* 0: no process is known */
	int64_t address; /* then its address or host */
	int64_t since;
	int hops;
	size_t names[DEPENDENCY_NAMES]; /* for dependency_text */
};

struct dependency {
	sqlite3_stmt **steps; /* DEPENDENCY_STEPS of them, borrowed */
	int64_t as_of;
	int depth;
	bool up;
	bool down;
	bool through_host;
	struct dependency_row *rows; /* sorted by hops and names */
	size_t count;
	struct dependency_work *work;
};

/* Prepares the statements; the caller finalizes them whatever is returned. */
int dependency_steps_prepare(sqlite3 *db, sqlite3_stmt *steps[DEPENDENCY_STEPS]);

/*
 * Walks from a host or a process, as the members from as_of to through_host say, and replaces rows.
 * A result code of SQLite. End it with dependency_free.
 */
int dependency_walk(struct dependency *d, int64_t start);
void dependency_free(struct dependency *d);
/* A name in a row; NULL when there is none. Valid until the next walk. */
const char *dependency_text(const struct dependency *d, size_t name);

#endif
