// SPDX-License-Identifier: Apache-2.0
/* The product's own store behind the simulated hub, in a directory that lives as long as it. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cma/graph/roster.h"
#include "tests/sim/store.h"

enum { AGENTS_MAX = 256, PATH_SIZE = 64 };

/* An agent as the hub names it in this process, and as the graph does. */
struct name {
	uint64_t hub;
	int64_t graph;
	uint64_t incarnation; /* what the open transaction has of it */
	struct graph_result result;
	bool dirty;
};

struct store {
	char directory[PATH_SIZE];
	struct graph *graph;
	sqlite3 *reader; /* sees what is committed */
	struct name names[AGENTS_MAX];
	size_t count;
	bool open;
};

static void must(int result, const char *what)
{
	if (!result)
		return;
	fprintf(stderr, "store_graph: %s: %d\n", what, result);
	abort();
}

static void open_graph(struct store *store)
{
	struct graph_options options = { .directory = store->directory };
	char path[PATH_SIZE + 16];
	char error[256];

	must(graph_open(&options, &store->graph, error, sizeof(error)), "graph_open");
	snprintf(path, sizeof(path), "%s/graph.db", store->directory);
	must(sqlite3_open_v2(path, &store->reader, SQLITE_OPEN_READONLY, NULL), "sqlite3_open");
}

static void close_graph(struct store *store)
{
	sqlite3_close(store->reader);
	graph_close(store->graph);
}

static void *graph_store_open(void)
{
	struct store *store = mem_alloc(1, sizeof(*store));

	snprintf(store->directory, sizeof(store->directory), "%s/sim.XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	must(!mkdtemp(store->directory), "mkdtemp");
	open_graph(store);
	return store;
}

static void graph_store_close(void *owner)
{
	static const char *const files[] = { "graph.db", "graph.db-wal", "graph.db-shm", "lock" };
	struct store *store = owner;
	char path[PATH_SIZE + 16];

	close_graph(store);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", store->directory, files[i]);
		unlink(path);
	}
	must(rmdir(store->directory), "rmdir");
	free(store);
}

static uint64_t graph_store_restart(void *owner)
{
	struct store *store = owner;
	uint64_t epoch;

	close_graph(store);
	open_graph(store);
	store->open = false;
	store->count = 0;
	must(graph_epoch_bump(store->graph, &epoch), "graph_epoch_bump");
	return epoch;
}

static void graph_store_add_token(void *owner, const struct hub_token *token)
{
	struct store *store = owner;
	struct graph_token row = {
		.tenant = "default", .expires_ms = token->expires_ms, .uses = token->uses
	};

	memcpy(row.id, token->id, sizeof(row.id));
	memcpy(row.secret, token->secret, sizeof(row.secret));
	must(graph_begin(store->graph, 1), "graph_begin");
	must(graph_token_create(store->graph, &row), "graph_token_create");
	must(graph_commit(store->graph), "graph_commit");
}

static int load_token(void *hub, const struct graph_token *row)
{
	struct hub_token token = { .tenant = 1,
		.expires_ms = row->expires_ms,
		.uses = (uint32_t)(row->uses - row->uses_made) };

	memcpy(token.id, row->id, sizeof(token.id));
	memcpy(token.secret, row->secret, sizeof(token.secret));
	hub_add_token(hub, &token);
	return 0;
}

static int load_agent(void *hub, const struct graph_agent *row)
{
	struct hub_agent agent = { .id = (uint64_t)row->id,
		.tenant = 1,
		.want = row->want,
		.want_digest = row->digest_sequence,
		.incarnation = row->incarnation,
		.durable = { row->durable[STREAM_STATE], row->durable[STREAM_URGENT] } };

	memcpy(agent.key, row->public_key, sizeof(agent.key));
	memcpy(agent.psk, row->psk, sizeof(agent.psk));
	hub_add_agent(hub, &agent);
	return 0;
}

static void graph_store_load(void *owner, struct hub *hub)
{
	struct store *store = owner;

	must(graph_tokens(store->graph, load_token, hub), "graph_tokens");
	must(graph_agents(store->graph, load_agent, hub), "graph_agents");
}

static struct name *name_of(struct store *store, uint64_t hub)
{
	size_t i = 0;

	while (i < store->count && store->names[i].hub != hub)
		i++;
	if (i == store->count)
		store->names[store->count++] = (struct name){ .hub = hub, .graph = (int64_t)hub };
	return &store->names[i];
}

static const char *graph_store_apply(void *owner, const struct hub_event *event, int64_t now_ms)
{
	struct store *store = owner;
	bool enrols = event->kind == HUB_ENROL;
	struct graph_message message;
	struct name *name = name_of(store, enrols ? event->agent.id : event->id);

	if (!store->open)
		must(graph_begin(store->graph, now_ms), "graph_begin");
	store->open = true;
	if (event->kind == HUB_UNREACHED || event->kind == HUB_UNANSWERED)
		return NULL;
	if (event->kind == HUB_HERE || event->kind == HUB_LEFT) {
		must(graph_status(
			     store->graph, name->graph, event->kind == HUB_HERE ? "up" : "left"),
			"graph_status");
		return NULL;
	}
	name->dirty = true;
	name->incarnation = enrols ? event->agent.incarnation : event->incarnation;
	if (enrols)
		return graph_enrol(store->graph, event->token, event->agent.key, event->agent.psk,
			       &name->graph)
			? "the graph refuses an agent that the hub took"
			: NULL;
	message = (struct graph_message){
		.incarnation = event->incarnation,
		.stream = event->stream,
		.sequence = event->sequence,
		.bytes = SPAN(event->bytes, event->size),
	};
	if (graph_apply(store->graph, name->graph, &message, &name->result))
		return graph_error(store->graph);
	if (name->result.verdict == GRAPH_DUPLICATE)
		return "a message was handed out twice";
	return name->result.verdict == GRAPH_APPLIED ? NULL : "a message was quarantined";
}

static const char *graph_store_commit(void *owner, struct hub *hub)
{
	struct store *store = owner;

	if (graph_commit(store->graph))
		return graph_error(store->graph);
	store->open = false;
	for (size_t i = 0; i < store->count; i++) {
		struct name *name = &store->names[i];

		struct hub_commit commit = {
			.id = name->hub,
			.incarnation = name->incarnation,
			.want = name->result.want,
			.want_digest = name->result.digest_sequence,
		};

		memcpy(commit.durable, name->result.durable, sizeof(commit.durable));
		if (name->dirty)
			hub_committed(hub, &commit);
		name->dirty = false;
	}
	return NULL;
}

static void graph_store_roll_back(void *owner)
{
	struct store *store = owner;

	graph_rollback(store->graph);
	store->open = false;
	for (size_t i = 0; i < store->count; i++) {
		store->names[i].dirty = false;
		store->names[i].result = (struct graph_result){ .verdict = GRAPH_APPLIED };
	}
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

static void graph_store_each(void *owner, const uint8_t key[SEAL_KEY],
	void (*visit)(void *owner, const struct fact *fact), void *visit_owner)
{
	sqlite3_stmt *s = ask(owner,
		"SELECT section, fact.key, value FROM fact JOIN agent USING (host)"
		" WHERE public_key = ? AND gone = 9223372036854775807",
		key);

	while (sqlite3_step(s) == SQLITE_ROW) {
		struct fact fact = {
			.key = SPAN(sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1)),
			.value =
				SPAN(sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2)),
		};

		while (strcmp(section_name(fact.section), (const char *)sqlite3_column_text(s, 0)))
			fact.section++;
		visit(visit_owner, &fact);
	}
	sqlite3_finalize(s);
}

const struct store_ops store_graph = {
	.open = graph_store_open,
	.close = graph_store_close,
	.restart = graph_store_restart,
	.add_token = graph_store_add_token,
	.load = graph_store_load,
	.apply = graph_store_apply,
	.commit = graph_store_commit,
	.roll_back = graph_store_roll_back,
	.durable = graph_store_durable,
	.each = graph_store_each,
};
