// SPDX-License-Identifier: Apache-2.0
/* The product's own store behind the simulated hub, in a directory that lives as long as it. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cma/act.h"
#include "cma/enlist.h"
#include "cma/graph/roster.h"
#include "tests/sim/store.h"

enum { AGENTS_MAX = 256, PATH_SIZE = 64 };

/* What the open transaction has of an agent, by the hub's name for it. */
struct progress {
	uint64_t hub;
	uint64_t incarnation;
	struct graph_result result;
	bool dirty;
	unsigned told; /* events about its sessions */
};

struct store {
	char directory[PATH_SIZE];
	struct graph *graph;
	sqlite3 *reader; /* sees what is committed */
	struct act act;
	struct progress progress[AGENTS_MAX];
	size_t count;
	bool open;
	int64_t latest_ms; /* time never runs backwards for the graph: cma/feed.c */
};

static void must(int result, const char *what)
{
	if (!result)
		return;
	fprintf(stderr, "store_graph: %s: %d\n", what, result);
	abort();
}

static void path_of(const struct store *store, const char *name, char path[PATH_SIZE + 16])
{
	snprintf(path, PATH_SIZE + 16, "%s/%s", store->directory, name);
}

static void open_graph(struct store *store)
{
	struct graph_options options = { .directory = store->directory };
	char path[PATH_SIZE + 16];
	char error[256];

	must(graph_open(&options, &store->graph, error, sizeof(error)), "graph_open");
	must(graph_latest(store->graph, &store->latest_ms), "graph_latest");
	store->act = (struct act){ .graph = store->graph };
	store->open = false;
	store->count = 0;
	path_of(store, "graph.db", path);
	must(sqlite3_open_v2(path, &store->reader, SQLITE_OPEN_READONLY, NULL), "sqlite3_open");
}

static void close_graph(struct store *store)
{
	act_deinit(&store->act);
	sqlite3_close(store->reader);
	graph_close(store->graph);
}

static void *graph_store_open(bool clones)
{
	struct store *store = mem_alloc(1, sizeof(*store));

	(void)clones;
	snprintf(store->directory, sizeof(store->directory), "%s/sim.XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	must(!mkdtemp(store->directory), "mkdtemp");
	open_graph(store);
	return store;
}

static void remove_files(const struct store *store, const char *const *names)
{
	char path[PATH_SIZE + 16];

	for (; *names; names++) {
		path_of(store, *names, path);
		unlink(path);
	}
}

static void graph_store_close(void *owner)
{
	static const char *const files[] = { "graph.db", "graph.db-wal", "graph.db-shm", "lock",
		"backup.db", NULL };
	struct store *store = owner;

	close_graph(store);
	remove_files(store, files);
	must(rmdir(store->directory), "rmdir");
	free(store);
}

static uint64_t graph_store_restart(void *owner)
{
	struct store *store = owner;
	uint64_t epoch;

	close_graph(store);
	open_graph(store);
	must(graph_epoch_bump(store->graph, &epoch), "graph_epoch_bump");
	return epoch;
}

static void graph_store_back_up(void *owner)
{
	static const char *const backup[] = { "backup.db", NULL };
	struct store *store = owner;
	char *sql autofree = text_format("VACUUM INTO '%s/backup.db'", store->directory);

	remove_files(store, backup);
	must(sqlite3_exec(store->reader, sql, NULL, NULL, NULL), "VACUUM INTO");
}

/* As somebody does it by hand: stop the CMA, put the file back, start it. */
static void graph_store_restore(void *owner)
{
	static const char *const logs[] = { "graph.db-wal", "graph.db-shm", NULL };
	struct store *store = owner;
	char from[PATH_SIZE + 16], to[PATH_SIZE + 16];

	path_of(store, "backup.db", from);
	path_of(store, "graph.db", to);
	if (access(from, R_OK))
		return;
	close_graph(store);
	remove_files(store, logs);
	must(rename(from, to), "rename");
	open_graph(store);
	graph_store_back_up(store);
}

static void graph_store_add_token(void *owner, const struct hub_token *token)
{
	struct store *store = owner;
	struct graph_token row = { .expires_ms = token->expires_ms, .uses = token->uses };

	memcpy(row.id, token->id, sizeof(row.id));
	memcpy(row.secret, token->secret, sizeof(row.secret));
	snprintf(row.tenant, sizeof(row.tenant), "tenant-%u", token->tenant);
	must(graph_begin(store->graph, 1), "graph_begin");
	must(graph_token_create(store->graph, &row), "graph_token_create");
	must(graph_commit(store->graph), "graph_commit");
	graph_store_back_up(store);
}

static int load_token(void *hub, const struct graph_token *row)
{
	struct hub_token token;

	enlist_token(row, &token);
	hub_add_token(hub, &token);
	return 0;
}

static int load_agent(void *hub, const struct graph_agent *row)
{
	struct hub_agent agent;

	enlist_agent(row, &agent);
	hub_add_agent(hub, &agent);
	return 0;
}

static void graph_store_load(void *owner, struct hub *hub)
{
	struct store *store = owner;

	must(graph_tokens(store->graph, load_token, hub), "graph_tokens");
	must(graph_agents(store->graph, load_agent, hub), "graph_agents");
}

static struct progress *progress_of(struct store *store, uint64_t hub)
{
	size_t i = 0;

	while (i < store->count && store->progress[i].hub != hub)
		i++;
	if (i == store->count)
		store->progress[store->count++] = (struct progress){ .hub = hub };
	return &store->progress[i];
}

static const char *graph_store_apply(void *owner, const struct hub_event *event, int64_t now_ms)
{
	struct store *store = owner;
	bool enrols = event->kind == HUB_ENROL;
	struct progress *progress = progress_of(store, enrols ? event->agent.id : event->id);
	int err;

	if (!store->open) {
		store->latest_ms = now_ms > store->latest_ms ? now_ms : store->latest_ms;
		must(graph_begin(store->graph, store->latest_ms), "graph_begin");
	}
	store->open = true;
	err = act_event(&store->act, event, &progress->result);
	if (err)
		return err == ACT_REFUSED ? "the graph refuses what the hub took"
					  : graph_error(store->graph);
	progress->told += event->kind == HUB_HERE || event->kind == HUB_LEFT;
	if (event->kind != HUB_ENROL && event->kind != HUB_MESSAGE)
		return NULL;
	progress->dirty = true;
	progress->incarnation = enrols ? event->agent.incarnation : event->incarnation;
	if (!enrols && progress->result.verdict == GRAPH_DUPLICATE)
		return "a message was handed out twice";
	if (!enrols && progress->result.verdict == GRAPH_QUARANTINED)
		return "a message was quarantined";
	return NULL;
}

static const char *graph_store_commit(void *owner, struct hub *hub)
{
	struct store *store = owner;

	if (graph_commit(store->graph))
		return graph_error(store->graph);
	store->open = false;
	for (size_t i = 0; i < store->count; i++) {
		struct progress *progress = &store->progress[i];
		struct hub_commit commit = {
			.id = progress->hub,
			.incarnation = progress->incarnation,
			.want = progress->result.want,
			.want_digest = progress->result.digest_sequence,
		};

		memcpy(commit.durable, progress->result.durable, sizeof(commit.durable));
		if (progress->dirty)
			hub_committed(hub, &commit);
		hub_told(hub, progress->hub, progress->told);
		progress->dirty = false;
		progress->told = 0;
	}
	return NULL;
}

static void graph_store_roll_back(void *owner)
{
	struct store *store = owner;

	graph_rollback(store->graph);
	act_failed(&store->act);
	store->open = false;
	store->count = 0;
}

static sqlite3_stmt *ask(struct store *store, const char *sql, const uint8_t key[SEAL_KEY])
{
	sqlite3_stmt *statement;

	must(sqlite3_prepare_v2(store->reader, sql, -1, &statement, NULL), "prepare");
	must(sqlite3_bind_blob(statement, 1, key, SEAL_KEY, SQLITE_STATIC), "bind");
	return statement;
}

static uint64_t graph_store_durable(void *owner, const uint8_t key[SEAL_KEY], uint64_t incarnation)
{
	sqlite3_stmt *s =
		ask(owner, "SELECT incarnation, sequence FROM agent WHERE public_key = ?", key);
	uint64_t durable = 0;

	if (sqlite3_step(s) == SQLITE_ROW && (uint64_t)sqlite3_column_int64(s, 0) == incarnation)
		durable = (uint64_t)sqlite3_column_int64(s, 1);
	sqlite3_finalize(s);
	return durable;
}

static uint32_t tenant_of(struct store *store, const uint8_t key[SEAL_KEY])
{
	sqlite3_stmt *s = ask(store,
		"SELECT substr(node.key, 8) FROM agent JOIN node ON node.id = tenant"
		" WHERE public_key = ?",
		key);
	uint32_t tenant = sqlite3_step(s) == SQLITE_ROW ? (uint32_t)sqlite3_column_int(s, 0) : 0;

	sqlite3_finalize(s);
	return tenant;
}

static struct store_sum graph_store_sum(void *owner, const uint8_t key[SEAL_KEY], uint32_t *tenant)
{
	sqlite3_stmt *s = ask(owner,
		"SELECT section, fact.key, value FROM fact JOIN agent USING (host)"
		" WHERE public_key = ? AND gone = 9223372036854775807",
		key);
	struct store_sum sum = { 0 };
	uint8_t digest_key[SEAL_FACT_KEY];

	seal_fact_key(key, digest_key);
	while (sqlite3_step(s) == SQLITE_ROW) {
		struct fact fact = {
			.key = SPAN(sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1)),
			.value =
				SPAN(sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2)),
		};

		while (strcmp(section_name(fact.section), (const char *)sqlite3_column_text(s, 0)))
			fact.section++;
		sum.count++;
		sum.hash += seal_fact_hash(digest_key, &fact);
	}
	sqlite3_finalize(s);
	*tenant = tenant_of(owner, key);
	return sum;
}

const struct store_ops store_graph = {
	.open = graph_store_open,
	.close = graph_store_close,
	.restart = graph_store_restart,
	.back_up = graph_store_back_up,
	.restore = graph_store_restore,
	.add_token = graph_store_add_token,
	.load = graph_store_load,
	.apply = graph_store_apply,
	.commit = graph_store_commit,
	.roll_back = graph_store_roll_back,
	.durable = graph_store_durable,
	.sum = graph_store_sum,
};
