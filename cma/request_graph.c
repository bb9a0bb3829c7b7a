// SPDX-License-Identifier: Apache-2.0
/* Requests about the graph, each on a reader of its own. */
#include <errno.h>
#include <string.h>

#include "base/suggest.h"
#include "base/text.h"
#include "cma/graph/query.h"
#include "cma/request.h"
#include "cma/server.h"

enum {
	REQUEST_ERROR_SIZE = 512,
	WATCH_WAIT_MS = 200, /* how soon a watcher notices that nobody reads any more */
};

static void close_cleanup(struct queries **queries)
{
	queries_close(*queries);
}

/* The reader, or NULL after telling why not. */
static struct queries *open_queries(const struct server *server, struct answer *answer)
{
	char why[REQUEST_ERROR_SIZE] = "";
	struct queries *queries = NULL;
	int err = queries_open(config_text(server->config, "state-dir"),
		config_text(server->config, "queries-dir"), &queries, why, sizeof(why));

	if (err)
		answer_error(
			answer, false, "cannot read the graph: %s", *why ? why : strerror(-err));
	return err ? NULL : queries;
}

static const struct query *find_query(
	const struct queries *queries, const char *name, struct suggest *suggest)
{
	const struct query *query;

	*suggest = (struct suggest){ .word = name };
	for (size_t i = 0; (query = queries_at(queries, i)) != NULL; i++) {
		if (!strcmp(query->name, name))
			return query;
		suggest_offer(suggest, query->name);
	}
	return NULL;
}

/* Where the rows of one run go. */
struct run {
	struct answer *answer;
	const struct query *query;
	const char *only; /* columns to answer with, between spaces; NULL: all */
	json_t *names;	  /* of the columns; told already when not NULL */
	json_int_t first; /* value in the first column of the last row */
};

static void run_cleanup(struct run *run)
{
	json_decref(run->names);
}

static bool is_wanted(const struct run *run, size_t column)
{
	char *name autofree =
		text_format(" %s ", json_string_value(json_array_get(run->names, column)));

	return !run->only || strstr(run->only, name);
}

/* The values whose columns are wanted. */
static json_t *pick(const struct run *run, const json_t *values)
{
	json_t *picked = json_array(), *value;
	size_t i;

	json_array_foreach ((json_t *)values, i, value) {
		if (is_wanted(run, i))
			json_array_append(picked, value);
	}
	return picked;
}

static int on_columns(void *context, const json_t *names)
{
	struct run *run = context;

	if (run->names)
		return 0;
	run->names = json_deep_copy(names);
	return answer_columns(run->answer, pick(run, names), run->query->edges);
}

static int on_row(void *context, const json_t *values)
{
	struct run *run = context;

	run->first = json_integer_value(json_array_get(values, 0));
	if (*run->answer->stop)
		return -ECANCELED;
	return answer_row(run->answer, run->only ? pick(run, values) : json_deep_copy(values));
}

static bool on_step(void *context)
{
	struct run *run = context;

	return answer_cancelled(run->answer);
}

/* Says why a run ended, unless nobody is there to hear it. */
static void tell(struct answer *answer, int err, const char *why)
{
	if (err == -EPIPE || answer->gone)
		return;
	if (err == -ECANCELED && *answer->stop)
		answer_error(answer, false, "the CMA is ending");
	else if (err == -ETIME || err == -ECANCELED)
		answer_error(answer, false, "the query took too long and was ended");
	else
		answer_error(answer, err == -EINVAL, "%s", *why ? why : strerror(-err));
}

static int run_query(
	struct run *run, struct queries *queries, const json_t *params, const char *tenant)
{
	const struct query_sink sink = {
		.columns = on_columns,
		.row = on_row,
		.cancelled = on_step,
		.context = run,
	};
	char why[REQUEST_ERROR_SIZE] = "";
	int err = query_run(
		queries, run->query->name, params, tenant, wall_now_ms(), &sink, why, sizeof(why));

	if (err)
		tell(run->answer, err, why);
	return err;
}

static void answer_query(struct server *server, const char *name, const json_t *params,
	const char *tenant, struct answer *answer)
{
	struct queries *queries cleanup(close_cleanup) = open_queries(server, answer);
	struct run run cleanup(run_cleanup) = { .answer = answer };
	struct suggest suggest;

	if (!queries)
		return;
	run.query = find_query(queries, name, &suggest);
	if (run.query)
		run_query(&run, queries, params, tenant);
	else if (suggest.best)
		answer_error(
			answer, true, "unknown query '%s', did you mean '%s'?", name, suggest.best);
	else
		answer_error(answer, true, "unknown query '%s' (see 'cmactl query list')", name);
}

void request_query(void *user, const json_t *request, struct answer *answer)
{
	const char *name = json_get_text(request, "name");

	if (!*name)
		answer_error(answer, true, "the request has no \"name\" of a query");
	else
		answer_query(user, name, json_object_get(request, "params"),
			request_tenant(request), answer);
}

/* A query of its own name, one parameter of which is a word of the request itself. */
static void answer_about(void *user, const json_t *request, const char *name, const char *key,
	const char *param, struct answer *answer)
{
	const json_t *given = json_object_get(request, "params");
	json_t *params autojson = given ? json_copy((json_t *)given) : json_object();
	const char *word = json_get_text(request, key);

	if (!*word || !json_is_object(params)) {
		answer_error(answer, true, "the request has no \"%s\"", *word ? "params" : key);
		return;
	}
	json_object_set_new(params, param, json_string(word));
	answer_query(user, name, params, request_tenant(request), answer);
}

void request_history(void *user, const json_t *request, struct answer *answer)
{
	answer_about(user, request, "history", "host", "host", answer);
}

void request_explain(void *user, const json_t *request, struct answer *answer)
{
	answer_about(user, request, "explain", "name", "node", answer);
}

void request_hosts(void *user, const json_t *request, struct answer *answer)
{
	answer_query(user, "allservers", json_object_get(request, "params"),
		request_tenant(request), answer);
}

/* "host=... [direction=both|up|down]" as people type it. */
static char *params_text(const struct query *query)
{
	char *text = text_copy("");

	for (size_t i = 0; i < query->param_count; i++) {
		const struct query_param *param = &query->params[i];
		char *before autofree = text;
		const char *value = param->choices ? param->choices
			: param->initial	   ? param->initial
						   : "...";

		text = text_format(param->initial ? "%s%s[%s=%s]" : "%s%s%s=%s", before,
			i ? " " : "", param->name, value);
	}
	return text;
}

void request_queries(void *user, const json_t *request, struct answer *answer)
{
	struct queries *queries cleanup(close_cleanup) = open_queries(user, answer);
	const struct query *query;

	(void)request;
	if (!queries)
		return;
	answer_columns(answer, json_pack("[s,s,s]", "query", "parameters", "summary"), NULL);
	for (size_t i = 0; (query = queries_at(queries, i)) != NULL; i++) {
		char *params autofree = params_text(query);

		answer_row(answer, json_pack("[s,s,s]", query->name, params, query->summary));
	}
}

static int add_count(void *context, const json_t *values)
{
	const char *name = json_string_value(json_array_get(values, 0));

	if (name)
		json_object_set(context, name, json_array_get(values, 1));
	return 0;
}

static int ignore_columns(void *context, const json_t *names)
{
	(void)context;
	(void)names;
	return 0;
}

void request_add_counts(void *user, const char *tenant, struct answer *answer, json_t *object)
{
	struct queries *queries cleanup(close_cleanup) = open_queries(user, answer);
	const struct query_sink sink = {
		.columns = ignore_columns,
		.row = add_count,
		.context = object,
	};
	char why[REQUEST_ERROR_SIZE] = "";
	int err;

	if (!queries)
		return;
	err = query_run(queries, "status", NULL, tenant, wall_now_ms(), &sink, why, sizeof(why));
	if (err)
		tell(answer, err, why);
}

static int add_row(void *context, const json_t *values)
{
	return json_array_append_new(context, json_deep_copy(values)) ? -ENOMEM : 0;
}

json_t *request_rows(void *user, const char *tenant, const char *name, const json_t *params,
	struct answer *answer)
{
	struct queries *queries cleanup(close_cleanup) = open_queries(user, answer);
	json_t *rows = json_array();
	const struct query_sink sink = {
		.columns = ignore_columns,
		.row = add_row,
		.context = rows,
	};
	char why[REQUEST_ERROR_SIZE] = "";
	int err = queries
		? query_run(queries, name, params, tenant, wall_now_ms(), &sink, why, sizeof(why))
		: -EIO;

	if (!err)
		return rows;
	if (queries)
		tell(answer, err, why);
	json_decref(rows);
	return NULL;
}

static void set_time(json_t *params, const char *name, int64_t wall_ms)
{
	char text[TEXT_TIME_SIZE];

	text_time(wall_ms, text);
	json_object_set_new(params, name, json_string(text));
}

/* The query "changes" over and over, each time from where the last one ended. */
static void watch(struct server *server, struct run *run, struct queries *queries, json_t *params,
	const char *tenant)
{
	int64_t from_ms = feed_horizon(server->feed), to_ms = from_ms;
	int err = 0;

	run->answer->deadline = INSTANT_NEVER;
	while (!err && !answer_cancelled(run->answer)) {
		/* The first turn tells the columns, and that the watch has begun. */
		if (!run->names || to_ms > from_ms) {
			set_time(params, "from", from_ms);
			set_time(params, "to", to_ms);
			set_time(params, "as_of", to_ms);
			err = run_query(run, queries, params, tenant);
			answer_flush(run->answer);
		}
		from_ms = to_ms;
		to_ms = feed_wait(server->feed, from_ms, WATCH_WAIT_MS);
	}
}

void request_watch(void *user, const json_t *request, struct answer *answer)
{
	struct queries *queries cleanup(close_cleanup) = open_queries(user, answer);
	const json_t *given = json_object_get(request, "params");
	json_t *params autojson = given ? json_copy((json_t *)given) : json_object();
	struct run run cleanup(run_cleanup) = {
		.answer = answer,
		.only = " time host section key change ",
	};
	struct suggest suggest;

	if (!queries)
		return;
	run.query = find_query(queries, "changes", &suggest);
	if (run.query && json_is_object(params))
		watch(user, &run, queries, params, request_tenant(request));
	else
		answer_error(answer, true, "the request has no \"params\"");
}

/* "now" is when it was said. */
static void fix_since(json_t *params)
{
	int64_t now_ms = wall_now_ms(), since_ms;

	if (!text_parse_time(json_get_text(params, "since"), now_ms, &since_ms))
		set_time(params, "since", since_ms);
}

/* The query "events" over and over, each time behind the last one that was told. */
static void follow(struct server *server, struct run *run, struct queries *queries, json_t *params,
	const char *tenant)
{
	int64_t from_ms = feed_horizon(server->feed), to_ms = from_ms;
	int err = 0;

	fix_since(params);
	run->answer->deadline = INSTANT_NEVER;
	while (!err && !answer_cancelled(run->answer)) {
		if (!run->names || to_ms > from_ms) {
			if (run->first)
				json_object_set_new(params, "after", json_integer(run->first));
			err = run_query(run, queries, params, tenant);
			answer_flush(run->answer);
		}
		from_ms = to_ms;
		to_ms = feed_wait(server->feed, from_ms, WATCH_WAIT_MS);
	}
}

void request_events(void *user, const json_t *request, struct answer *answer)
{
	struct queries *queries cleanup(close_cleanup) = open_queries(user, answer);
	const json_t *given = json_object_get(request, "params");
	json_t *params autojson = given ? json_copy((json_t *)given) : json_object();
	struct run run cleanup(run_cleanup) = { .answer = answer };
	struct suggest suggest;

	if (!queries)
		return;
	run.query = find_query(queries, "events", &suggest);
	if (!run.query || !json_is_object(params))
		answer_error(answer, true, "the request has no \"params\"");
	else if (json_is_true(json_object_get(request, "follow")))
		follow(user, &run, queries, params, request_tenant(request));
	else
		run_query(&run, queries, params, request_tenant(request));
}
