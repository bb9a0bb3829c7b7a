/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_WALK_H
#define CMA_GRAPH_WALK_H
/*
 * The table-valued function walk(start, direction, depth, through, as_of) of the queries: from the
 * processes of a host, or from one process, to those that they depend on ('up'), that depend on
 * them ('down'), or 'both', over the endpoints where they meet. Each process is visited once each
 * way, breadth first, so the cost follows what is reached. through = 'host' goes on from all
 * processes of a host that was reached, anything else only from the process that was met.
 *
 * Its columns, in the order of whose first six the rows come:
 *	hops				from 1
 *	host, process			the near side, by name
 *	endpoint			where they meet
 *	peer_host, peer_process		the far side. Without a process when no nanoprobe tells
 *					of one: peer_host is then who has the address, or the
 *					address itself
 *	since				when the client was first seen there, ms
 *	process_id, endpoint_id, peer_id, address_id
 *					their nodes; address_id instead of peer_id when there is no
 *					process: the peer's address, or the host itself
 */
#include <sqlite3.h>

/* Makes the function known to a connection; it ends with that. A result code of SQLite. */
int walk_register(sqlite3 *db);

#endif
