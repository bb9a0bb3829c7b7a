// SPDX-License-Identifier: Apache-2.0
/* What a walk asks the store; dependency.c walks. */
#include "cma/graph/dependency.h"

/*
 * Where the processes of a JSON array (?1) meet others, with all names, in one statement: starting
 * one is what costs, not its rows.
 */
#define MEETING(near_kind, far_kind, client)                                                      \
	"SELECT x.key, n.dst, e.label, e.owner, " client ".since, f.src, q.label, g.id, g.label," \
	" (SELECT 1 FROM edge a INDEXED BY edge_reverse WHERE a.dst = e.owner"                    \
	" AND a.kind = 'address' AND a.since <= ?2 AND a.gone > ?2 LIMIT 1 OFFSET 1)"             \
	" FROM json_each(?1) x"                                                                   \
	" CROSS JOIN edge n ON n.src = x.value AND n.kind = '" near_kind "'"                      \
	" AND n.since <= ?2 AND n.gone > ?2"                                                      \
	" CROSS JOIN node e ON e.id = n.dst"                                                      \
	" LEFT JOIN edge f INDEXED BY edge_reverse ON f.dst = n.dst"                              \
	" AND f.kind = '" far_kind "' AND f.since <= ?2 AND f.gone > ?2"                          \
	" LEFT JOIN node q ON q.id = f.src LEFT JOIN node g ON g.id = q.owner"

static const char *const steps[DEPENDENCY_STEPS] = {
	[DEPENDENCY_UP] = MEETING("uses", "serves", "n"),
	[DEPENDENCY_DOWN] = MEETING("serves", "uses", "f"),
	/* Those that the host of the server (?3) tells of. */
	[DEPENDENCY_CALLERS] =
		("SELECT c.src, min(c.since), c.kind = 'serves'"
		 " FROM edge c INDEXED BY edge_reverse CROSS JOIN fact t ON t.id = c.fact"
		 " WHERE c.dst = ?1 AND c.kind IN ('calls', 'serves')"
		 " AND c.since <= ?2 AND c.gone > ?2 AND (c.kind = 'serves'"
		 " OR t.host = (SELECT owner FROM node WHERE id = ?3)) GROUP BY c.kind, c.src"),
	[DEPENDENCY_HOMES] = ("SELECT p.owner, 1 FROM edge s INDEXED BY edge_reverse"
			      " JOIN node p ON p.id = s.src WHERE s.dst = ?1 AND s.kind = 'serves'"
			      " AND s.since <= ?2 AND s.gone > ?2 UNION ALL"
			      " SELECT n.owner, 0 FROM node e JOIN edge a INDEXED BY edge_reverse"
			      " ON a.dst = e.owner JOIN node n ON n.id = a.src WHERE e.id = ?1"
			      " AND a.kind = 'address' AND a.since <= ?2 AND a.gone > ?2"),
	[DEPENDENCY_HOLDERS] = ("SELECT h.id, h.label FROM edge a INDEXED BY edge_reverse"
				" JOIN node n ON n.id = a.src JOIN node h ON h.id = n.owner"
				" WHERE a.dst = ?1 AND a.kind = 'address'"
				" AND a.since <= ?2 AND a.gone > ?2 ORDER BY h.label"),
	[DEPENDENCY_NAME] = "SELECT id, label FROM node WHERE id = ?1 AND ?2",
	[DEPENDENCY_OWNER] = "SELECT owner FROM node WHERE id = ?1 AND ?2",
	[DEPENDENCY_PROCESSES] = ("SELECT p.id, p.label, h.label FROM node h"
				  " JOIN node p INDEXED BY node_key ON p.owner = h.id"
				  " AND p.kind = 'process' WHERE h.id = ?1 AND ?2"),
	[DEPENDENCY_PROCESS] =
		("SELECT p.id, p.label, h.label FROM node p JOIN node h ON h.id = p.owner"
		 " WHERE p.id = ?1 AND p.kind = 'process' AND ?2"),
};

int dependency_steps_prepare(sqlite3 *db, sqlite3_stmt *prepared[DEPENDENCY_STEPS])
{
	int code = SQLITE_OK;

	for (int i = 0; i < DEPENDENCY_STEPS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(
			db, steps[i], -1, SQLITE_PREPARE_PERSISTENT, &prepared[i], NULL);
	return code;
}
