// SPDX-License-Identifier: Apache-2.0
#include "tests/support/anchor.h"

#include <errno.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "base/text.h"

#define WALK(columns, join)                                                                    \
	"WITH RECURSIVE walk (process, endpoint, peer, hops) AS (SELECT 0, 0, id, 0 FROM node" \
	" WHERE owner = ?1 AND kind = 'process' UNION SELECT peer, u.dst, s.src, hops + 1"     \
	" FROM walk CROSS JOIN edge u ON u.src = peer AND u.kind = 'uses' AND u.gone > ?2"     \
	" CROSS JOIN edge s INDEXED BY edge_reverse ON s.dst = u.dst AND s.kind = 'serves'"    \
	" AND s.gone > ?2 WHERE hops < ?3) SELECT hops, process, endpoint, peer" columns       \
	" FROM walk" join " WHERE hops > 0"

static const char *const walks[ANCHORS] = {
	[ANCHOR_IDS] = WALK("", ""),
	[ANCHOR_NODES] = WALK(", e.label, e.owner, q.label, q.owner",
		" CROSS JOIN node e ON e.id = endpoint CROSS JOIN node q ON q.id = peer"),
};

int anchor_open(struct anchor *a, const char *directory)
{
	char *path autofree = text_format("%s/graph.db", directory);
	int code;

	*a = (struct anchor){ 0 };
	code = sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(a->db, "PRAGMA mmap_size = 2147418112", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(a->db,
			"SELECT h.id FROM node t CROSS JOIN node h INDEXED BY node_host"
			" ON h.owner = t.id AND h.kind = 'host' AND h.label = ?1"
			" WHERE t.owner = 0 AND t.kind = 'tenant' AND t.key = 'default'",
			-1, &a->find, NULL);
	for (int i = 0; i < ANCHORS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v2(a->db, walks[i], -1, &a->walks[i], NULL);
	return code == SQLITE_OK ? 0 : -EIO;
}

void anchor_close(struct anchor *a)
{
	sqlite3_finalize(a->find);
	for (int i = 0; i < ANCHORS; i++)
		sqlite3_finalize(a->walks[i]);
	sqlite3_close(a->db);
}

double anchor_time(struct anchor *a, enum anchor_kind kind, const char *host, int depth)
{
	sqlite3_stmt *s = a->walks[kind];
	struct instant start;
	int code;

	sqlite3_bind_text(a->find, 1, host, -1, SQLITE_STATIC);
	code = sqlite3_step(a->find);
	sqlite3_bind_int64(s, 1, sqlite3_column_int64(a->find, 0));
	sqlite3_bind_int64(s, 2, INT64_MAX - 1);
	sqlite3_bind_int(s, 3, depth);
	sqlite3_reset(a->find);
	if (code != SQLITE_ROW)
		return -1;
	start = instant_now();
	while (sqlite3_step(s) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(s); i++)
			sqlite3_column_text(s, i);
	sqlite3_reset(s);
	return (double)instant_sub(instant_now(), start) / NS_PER_US;
}
