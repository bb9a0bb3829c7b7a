// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/command.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cma/graph/store.h"
#include "wire/keys.h"

enum { COMMAND_WAITING_MAX = 16 /* of a host */ };

#define COMMAND_LIFE_MAX_MS ((int64_t)86400 * 1000)

/* The host that the warrant names, if it is of the tenant that it names. */
static int find_host(struct graph *g, const struct warrant *warrant, int64_t *host)
{
	sqlite3_stmt *s dbreset = db_bind(
		&g->db, DB_COMMAND_HOST, "bs", SPAN(warrant->agent, SEAL_KEY), warrant->tenant);
	int got = db_step(&g->db, s);

	if (got <= 0)
		return got ? got : -ENOENT;
	*host = sqlite3_column_int64(s, 0);
	if (!warrant_same_run((uint64_t)sqlite3_column_int64(s, 1), warrant->incarnation))
		return -ESTALE;
	return 0;
}

static int check_time(const struct graph *g, const struct warrant *warrant)
{
	uint64_t now = (uint64_t)g->now;

	return warrant->not_after_ms <= now ||
			warrant->not_after_ms - now > (uint64_t)COMMAND_LIFE_MAX_MS
		? -ETIME
		: 0;
}

static int ignore(void *context, const struct graph_command *command)
{
	(void)context;
	(void)command;
	return 0;
}

static int check_room(struct graph *g, int64_t host)
{
	int64_t waiting = 0;
	int got = db_int(&g->db, &waiting, DB_COMMAND_COUNT, "i", host);

	if (got < 0)
		return got;
	return waiting < COMMAND_WAITING_MAX ? 0 : -EDQUOT;
}

int graph_command_add(struct graph *g, struct span frame, int64_t *host)
{
	char operator_name[KEYS_FINGERPRINT_SIZE];
	struct warrant warrant;
	int err;

	if (warrant_decode(frame, &warrant) || !warrant_is_signed(frame, &warrant))
		return -EINVAL;
	err = find_host(g, &warrant, host);
	if (!err)
		err = check_time(g, &warrant);
	if (!err)
		err = graph_command_find(g, warrant.id, ignore, NULL) == -ENOENT ? 0 : -EEXIST;
	if (!err)
		err = check_room(g, *host);
	if (err)
		return err;
	keys_fingerprint(warrant.operator_key, operator_name);
	return db_run(&g->db, DB_COMMAND_ADD, "bitssbii", SPAN(warrant.id, WARRANT_ID), *host,
		operator_name, warrant.name, warrant.argument, frame, g->now,
		(int64_t)warrant.not_after_ms);
}

/* Of a row of host, issued, frame; borrows from it. -EUCLEAN. */
static int row_command(sqlite3_stmt *s, struct graph_command *command)
{
	*command = (struct graph_command){
		.host = sqlite3_column_int64(s, 0),
		.issued_ms = sqlite3_column_int64(s, 1),
		.state = "waiting",
		.frame = db_blob(s, 2),
	};
	return warrant_decode(command->frame, &command->warrant) ? -EUCLEAN : 0;
}

int graph_command_find(
	struct graph *g, const uint8_t id[WARRANT_ID], graph_command_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_COMMAND_FIND, "b", SPAN(id, WARRANT_ID));
	struct graph_command command;
	int got = db_step(&g->db, s);

	if (got <= 0)
		return got ? got : -ENOENT;
	got = row_command(s, &command);
	text_copy_to(command.state, sizeof(command.state), db_string(s, 3));
	return got ? got : fn(context, &command);
}

static const char *state_of(uint8_t status)
{
	switch ((enum result_status)status) {
	case RESULT_DONE:
		return "done";
	case RESULT_FAILED:
		return "failed";
	case RESULT_REFUSED:
		return "refused";
	case RESULT_EXPIRED:
		return "expired";
	}
	return NULL;
}

int graph_command_result(struct graph *g, int64_t host, const struct message_result *result)
{
	return db_run(&g->db, DB_COMMAND_TOLD, "bitsi", SPAN(result->command, WARRANT_ID), host,
		state_of(result->status), result->text, g->now);
}

bool graph_result_is_sound(const struct message_result *result)
{
	return state_of(result->status) && result->text.size <= RESULT_TEXT_MAX &&
		text_utf8_prefix(result->text) == result->text.size &&
		!memchr(result->text.data, 0, result->text.size);
}

int graph_command_expire(struct graph *g, const uint8_t id[WARRANT_ID], bool sent)
{
	return db_run(&g->db, DB_COMMAND_END, "btti", SPAN(id, WARRANT_ID),
		sent ? "unknown" : "expired",
		sent ? "it was sent, and the host did not answer in time"
		     : "the host could not be reached in time",
		g->now);
}

/* Calls fn with each command that the statement yields. */
static int each(struct graph *g, sqlite3_stmt *s, graph_command_fn *fn, void *context)
{
	int got;

	while ((got = db_step(&g->db, s)) > 0) {
		struct graph_command command;

		got = row_command(s, &command);
		if (!got)
			got = fn(context, &command);
		if (got)
			break;
	}
	return got;
}

int graph_commands(struct graph *g, graph_command_fn *fn, void *context)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_COMMAND_LIST, "");

	return each(g, s, fn, context);
}

/* Those of another run than the one that is there now. */
struct former {
	uint64_t incarnation;
	size_t count;
	uint8_t ids[COMMAND_WAITING_MAX][WARRANT_ID];
};

static int collect_former(void *context, const struct graph_command *command)
{
	struct former *former = context;

	if (!warrant_same_run(command->warrant.incarnation, former->incarnation) &&
		former->count < COMMAND_WAITING_MAX)
		memcpy(former->ids[former->count++], command->warrant.id, WARRANT_ID);
	return 0;
}

int graph_command_restart(struct graph *g, int64_t host, uint64_t incarnation)
{
	struct former former = { .incarnation = incarnation };
	int err;

	{
		sqlite3_stmt *s dbreset = db_bind(&g->db, DB_COMMAND_OF_HOST, "i", host);

		err = each(g, s, collect_former, &former);
	}
	for (size_t i = 0; i < former.count && !err; i++)
		err = db_run(&g->db, DB_COMMAND_END, "btti", SPAN(former.ids[i], WARRANT_ID),
			"unknown", "the nanoprobe was started anew before it answered", g->now);
	return err;
}
