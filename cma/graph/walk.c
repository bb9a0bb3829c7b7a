// SPDX-License-Identifier: Apache-2.0
/* The walk as SQLite wants it; dependency.c does it. */
#include "cma/graph/walk.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/graph/dependency.h"

struct walk_table {
	sqlite3_vtab base;
	sqlite3_stmt *steps[DEPENDENCY_STEPS];
};

struct walk {
	sqlite3_vtab_cursor base;
	struct dependency found;
	size_t at; /* the present row */
};

enum column {
	COLUMN_HOPS,
	COLUMN_NAMES, /* in the order of enum dependency_name */
	COLUMN_SINCE = COLUMN_NAMES + DEPENDENCY_NAMES,
	COLUMN_PROCESS_ID,
	COLUMN_ENDPOINT_ID,
	COLUMN_PEER_ID,
	COLUMN_ADDRESS_ID,
	COLUMN_START, /* the arguments */
	COLUMN_END = COLUMN_START + 5
};

static int on_disconnect(sqlite3_vtab *base)
{
	struct walk_table *table = (struct walk_table *)base;

	for (int i = 0; i < DEPENDENCY_STEPS; i++)
		sqlite3_finalize(table->steps[i]);
	free(table);
	return SQLITE_OK;
}

static int on_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
	sqlite3_vtab **vtab, char **error)
{
	struct walk_table *table = mem_alloc(1, sizeof(*table));
	int code = sqlite3_declare_vtab(db,
		"CREATE TABLE walk (hops, host, process, endpoint, peer_host, peer_process, since,"
		" process_id, endpoint_id, peer_id, address_id, start HIDDEN, direction HIDDEN,"
		" depth HIDDEN, through HIDDEN, as_of HIDDEN)");

	(void)context;
	(void)argc;
	(void)argv;
	(void)error;
	if (code == SQLITE_OK)
		code = dependency_steps_prepare(db, table->steps);
	if (code != SQLITE_OK)
		on_disconnect(&table->base);
	else
		*vtab = &table->base;
	return code;
}

static bool is_our_order(const sqlite3_index_info *info)
{
	for (int i = 0; i < info->nOrderBy; i++)
		if (info->aOrderBy[i].iColumn != i || info->aOrderBy[i].desc)
			return false;
	return info->nOrderBy <= COLUMN_SINCE;
}

/* All arguments must be there. */
static int on_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	int given = 0;

	(void)vtab;
	for (int i = 0; i < info->nConstraint; i++) {
		int argument = info->aConstraint[i].iColumn - COLUMN_START;

		if (argument < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!info->aConstraint[i].usable)
			return SQLITE_CONSTRAINT;
		info->aConstraintUsage[i].argvIndex = argument + 1;
		info->aConstraintUsage[i].omit = 1;
		given |= 1 << argument;
	}
	info->orderByConsumed = is_our_order(info);
	info->estimatedCost = 100;
	info->estimatedRows = 50;
	return given == (1 << (COLUMN_END - COLUMN_START)) - 1 ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int on_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
	struct walk *w = mem_alloc(1, sizeof(*w));

	w->found.steps = ((struct walk_table *)vtab)->steps;
	*cursor = &w->base;
	return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *cursor)
{
	struct walk *w = (struct walk *)cursor;

	dependency_free(&w->found);
	free(w);
	return SQLITE_OK;
}

static bool is_text(sqlite3_value *value, const char *text)
{
	const unsigned char *given = sqlite3_value_text(value);

	return given && !strcmp((const char *)given, text);
}

static int on_filter(
	sqlite3_vtab_cursor *cursor, int index, const char *name, int argc, sqlite3_value **argv)
{
	struct walk *w = (struct walk *)cursor;
	struct dependency *found = &w->found;
	bool both = is_text(argv[1], "both");

	(void)index;
	(void)name;
	(void)argc;
	w->at = 0;
	found->up = both || is_text(argv[1], "up");
	found->down = both || is_text(argv[1], "down");
	found->depth = sqlite3_value_int(argv[2]);
	found->through_host = is_text(argv[3], "host");
	found->as_of = sqlite3_value_int64(argv[4]);
	return dependency_walk(found, sqlite3_value_int64(argv[0]));
}

static int on_next(sqlite3_vtab_cursor *cursor)
{
	((struct walk *)cursor)->at++;
	return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *cursor)
{
	const struct walk *w = (const struct walk *)cursor;

	return w->at >= w->found.count;
}

static int on_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
	const struct walk *w = (const struct walk *)cursor;
	const struct dependency_row *row = &w->found.rows[w->at];
	const int64_t ids[] = { row->process, row->endpoint, row->peer, row->address };

	if (column == COLUMN_HOPS)
		sqlite3_result_int(context, row->hops);
	else if (column < COLUMN_SINCE)
		sqlite3_result_text(context,
			dependency_text(&w->found, row->names[column - COLUMN_NAMES]), -1,
			SQLITE_STATIC);
	else if (column == COLUMN_SINCE)
		sqlite3_result_int64(context, row->since);
	else if (column < COLUMN_START && ids[column - COLUMN_PROCESS_ID])
		sqlite3_result_int64(context, ids[column - COLUMN_PROCESS_ID]);
	return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
	*rowid = (sqlite3_int64)((const struct walk *)cursor)->at;
	return SQLITE_OK;
}

int walk_register(sqlite3 *db)
{
	static const sqlite3_module module = {
		.xConnect = on_connect,
		.xBestIndex = on_best_index,
		.xDisconnect = on_disconnect,
		.xOpen = on_open,
		.xClose = on_close,
		.xFilter = on_filter,
		.xNext = on_next,
		.xEof = on_eof,
		.xColumn = on_column,
		.xRowid = on_rowid,
	};

	return sqlite3_create_module_v2(db, "walk", &module, NULL, NULL);
}
