// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const statements[DB_SQL_COUNT] = {
#define STATEMENT(NAME, sql) [DB_##NAME] = sql,
#include "cma/graph/statements.def"
};

int db_fail(struct db *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	default:
		break;
	}
	snprintf(db->error, sizeof(db->error), "%s",
		db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_INTERRUPT:
		return -ETIME;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		return -ENOTRECOVERABLE;
	default:
		return -EIO;
	}
}

int db_script(struct db *db, const char *sql)
{
	return db_fail(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

int db_prepare(struct db *db)
{
	int failed = 0;

	for (int i = 0; i < DB_SQL_COUNT && !failed; i++)
		failed = db_fail(db,
			sqlite3_prepare_v3(db->handle, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
				&db->statements[i], NULL));
	return failed;
}

void db_close(struct db *db)
{
	for (int i = 0; i < DB_SQL_COUNT; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	sqlite3_close(db->handle);
	db->handle = NULL;
}

static void bind_text(sqlite3_stmt *s, int i, struct span text)
{
	/* A NULL pointer would bind NULL. */
	sqlite3_bind_text64(s, i, text.size ? (const char *)text.data : "", text.size,
		SQLITE_STATIC, SQLITE_UTF8);
}

static sqlite3_stmt *bind_all(struct db *db, enum db_sql which, const char *types, va_list args)
{
	sqlite3_stmt *s = db->statements[which];
	struct span bytes;
	const char *text;

	for (int i = 1; types[i - 1]; i++) {
		switch (types[i - 1]) {
		case 'i':
			sqlite3_bind_int64(s, i, va_arg(args, int64_t));
			break;
		case 't':
			text = va_arg(args, const char *);
			bind_text(s, i, SPAN_TEXT(text));
			break;
		case 's':
			bind_text(s, i, va_arg(args, struct span));
			break;
		default:
			bytes = va_arg(args, struct span);
			sqlite3_bind_blob64(
				s, i, bytes.size ? bytes.data : NULL, bytes.size, SQLITE_STATIC);
		}
	}
	return s;
}

sqlite3_stmt *db_bind(struct db *db, enum db_sql which, const char *types, ...)
{
	sqlite3_stmt *s;
	va_list args;

	va_start(args, types);
	s = bind_all(db, which, types, args);
	va_end(args);
	return s;
}

int db_step(struct db *db, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	return code == SQLITE_ROW ? 1 : db_fail(db, code);
}

int db_run(struct db *db, enum db_sql which, const char *types, ...)
{
	sqlite3_stmt *s dbreset = NULL;
	va_list args;
	int got;

	va_start(args, types);
	s = bind_all(db, which, types, args);
	va_end(args);
	do
		got = db_step(db, s);
	while (got > 0);
	return got;
}

int db_int(struct db *db, int64_t *value, enum db_sql which, const char *types, ...)
{
	sqlite3_stmt *s dbreset = NULL;
	va_list args;
	int got;

	va_start(args, types);
	s = bind_all(db, which, types, args);
	va_end(args);
	got = db_step(db, s);
	if (got > 0)
		*value = sqlite3_column_int64(s, 0);
	return got;
}

void db_reset_cleanup(sqlite3_stmt **statement)
{
	sqlite3_reset(*statement);
}

const char *db_string(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	/* It may have to be copied, to end with a NUL. */
	if (!text && sqlite3_column_type(statement, column) != SQLITE_NULL)
		mem_exhausted();
	return (const char *)text;
}

struct span db_text(sqlite3_stmt *statement, int column)
{
	const char *text = db_string(statement, column);

	return SPAN(text, (size_t)sqlite3_column_bytes(statement, column));
}

struct span db_blob(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);

	return SPAN(data, (size_t)sqlite3_column_bytes(statement, column));
}
