/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_WALK_H
#define CMA_GRAPH_WALK_H
/*
 * The table-valued function walk(start, direction, depth, through, as_of) of the queries: from the
 * processes of a host, or one process, to those that they depend on ('up') or that depend on them
 * ('down'), over the endpoints where they meet. Each process is visited once, breadth first, so
 * that the cost follows what is reached. (As a recursive SELECT it needed three times as long: see
 * docs/decisions.md.) through = 'host' goes on from all processes of a host that was reached,
 * anything else only from the process that was met. Its rows:
 *	hops      from 1
 *	process   the near side
 *	endpoint
 *	peer      the process on the far side; NULL when no nanoprobe told of one
 *	address   then the node of the peer's address; the host for a loopback endpoint
 *	since     when the client was first seen there
 */
#include <sqlite3.h>

/* Makes the function known to a connection; it ends with that. A result code of SQLite. */
int walk_register(sqlite3 *db);

#endif
