/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ESTATE_H
#define TESTS_UNIT_ESTATE_H
/*
 * An estate for tests of the graph: a store in a temporary directory, agents that tell it facts
 * through graph_apply as real ones do, and queries whose rows come back as an array of objects.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cma/graph/graph.h"
#include "cma/graph/query.h"
#include "wire/fact.h"
#include "wire/message.h"
#include "wire/seal.h"

/* The time of the first change; each test counts on from it, in ms. */
#define ESTATE_START ((int64_t)1700000000000)

struct estate {
	char directory[64];
	struct graph *graph;
	struct queries *queries;
	int64_t now;
	uint64_t sequence;
	struct graph_result result; /* of the last message */
	char error[256];
};

static inline void estate_open(struct estate *e)
{
	struct graph_options options = { .directory = e->directory };
	int failed = graph_open(&options, &e->graph, e->error, sizeof(e->error));

	if (!failed)
		failed = queries_open(e->directory, NULL, &e->queries, e->error, sizeof(e->error));
	if (failed)
		fail_msg("%s", e->error);
}

static inline void estate_new(struct estate *e)
{
	*e = (struct estate){ .directory = "/tmp/estate.XXXXXX", .now = ESTATE_START };
	assert_int_equal(seal_init(), 0);
	assert_non_null(mkdtemp(e->directory));
	estate_open(e);
}

static inline void estate_close(struct estate *e)
{
	queries_close(e->queries);
	graph_close(e->graph);
}

static inline void estate_remove(struct estate *e)
{
	char *command autofree = text_format("rm -rf %s", e->directory);

	estate_close(e);
	assert_int_equal(system(command), 0);
}

/* A new agent of a tenant; its key is 32 times the given byte. */
static inline int64_t estate_enrol(struct estate *e, const char *tenant, uint8_t key)
{
	struct graph_token token = { .expires_ms = INT64_MAX };
	uint8_t public_key[GRAPH_KEY], psk[GRAPH_KEY] = { 0 };
	int64_t agent = 0;

	memset(public_key, key, sizeof(public_key));
	token.id[0] = key;
	snprintf(token.tenant, sizeof(token.tenant), "%s", tenant);
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_token_create(e->graph, &token), 0);
	assert_int_equal(graph_enrol(e->graph, token.id, public_key, psk, &agent), 0);
	assert_int_equal(graph_commit(e->graph), 0);
	return agent;
}

/* Sends one message of the agent's incarnation 1 in a transaction of its own. */
static inline void estate_send(struct estate *e, int64_t agent, const struct message *message)
{
	struct writer w cleanup(writer_free) = writer_growing(MESSAGE_SIZE_MAX);

	message_encode(&w, message);
	assert_false(w.failed);
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(
		graph_apply(e->graph, agent, 1, ++e->sequence, writer_span(&w), &e->result), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

static inline void estate_pack(
	struct writer *w, enum section section, const char *key, const char *json)
{
	char *value autofree = text_copy(json ? json : "");
	struct fact fact = { .section = section, .key = SPAN_TEXT(key) };

	for (char *c = value; *c; c++) /* tests write JSON with ' */
		if (*c == '\'')
			*c = '"';
	fact.value = SPAN_TEXT(value);
	fact_put(w, &fact);
}

/* One change in one message; json NULL deletes. */
static inline void estate_tell(
	struct estate *e, int64_t agent, enum section section, const char *key, const char *json)
{
	struct writer w cleanup(writer_free) = writer_growing(FACT_VALUE_MAX * 2);
	struct message message = { .kind = MESSAGE_CHANGES };

	estate_pack(&w, section, key, json);
	message.changes.facts = writer_span(&w);
	estate_send(e, agent, &message);
	assert_int_equal(e->result.verdict, GRAPH_APPLIED);
}

struct estate_rows {
	json_t *names;
	json_t *rows;
};

static inline int estate_columns(void *context, const json_t *names)
{
	((struct estate_rows *)context)->names = json_deep_copy(names);
	return 0;
}

static inline int estate_row(void *context, const json_t *values)
{
	struct estate_rows *to = context;
	json_t *row = json_object();
	json_t *value;
	size_t i;

	json_array_foreach ((json_t *)values, i, value)
		json_object_set(row, json_string_value(json_array_get(to->names, i)), value);
	json_array_append_new(to->rows, row);
	return 0;
}

/* Runs a query; params is JSON with ' for quotes, or NULL. -errno with e->error set. */
static inline int estate_try(
	struct estate *e, const char *tenant, const char *name, const char *params, json_t **rows)
{
	struct estate_rows got = { .rows = json_array() };
	struct query_sink sink = { .columns = estate_columns, .row = estate_row, .context = &got };
	char *text autofree = text_copy(params ? params : "{}");
	json_t *object autojson = NULL;
	int failed;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	object = json_parse(SPAN_TEXT(text), 4096, e->error, sizeof(e->error));
	if (!object)
		fail_msg("%s: %s", params, e->error);
	failed = query_run(
		e->queries, name, object, tenant, e->now, &sink, e->error, sizeof(e->error));
	json_decref(got.names);
	*rows = got.rows;
	return failed;
}

/* The rows of a query of tenant "default" as canonical text; the caller frees. */
static inline char *estate_ask(struct estate *e, const char *name, const char *params)
{
	json_t *rows autojson = NULL;
	int failed = estate_try(e, "default", name, params, &rows);
	char *text = json_text(rows);

	if (failed)
		fail_msg("%s: %s", name, e->error);
	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	return text;
}

/* Asserts the whole answer, in the order of its rows. */
#define estate_expect(e, name, params, expected)                             \
	do {                                                                 \
		char *answer__ autofree = estate_ask((e), (name), (params)); \
		assert_string_equal(answer__, (expected));                   \
	} while (0)

#endif
