// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/graph.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cma/graph/embedded.h"
#include "cma/graph/store.h"

/*
 * Measured (docs/decisions.md): checkpoints every 1,000 pages, the default, rewrite the same pages
 * again and again; beyond some 10,000 the WAL gets long to read without writing getting faster.
 */
enum { CACHE_KIB = 128 << 10, CHECKPOINT_PAGES = 10000 };

static const char *const DATABASE = "graph.db";

const char *graph_error(const struct graph *g)
{
	return *g->error ? g->error : g->db.error;
}

/* The text of a failed step of opening, for people. */
static int refuse(struct graph *g, int failed, const char *directory, const char *why)
{
	snprintf(g->error, sizeof(g->error), "%.180s/%s: %s", directory, DATABASE, why);
	return failed;
}

static int run_file(struct graph *g, const char *path)
{
	const struct embedded_sql *file = embedded_sql;

	while (file->path && strcmp(file->path, path) != 0)
		file++;
	return file->path ? db_script(&g->db, file->text) : -ENOENT;
}

/* From nothing (version 0) to the schema of this program, or from an older one step by step. */
static int schema_bring(struct graph *g, int version)
{
	char text[64];
	int failed = db_script(&g->db, "BEGIN IMMEDIATE");

	if (!failed && !version) {
		failed = run_file(g, "graph/schema.sql");
		version = GRAPH_SCHEMA;
	}
	while (!failed && version < GRAPH_SCHEMA) {
		snprintf(text, sizeof(text), "graph/upgrade_%d.sql", ++version);
		failed = run_file(g, text);
	}
	snprintf(text, sizeof(text), "PRAGMA user_version = %d", GRAPH_SCHEMA);
	if (!failed)
		failed = db_script(&g->db, text);
	return failed ? failed : db_script(&g->db, "COMMIT");
}

static int schema_version(struct graph *g, int *version)
{
	sqlite3_stmt *s = NULL;
	int failed = db_fail(
		&g->db, sqlite3_prepare_v2(g->db.handle, "PRAGMA user_version", -1, &s, NULL));

	if (!failed)
		failed = db_step(&g->db, s);
	if (failed > 0) {
		*version = sqlite3_column_int(s, 0);
		failed = 0;
	}
	sqlite3_finalize(s);
	return failed;
}

static int configure(struct graph *g, const struct graph_options *options)
{
	char pragmas[256];

	snprintf(pragmas, sizeof(pragmas),
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
		"PRAGMA wal_autocheckpoint = %d; PRAGMA cache_size = -%lld",
		CHECKPOINT_PAGES, (long long)(options->cache_kib ? options->cache_kib : CACHE_KIB));
	/* Else a plan may depend on a value, and is made anew for each other one. */
	sqlite3_db_config(g->db.handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
	sqlite3_busy_timeout(g->db.handle, 1000);
	return db_script(&g->db, pragmas);
}

/* SQLite gives the WAL the mode of the database; it holds keys. */
static int make_private(int dir)
{
	int fd autoclose = openat(dir, DATABASE, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : 0;
}

static int database_open(struct graph *g, const struct graph_options *options)
{
	char *path autofree = text_format("%s/%s", options->directory, DATABASE);
	int version = 0;
	int failed = db_fail(&g->db,
		sqlite3_open_v2(path, &g->db.handle,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
			options->vfs));

	if (!failed)
		failed = schema_version(g, &version);
	if (!failed && version > GRAPH_SCHEMA)
		return refuse(g, -EOVERFLOW, options->directory,
			"was written by a newer version of this program");
	if (!failed)
		failed = configure(g, options);
	if (!failed && version < GRAPH_SCHEMA)
		failed = schema_bring(g, version);
	if (!failed)
		failed = db_prepare(&g->db);
	return failed ? refuse(g, failed, options->directory, g->db.error) : 0;
}

static int read_epoch(struct graph *g)
{
	int64_t epoch = 0;
	int got = db_int(&g->db, &epoch, DB_EPOCH, "");

	g->epoch = (uint64_t)epoch;
	return got < 0 ? got : 0;
}

static int directory_take(struct graph *g, const char *directory)
{
	int dir autoclose = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed;

	if (dir < 0) {
		failed = -errno;
		snprintf(g->error, sizeof(g->error), "%.180s: %s", directory, strerror(-failed));
		return failed;
	}
	g->lock = file_lock(dir, "lock");
	failed = g->lock < 0 ? g->lock : make_private(dir);
	if (failed)
		snprintf(g->error, sizeof(g->error), "%.180s: %s", directory,
			failed == -EWOULDBLOCK ? "another cma is running on it"
					       : strerror(-failed));
	return failed;
}

int graph_open(
	const struct graph_options *options, struct graph **graph, char *error, size_t error_size)
{
	struct graph *g = mem_alloc(1, sizeof(*g));
	int failed;

	/* It locks for each allocation otherwise. Refused, without harm, once SQLite is in use. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	g->lock = -1;
	g->agent_facts = options->agent_facts ? options->agent_facts : GRAPH_AGENT_FACTS;
	g->agent_bytes = options->agent_bytes ? options->agent_bytes : GRAPH_AGENT_BYTES;
	g->agent_edges = options->agent_edges ? options->agent_edges : GRAPH_AGENT_EDGES;
	g->quarantine_most =
		options->quarantine_bytes ? options->quarantine_bytes : GRAPH_QUARANTINE_BYTES;
	g->quarantine_bytes = -1;
	failed = directory_take(g, options->directory);
	if (!failed)
		failed = database_open(g, options);
	if (!failed)
		failed = read_epoch(g);
	if (failed) {
		if (error)
			snprintf(error, error_size, "%s", graph_error(g));
		graph_close(g);
		g = NULL;
	}
	*graph = g;
	return failed;
}

void graph_close(struct graph *g)
{
	if (!g)
		return;
	db_close(&g->db);
	if (g->lock >= 0)
		close(g->lock);
	free(g);
}

int graph_latest(struct graph *g, int64_t *at_ms)
{
	int got;

	*at_ms = 0;
	got = db_int(&g->db, at_ms, DB_LATEST, "");
	return got < 0 ? got : 0;
}

int graph_begin(struct graph *g, int64_t now_ms)
{
	*g->error = '\0';
	g->now = now_ms;
	return db_run(&g->db, DB_BEGIN, "");
}

int graph_commit(struct graph *g)
{
	return db_run(&g->db, DB_COMMIT, "");
}

void graph_rollback(struct graph *g)
{
	if (!sqlite3_get_autocommit(g->db.handle))
		sqlite3_exec(g->db.handle, "ROLLBACK", NULL, NULL, NULL);
	g->quarantine_bytes = -1;
	known_clear(&g->known);
}

int graph_checkpoint(struct graph *g)
{
	int code = sqlite3_wal_checkpoint_v2(
		g->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	return (code & 0xff) == SQLITE_BUSY ? 0 : db_fail(&g->db, code);
}

int graph_epoch_bump(struct graph *g, uint64_t *epoch)
{
	int failed = db_run(&g->db, DB_BEGIN, "");

	if (!failed)
		failed = db_run(&g->db, DB_EPOCH_SET, "i", (int64_t)(g->epoch + 1));
	if (!failed)
		failed = graph_commit(g);
	if (failed) {
		graph_rollback(g);
		return failed;
	}
	*epoch = ++g->epoch;
	return 0;
}

uint64_t graph_epoch(const struct graph *g)
{
	return g->epoch;
}
