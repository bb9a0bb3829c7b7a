/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_ANCHOR_H
#define TESTS_SUPPORT_ANCHOR_H
/*
 * What hostdependencies is to be read against: the bare walk up as SQLite does it, from a host's id
 * to ids, and the same with the nodes of endpoint and peer.
 */
#include <sqlite3.h>

enum anchor_kind { ANCHOR_IDS, ANCHOR_NODES, ANCHORS };

struct anchor {
	sqlite3 *db;
	sqlite3_stmt *find;
	sqlite3_stmt *walks[ANCHORS];
};

/* The graph of a directory, read as the queries read it. -EIO; anchor_close even then. */
int anchor_open(struct anchor *anchor, const char *directory);
void anchor_close(struct anchor *anchor);

/* All rows of the walk from a host of tenant default: us, or -1 when there is no such host. */
double anchor_time(struct anchor *anchor, enum anchor_kind kind, const char *host, int depth);

#endif
