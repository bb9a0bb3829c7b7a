// SPDX-License-Identifier: Apache-2.0
/* Who may talk to us: tokens and agents. */
#include "cma/graph/roster.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cma/graph/event.h"
#include "cma/graph/name.h"
#include "cma/graph/store.h"

/* A word that is easy to type and safe to print. */
static bool is_good(const char *name)
{
	size_t length = strnlen(name, GRAPH_TENANT_MAX);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	return length && length < GRAPH_TENANT_MAX;
}

bool roster_tenant_is_good(struct graph *g, const char *name)
{
	if (is_good(name))
		return true;
	snprintf(g->error, sizeof(g->error), "a tenant is 1 to %d letters, digits, '-', '_' or '.'",
		GRAPH_TENANT_MAX - 1);
	return false;
}

int graph_token_create(struct graph *g, const struct graph_token *token)
{
	int64_t tenant;
	int failed;

	if (!roster_tenant_is_good(g, token->tenant))
		return -EINVAL;
	failed = node_put(g, 0, "tenant", token->tenant, NULL, &tenant);
	if (failed)
		return failed;
	failed = db_run(&g->db, DB_TOKEN_ADD, "bbtiii", SPAN(token->id, GRAPH_TOKEN_ID),
		SPAN(token->secret, GRAPH_KEY), token->tenant, g->now, token->expires_ms,
		token->uses);
	if (failed && (sqlite3_errcode(g->db.handle) & 0xff) == SQLITE_CONSTRAINT)
		failed = -EEXIST;
	return failed;
}

static void copy_blob(sqlite3_stmt *s, int column, uint8_t *to, size_t size)
{
	struct span from = db_blob(s, column);

	memset(to, 0, size);
	if (from.size == size)
		memcpy(to, from.data, size);
}

int graph_tokens(struct graph *g, graph_token_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_TOKEN_LIST, "");
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		struct graph_token token = {
			.created_ms = sqlite3_column_int64(s, 3),
			.expires_ms = sqlite3_column_int64(s, 4),
			.uses = sqlite3_column_int64(s, 5),
			.uses_made = sqlite3_column_int64(s, 6),
			.revoked = sqlite3_column_int64(s, 7) != 0,
		};

		copy_blob(s, 0, token.id, sizeof(token.id));
		copy_blob(s, 1, token.secret, sizeof(token.secret));
		text_copy_to(token.tenant, sizeof(token.tenant), db_string(s, 2));
		got = fn(context, &token);
		if (got)
			break;
	}
	return got;
}

int graph_agents(struct graph *g, graph_agent_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_AGENT_LIST, "");
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		struct graph_agent agent = {
			.id = sqlite3_column_int64(s, 0),
			.tenant = sqlite3_column_int64(s, 1),
			.incarnation = (uint64_t)sqlite3_column_int64(s, 5),
			.durable = { (uint64_t)sqlite3_column_int64(s, 6),
				(uint64_t)sqlite3_column_int64(s, 9) },
			.revoked = sqlite3_column_int64(s, 10) != 0,
			.digest_sequence = (uint64_t)sqlite3_column_int64(s, 7),
			.want = (uint16_t)sqlite3_column_int(s, 8),
			.session = (uint32_t)sqlite3_column_int64(s, 12),
		};

		copy_blob(s, 2, agent.public_key, sizeof(agent.public_key));
		copy_blob(s, 3, agent.psk, sizeof(agent.psk));
		text_copy_to(agent.tenant_name, sizeof(agent.tenant_name), db_string(s, 4));
		text_copy_to(agent.address, sizeof(agent.address), db_string(s, 11));
		got = fn(context, &agent);
		if (got)
			break;
	}
	return got;
}

/* The node of the token's tenant, when it may be used now. */
static int token_check(struct graph *g, struct span id, int64_t *tenant)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_TOKEN_FIND, "b", id);
	int got = db_step(&g->db, s);

	if (got <= 0)
		return got ? got : -ENOENT;
	if (sqlite3_column_int64(s, 1) && sqlite3_column_int64(s, 2) >= sqlite3_column_int64(s, 1))
		return -EDQUOT;
	return node_put(g, 0, "tenant", db_string(s, 0), NULL, tenant);
}

int roster_add(struct graph *g, int64_t tenant, struct span key, struct span psk, int64_t *id)
{
	char name[2 * GRAPH_KEY + 1];
	int failed;

	text_hex(key.data, key.size, name);
	failed = node_put(g, tenant, "host", name, NULL, id);
	return failed ? failed : db_run(&g->db, DB_AGENT_ADD, "iibb", *id, tenant, key, psk);
}

/* 1 when the key is known, with its host and tenant. */
static int agent_find(struct graph *g, struct span key, int64_t *host, int64_t *tenant)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_AGENT_FIND, "b", key);
	int got = db_step(&g->db, s);

	if (got > 0) {
		*host = sqlite3_column_int64(s, 0);
		*tenant = sqlite3_column_int64(s, 1);
	}
	return got;
}

int graph_enrol(struct graph *g, const uint8_t token[GRAPH_TOKEN_ID],
	const uint8_t public_key[GRAPH_KEY], const uint8_t psk[GRAPH_KEY], int64_t *agent)
{
	struct span key = SPAN(public_key, GRAPH_KEY), id = SPAN(token, GRAPH_TOKEN_ID);
	int64_t tenant, known_tenant;
	int got = token_check(g, id, &tenant);

	if (got < 0)
		return got;
	got = agent_find(g, key, agent, &known_tenant);
	if (got > 0 && known_tenant != tenant)
		return -EEXIST;
	if (got > 0)
		got = db_run(&g->db, DB_AGENT_PSK, "ib", *agent, SPAN(psk, GRAPH_KEY));
	else if (!got)
		got = roster_add(g, tenant, key, SPAN(psk, GRAPH_KEY), agent);
	if (!got)
		got = graph_status(g, *agent, "up");
	return got ? got : db_run(&g->db, DB_TOKEN_USE, "b", id);
}

int graph_agent_tenant(struct graph *g, int64_t agent, int64_t *tenant)
{
	int got = db_int(&g->db, tenant, DB_AGENT_LOAD, "i", agent);

	return got > 0 ? 0 : got ? got : -ENOENT;
}

enum { STATUS_SIZE = 16 };

/* What the host is, "" when nothing was said yet; and its tenant. */
static int status_now(struct graph *g, int64_t agent, int64_t *tenant, char before[STATUS_SIZE])
{
	int got = db_int(&g->db, tenant, DB_AGENT_LOAD, "i", agent);
	sqlite3_stmt *s dbreset = NULL;

	if (got <= 0)
		return got ? got : -ENOENT;
	s = db_bind(&g->db, DB_STATUS_NOW, "i", agent);
	got = db_step(&g->db, s);
	text_copy_to(before, STATUS_SIZE, got > 0 ? db_string(s, 0) : "");
	return got < 0 ? got : 0;
}

/* The state of a host is an edge from its tenant, so that it has a history like all else. */
static int status_change(
	struct graph *g, int64_t agent, int64_t tenant, const char *before, const char *status)
{
	struct edge edge = { .src = tenant, .dst = agent, .kind = before };
	int failed = *before ? edge_end(g, &edge, 0) : 0;

	edge.kind = status;
	return failed ? failed : edge_open(g, &edge, 0);
}

/* What happened on purpose; all else is told by incidents. */
static int status_event(
	struct graph *g, int64_t agent, int64_t tenant, const char *before, const char *status)
{
	struct graph_event event = { .tenant = tenant, .node = agent };
	char name[GRAPH_NAME], text[GRAPH_NAME + 32];
	const char *what = NULL;
	int failed;

	if (!strcmp(status, "up") && (!*before || !strcmp(before, "left"))) {
		event.kind = "up";
		what = "is up";
	} else if (!strcmp(status, "left") && *before) {
		event.kind = "shutdown";
		what = "was shut down";
	} else if (!strcmp(status, "revoked")) {
		event.kind = "revoked";
		what = "was revoked";
	}
	if (!what)
		return 0;
	failed = graph_name(g, agent, name);
	snprintf(text, sizeof(text), "%s %s", name, what);
	event.text = text;
	return failed ? failed : graph_event_add(g, &event);
}

/* was NULL: whatever it was. */
static int status_set(struct graph *g, int64_t agent, const char *was, const char *status)
{
	char before[STATUS_SIZE];
	int64_t tenant = 0;
	int failed = status_now(g, agent, &tenant, before);

	if (failed || !strcmp(before, status) || !strcmp(before, "revoked") ||
		(was && *before && strcmp(before, was) != 0))
		return failed;
	failed = status_change(g, agent, tenant, before, status);
	return failed ? failed : status_event(g, agent, tenant, before, status);
}

int graph_status(struct graph *g, int64_t agent, const char *status)
{
	return status_set(g, agent, NULL, status);
}

int graph_status_from(struct graph *g, int64_t agent, const char *was, const char *status)
{
	return status_set(g, agent, was, status);
}

int roster_unrevoke(struct graph *g, int64_t agent)
{
	char before[STATUS_SIZE];
	int64_t tenant = 0;
	int failed = status_now(g, agent, &tenant, before);

	if (failed || strcmp(before, "revoked"))
		return failed;
	failed = db_run(&g->db, DB_AGENT_REVOKE, "ii", agent, (int64_t)0);
	return failed ? failed : status_change(g, agent, tenant, before, "left");
}

int graph_up_again(struct graph *g, int64_t agent)
{
	struct edge edge = { .dst = agent, .kind = "up" };
	char now[STATUS_SIZE];
	int failed = status_now(g, agent, &edge.src, now);

	if (failed || strcmp(now, "up"))
		return failed;
	failed = edge_end(g, &edge, 0);
	return failed ? failed : edge_open(g, &edge, 0);
}
