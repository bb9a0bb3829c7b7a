// SPDX-License-Identifier: Apache-2.0
/*
 * "command.submit": takes a command that an operator signed, and waits for what comes of it. The
 * CMA looks at its form and its signature; whether it is done is for the host to say.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cma/graph/command.h"
#include "cma/graph/query.h"
#include "cma/hub_command.h"
#include "cma/loop.h"
#include "cma/request.h"
#include "cma/server.h"
#include "wire/keys.h"

enum {
	WAIT_MAX_MS = 86400000,
	POLL_MS = 200, /* how soon it is noticed that nobody waits any more */
};

struct submission {
	struct server *server;
	uint8_t bytes[WARRANT_MAX];
	struct span frame;
	struct warrant warrant;
	int err; /* of it alone */
};

static int add_to_graph(struct act *act, void *context)
{
	struct submission *submission = context;
	int64_t host;
	int err = graph_command_add(act->graph, submission->frame, &host);

	switch (err) {
	case -EINVAL:
	case -ENOENT:
	case -ESTALE:
	case -ETIME:
	case -EEXIST:
	case -EDQUOT:
		submission->err = err;
		return 0;
	default:
		return err;
	}
}

static int give_up(struct act *act, void *context)
{
	struct submission *submission = context;

	return graph_command_expire(act->graph, submission->warrant.id, false);
}

static void add_to_hub(struct server *server, void *context)
{
	struct submission *submission = context;
	const struct hub_command command = { .frame = submission->frame };

	submission->err = hub_command_add(server->hub, instant_now(), wall_now_ms(), &command);
}

static const char *complaint(int err)
{
	switch (err) {
	case -EINVAL:
		return "it is no command that somebody signed";
	case -ENOENT:
		return "there is no such host";
	case -ESTALE:
		return "the nanoprobe was started anew meanwhile; try again";
	case -ETIME:
		return "it has expired, or is good for more than a day";
	case -EEXIST:
		return "it was given before";
	case -EDQUOT:
	case -ENOBUFS:
		return "too many commands wait; try again later";
	default:
		return strerror(-err);
	}
}

/* The frame of the request, of the tenant of the request. */
static int read_frame(struct submission *submission, const json_t *request)
{
	const char *text = json_get_text(request, "frame");
	size_t size = strlen(text) * 3 / 4;
	struct span tenant = SPAN_TEXT(request_tenant(request));

	if (!size || size > WARRANT_MAX ||
		keys_parse_base64(SPAN_TEXT(text), submission->bytes, size))
		return -EINVAL;
	submission->frame = SPAN(submission->bytes, size);
	if (warrant_decode(submission->frame, &submission->warrant))
		return -EINVAL;
	return span_equal(submission->warrant.tenant, tenant) ? 0 : -ENOENT;
}

/* Durable first, then on its way. */
static int submit(struct submission *submission, const json_t *request)
{
	struct server *server = submission->server;
	int err = read_frame(submission, request);

	if (!err)
		err = store_change(server->store, add_to_graph, submission);
	if (!err)
		err = submission->err;
	if (err)
		return err;
	err = loop_ask(server->loop, add_to_hub, submission);
	if (err || !submission->err)
		return err;
	store_change(server->store, give_up, submission);
	return submission->err;
}

/* ---- what became of it --------------------------------------------------------------------- */

struct wait {
	json_t *names, *row; /* of the query "commands"; NULL at first */
	bool over;
};

static void wait_cleanup(struct wait *wait)
{
	json_decref(wait->names);
	json_decref(wait->row);
}

static int on_columns(void *context, const json_t *names)
{
	struct wait *wait = context;

	json_decref(wait->names);
	wait->names = json_deep_copy(names);
	return 0;
}

static int on_row(void *context, const json_t *values)
{
	struct wait *wait = context;

	json_decref(wait->row);
	wait->row = json_deep_copy(values);
	for (size_t i = 0; i < json_array_size(wait->names); i++) {
		const char *state = json_string_value(json_array_get(values, i));

		if (!strcmp(json_string_value(json_array_get(wait->names, i)), "state"))
			wait->over = state && strcmp(state, "waiting") != 0;
	}
	return 0;
}

static void close_cleanup(struct queries **queries)
{
	queries_close(*queries);
}

/* The query "commands" for this one. */
static json_t *params_for(const struct warrant *warrant, int64_t since_ms)
{
	char id[2 * WARRANT_ID + 1], from[TEXT_TIME_SIZE];

	text_hex(warrant->id, WARRANT_ID, id);
	text_time(since_ms, from);
	return json_pack("{s:s,s:s}", "id", id, "from", from);
}

static int look(struct server *server, struct queries *queries, const json_t *params,
	const char *tenant, struct wait *wait, char *why, size_t why_size)
{
	const struct query_sink sink = { .columns = on_columns, .row = on_row, .context = wait };
	int64_t now_ms = wall_now_ms(), horizon_ms = feed_horizon(server->feed);

	return query_run(queries, "commands", params, tenant,
		horizon_ms > now_ms ? horizon_ms + 1 : now_ms, &sink, why, why_size);
}

/* Answers with the row of the command when it has ended, or as it is when the time is over. */
static void answer_outcome(struct server *server, const struct submission *submission,
	const char *tenant, int64_t since_ms, int64_t wait_ms, struct answer *answer)
{
	struct instant until = instant_add(instant_now(), wait_ms * NS_PER_MS);
	json_t *params autojson = params_for(&submission->warrant, since_ms);
	struct queries *queries cleanup(close_cleanup) = NULL;
	struct wait wait cleanup(wait_cleanup) = { .over = false };
	char why[256] = "the CMA cannot read its store";
	int err = queries_open(
		config_text(server->config, "state-dir"), NULL, &queries, why, sizeof(why));

	answer->deadline = INSTANT_NEVER;
	while (!err) {
		err = look(server, queries, params, tenant, &wait, why, sizeof(why));
		if (err || wait.over || !instant_before(instant_now(), until) ||
			answer_cancelled(answer))
			break;
		feed_wait(server->feed, feed_horizon(server->feed), POLL_MS);
	}
	if (err || !wait.row) {
		answer_error(answer, false, "%s", why);
		return;
	}
	answer_columns(answer, json_incref(wait.names), NULL);
	answer_row(answer, json_incref(wait.row));
}

void request_command_submit(void *user, const json_t *request, struct answer *answer)
{
	struct submission submission = { .server = user };
	int64_t since_ms = wall_now_ms() - 2000, horizon_ms = feed_horizon(submission.server->feed);
	const json_t *wait = json_object_get(request, "wait_ms");
	int64_t wait_ms = json_integer_value(wait);
	int err;

	if ((wait && !json_is_integer(wait)) || wait_ms < 0 || wait_ms > WAIT_MAX_MS) {
		answer_error(answer, true, "wait_ms must be a number up to one day");
		return;
	}
	err = submit(&submission, request);
	if (err)
		answer_error(answer, false, "the command was not taken: %s", complaint(err));
	else
		answer_outcome(submission.server, &submission, request_tenant(request),
			since_ms < horizon_ms ? since_ms : horizon_ms, wait_ms, answer);
}
