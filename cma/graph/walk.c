// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/walk.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

#define uthash_fatal(message) abort()
#include <uthash.h>

#define ALIVE(table) table ".since <= ?2 AND " table ".gone > ?2"

enum step {
	STEP_USES,	/* process -> endpoints that it uses, since */
	STEP_SERVERS,	/* endpoint -> processes that serve it */
	STEP_SERVES,	/* process -> endpoints that it serves */
	STEP_USERS,	/* endpoint -> processes that use it, since */
	STEP_CALLERS,	/* endpoint -> addresses that were seen to call it, since */
	STEP_OWNER,	/* node -> what it belongs to */
	STEP_PROCESSES, /* host -> its processes */
	STEP_HOLDERS,	/* address -> hosts that have it */
	STEP_COUNT
};

static const char *const steps[STEP_COUNT] = {
	[STEP_USES] = "SELECT e.dst, e.since FROM edge e"
		      " WHERE e.src = ?1 AND e.kind = 'uses' AND " ALIVE("e"),
	[STEP_SERVERS] = "SELECT e.src, e.since FROM edge e INDEXED BY edge_reverse"
			 " WHERE e.dst = ?1 AND e.kind = 'serves' AND " ALIVE("e"),
	[STEP_SERVES] = "SELECT e.dst, e.since FROM edge e"
			" WHERE e.src = ?1 AND e.kind = 'serves' AND " ALIVE("e"),
	[STEP_USERS] = "SELECT e.src, e.since FROM edge e INDEXED BY edge_reverse"
		       " WHERE e.dst = ?1 AND e.kind = 'uses' AND " ALIVE("e"),
	[STEP_CALLERS] = "SELECT e.src, e.since FROM edge e INDEXED BY edge_reverse"
			 " WHERE e.dst = ?1 AND e.kind = 'calls' AND " ALIVE("e"),
	[STEP_OWNER] = "SELECT owner, since FROM node WHERE id = ?1 AND ?2",
	[STEP_PROCESSES] = "SELECT id, since FROM node INDEXED BY node_key"
			   " WHERE owner = ?1 AND kind = 'process' AND ?2",
	[STEP_HOLDERS] = "SELECT n.owner, a.since FROM edge a INDEXED BY edge_reverse"
			 " JOIN node n ON n.id = a.src"
			 " WHERE a.dst = ?1 AND a.kind = 'address' AND " ALIVE("a"),
};

/* What a step leads to. */
struct reach {
	int64_t id;
	int64_t since;
};

struct reaches {
	struct reach *items;
	size_t count;
	size_t room;
};

struct walk_row {
	int64_t process;
	int64_t endpoint;
	int64_t peer;
	int64_t address;
	int64_t since;
	int hops;
};

struct seen {
	int64_t id;
	UT_hash_handle hh;
};

/* A process from which to go on. */
struct waiting {
	int64_t process;
	int hops;
};

struct walk_table {
	sqlite3_vtab base;
	sqlite3 *db;
	sqlite3_stmt *statements[STEP_COUNT];
};

/* One walk; all of it is done by the first xFilter. */
struct walk {
	sqlite3_vtab_cursor base;
	struct walk_table *table;
	int64_t as_of;
	bool down;
	bool through_host;
	struct seen *seen; /* processes and, with through_host, hosts */
	struct waiting *queue;
	size_t queue_count;
	size_t queue_room;
	struct walk_row *rows;
	size_t count;
	size_t room;
	size_t at;
	struct reaches near; /* endpoints of a process */
	struct reaches far;  /* processes at an endpoint */
	struct reaches aside;
};

static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct reach *a = a_pointer, *b = b_pointer;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->since > b->since) - (a->since < b->since);
}

static void *grown(void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room ? 2 * *room : 32;
	return mem_resize(items, *room, size);
}

/* Where a step leads from a node: each place once, with the earliest since. */
static int step(struct walk *w, enum step which, int64_t from, struct reaches *to)
{
	sqlite3_stmt *s = w->table->statements[which];
	size_t kept = 0;
	int code;

	to->count = 0;
	sqlite3_bind_int64(s, 1, from);
	sqlite3_bind_int64(s, 2, w->as_of);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		to->items = grown(to->items, to->count, &to->room, sizeof(*to->items));
		to->items[to->count++] =
			(struct reach){ sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1) };
	}
	sqlite3_reset(s);
	if (to->count > 1)
		qsort(to->items, to->count, sizeof(*to->items), compare);
	for (size_t i = 0; i < to->count; i++)
		if (!kept || to->items[kept - 1].id != to->items[i].id)
			to->items[kept++] = to->items[i];
	to->count = kept;
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* True the first time. */
static bool see(struct walk *w, int64_t id)
{
	struct seen *seen;

	HASH_FIND(hh, w->seen, &id, sizeof(id), seen);
	if (seen)
		return false;
	seen = mem_alloc(1, sizeof(*seen));
	seen->id = id;
	HASH_ADD(hh, w->seen, id, sizeof(seen->id), seen);
	return true;
}

static void enqueue_one(struct walk *w, int64_t process, int hops)
{
	if (!see(w, process))
		return;
	w->queue = grown(w->queue, w->queue_count, &w->queue_room, sizeof(*w->queue));
	w->queue[w->queue_count++] = (struct waiting){ process, hops };
}

static int enqueue_host(struct walk *w, int64_t host, int hops)
{
	int code = SQLITE_OK;

	if (!see(w, host))
		return SQLITE_OK;
	code = step(w, STEP_PROCESSES, host, &w->aside);
	for (size_t i = 0; i < w->aside.count; i++)
		enqueue_one(w, w->aside.items[i].id, hops);
	return code;
}

static int enqueue(struct walk *w, int64_t process, int hops)
{
	int code = SQLITE_OK;

	if (w->through_host) {
		code = step(w, STEP_OWNER, process, &w->aside);
		if (code == SQLITE_OK && w->aside.count)
			code = enqueue_host(w, w->aside.items[0].id, hops);
	}
	enqueue_one(w, process, hops);
	return code;
}

static void add_row(struct walk *w, struct walk_row row)
{
	w->rows = grown(w->rows, w->count, &w->room, sizeof(*w->rows));
	w->rows[w->count++] = row;
}

/* True when one of the processes in w->far runs on a host that has the address. */
static bool is_told(struct walk *w, int64_t address, int *code)
{
	struct reaches hosts = { 0 };
	bool told = false;

	*code = step(w, STEP_HOLDERS, address, &hosts);
	for (size_t i = 0; i < w->far.count && !told && hosts.count && *code == SQLITE_OK; i++) {
		*code = step(w, STEP_OWNER, w->far.items[i].id, &w->aside);
		for (size_t j = 0; j < hosts.count && w->aside.count; j++)
			told = told || hosts.items[j].id == w->aside.items[0].id;
	}
	free(hosts.items);
	return told;
}

/* Clients of an endpoint that only its server tells of. */
static int add_callers(struct walk *w, struct walk_row row)
{
	struct reaches callers = { 0 };
	int code = step(w, STEP_CALLERS, row.endpoint, &callers);

	for (size_t i = 0; i < callers.count && code == SQLITE_OK; i++) {
		row.address = callers.items[i].id;
		row.since = callers.items[i].since;
		if (!is_told(w, row.address, &code))
			add_row(w, row);
	}
	free(callers.items);
	return code;
}

static int add_address(struct walk *w, struct walk_row row)
{
	int code = step(w, STEP_OWNER, row.endpoint, &w->aside);

	row.address = w->aside.count ? w->aside.items[0].id : 0;
	add_row(w, row);
	return code;
}

static int visit_endpoint(struct walk *w, struct walk_row row, int depth)
{
	int code = step(w, w->down ? STEP_USERS : STEP_SERVERS, row.endpoint, &w->far);
	int64_t since = row.since;

	for (size_t i = 0; i < w->far.count && code == SQLITE_OK; i++) {
		row.peer = w->far.items[i].id;
		row.since = w->down ? w->far.items[i].since : since;
		add_row(w, row);
		if (row.hops < depth)
			code = enqueue(w, row.peer, row.hops + 1);
	}
	row.peer = 0;
	if (code == SQLITE_OK && w->down)
		code = add_callers(w, row);
	else if (code == SQLITE_OK && !w->far.count)
		code = add_address(w, row);
	return code;
}

static int visit(struct walk *w, struct waiting from, int depth)
{
	int code = step(w, w->down ? STEP_SERVES : STEP_USES, from.process, &w->near);

	for (size_t i = 0; i < w->near.count && code == SQLITE_OK; i++)
		code = visit_endpoint(w,
			(struct walk_row){ .process = from.process,
				.endpoint = w->near.items[i].id,
				.since = w->near.items[i].since,
				.hops = from.hops },
			depth);
	return code;
}

static void clear(struct walk *w)
{
	struct seen *seen, *next;

	HASH_ITER (hh, w->seen, seen, next) {
		HASH_DEL(w->seen, seen);
		free(seen);
	}
	w->queue_count = 0;
	w->count = 0;
	w->at = 0;
}

/* ---- as SQLite wants it ---- */

enum column {
	COLUMN_HOPS,
	COLUMN_PROCESS,
	COLUMN_ENDPOINT,
	COLUMN_PEER,
	COLUMN_ADDRESS,
	COLUMN_SINCE,
	COLUMN_START, /* the first argument */
	COLUMN_END = COLUMN_START + 5
};

static int on_disconnect(sqlite3_vtab *base)
{
	struct walk_table *table = (struct walk_table *)base;

	for (int i = 0; i < STEP_COUNT; i++)
		sqlite3_finalize(table->statements[i]);
	free(table);
	return SQLITE_OK;
}

static int on_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
	sqlite3_vtab **vtab, char **error)
{
	struct walk_table *table = mem_alloc(1, sizeof(*table));
	int code = sqlite3_declare_vtab(db,
		"CREATE TABLE walk (hops, process, endpoint, peer, address, since, start HIDDEN,"
		" direction HIDDEN, depth HIDDEN, through HIDDEN, as_of HIDDEN)");

	(void)context;
	(void)argc;
	(void)argv;
	(void)error;
	table->db = db;
	for (int i = 0; i < STEP_COUNT && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(
			db, steps[i], -1, SQLITE_PREPARE_PERSISTENT, &table->statements[i], NULL);
	if (code != SQLITE_OK)
		on_disconnect(&table->base);
	else
		*vtab = &table->base;
	return code;
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
	info->estimatedCost = 100;
	info->estimatedRows = 50;
	return given == (1 << (COLUMN_END - COLUMN_START)) - 1 ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int on_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
	struct walk *w = mem_alloc(1, sizeof(*w));

	w->table = (struct walk_table *)vtab;
	*cursor = &w->base;
	return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *cursor)
{
	struct walk *w = (struct walk *)cursor;

	clear(w);
	free(w->queue);
	free(w->rows);
	free(w->near.items);
	free(w->far.items);
	free(w->aside.items);
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
	int64_t start = sqlite3_value_int64(argv[0]);
	int depth = sqlite3_value_int(argv[2]);
	int code;

	(void)index;
	(void)name;
	(void)argc;
	clear(w);
	w->down = is_text(argv[1], "down");
	w->through_host = is_text(argv[3], "host");
	w->as_of = sqlite3_value_int64(argv[4]);
	if (depth < 1)
		return SQLITE_OK;
	code = enqueue_host(w, start, 1);
	if (!w->queue_count)
		enqueue_one(w, start, 1);
	for (size_t i = 0; i < w->queue_count && code == SQLITE_OK; i++)
		code = visit(w, w->queue[i], depth);
	return code;
}

static int on_next(sqlite3_vtab_cursor *cursor)
{
	((struct walk *)cursor)->at++;
	return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *cursor)
{
	const struct walk *w = (const struct walk *)cursor;

	return w->at >= w->count;
}

static int on_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
	const struct walk *w = (const struct walk *)cursor;
	const struct walk_row *row = &w->rows[w->at];
	const int64_t values[] = { row->hops, row->process, row->endpoint, row->peer, row->address,
		row->since };

	if (column < COLUMN_START && (values[column] || column == COLUMN_SINCE))
		sqlite3_result_int64(context, values[column]);
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
