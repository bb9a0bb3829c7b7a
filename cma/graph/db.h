/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_DB_H
#define CMA_GRAPH_DB_H
/*
 * SQLite as the files of cma/graph/ use it: every statement of the writer has a name
 * (statements.def), is prepared once, and is run by that name with its values.
 */
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "base/buf.h"

/* The value of gone while something is true. */
#define DB_FOREVER INT64_MAX

enum db_sql {
#define STATEMENT(NAME, sql) DB_##NAME,
#include "cma/graph/statements.def"
	DB_SQL_COUNT
};

struct db {
	sqlite3 *handle;
	sqlite3_stmt *statements[DB_SQL_COUNT];
	char error[256]; /* of the last failure */
};

/* -errno of a result code of SQLite; keeps its text in db->error. 0 for SQLITE_OK and the like. */
int db_fail(struct db *db, int code);
/* Runs SQL text that returns no rows; for schema and pragmas. */
int db_script(struct db *db, const char *sql);
/* Prepares all statements. */
int db_prepare(struct db *db);
/* Finalises all and closes. */
void db_close(struct db *db);

/*
 * A statement with its values bound: one letter of types each, i int64_t, t text (const char *),
 * s text and b blob (both struct span). Spans and texts must live until it is reset.
 */
sqlite3_stmt *db_bind(struct db *db, enum db_sql which, const char *types, ...);
/* 1 when there is a row, 0 at the end, -errno. */
int db_step(struct db *db, sqlite3_stmt *statement);
/* Binds, runs to the end, resets. */
int db_run(struct db *db, enum db_sql which, const char *types, ...);
/* Binds and reads an integer of the first row: 1 found, 0 there is none, -errno. */
int db_int(struct db *db, int64_t *value, enum db_sql which, const char *types, ...);

/* struct sqlite3_stmt *s dbreset = db_bind(...); ends by itself. */
#define dbreset cleanup(db_reset_cleanup)
void db_reset_cleanup(sqlite3_stmt **statement);

/* Columns of a row, borrowed until the next step. NULL for what is NULL. */
const char *db_string(sqlite3_stmt *statement, int column);
struct span db_text(sqlite3_stmt *statement, int column);
struct span db_blob(sqlite3_stmt *statement, int column);

#endif
