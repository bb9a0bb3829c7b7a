// SPDX-License-Identifier: Apache-2.0
/*
 * Commands to hosts: operator create, run, commands. The operator's secret is read and used here;
 * the CMA, which carries what was signed, never sees it.
 */
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/client.h"
#include "wire/keys.h"
#include "wire/warrant.h"

enum {
	RUN_TTL_DEFAULT_MS = 30000,
	RUN_WAIT_MORE_MS = 2000, /* so that one that expires is seen to */
};

/* ---- operators ---- */

/* An operator's file is like that of any secret here: 32 bytes that only its owner can read. */
static void pair_of(struct key_pair *file, struct sign_pair *pair)
{
	sign_from_seed(pair, file->secret);
	seal_wipe(file, sizeof(*file));
}

static int complain_key(struct args *args, const char *path, int err)
{
	snprintf(args->error, sizeof(args->error), "key %s: %s", path,
		err == -EPERM		 ? "it must be yours, and readable by you alone"
			: err == -EINVAL ? "it is no key"
					 : strerror(-err));
	return err;
}

static void show_pair(const struct sign_pair *pair, struct output *output)
{
	char key[KEYS_TEXT_SIZE], fingerprint[KEYS_FINGERPRINT_SIZE];
	json_t *columns autojson = json_pack("[s,s]", "key", "fingerprint");
	json_t *row autojson = NULL;

	keys_text(pair->public, key);
	keys_fingerprint(pair->public, fingerprint);
	row = json_pack("[s,s]", key, fingerprint);
	output_begin(output, columns, NULL);
	output_row(output, row);
	output_end(output);
}

int command_operator_create(struct args *args, struct output *output)
{
	struct key_pair file;
	struct sign_pair pair;
	int err = command_operands(args, 1, 1, "the FILE for the new key");

	if (err)
		return err;
	err = seal_init();
	if (!err)
		err = keys_create(AT_FDCWD, args->operands[0], &file);
	if (err)
		return complain_key(args, args->operands[0], err) == -EINVAL ? -EIO : err;
	pair_of(&file, &pair);
	show_pair(&pair, output);
	seal_wipe(&pair, sizeof(pair));
	return 0;
}

static int load_pair(struct args *args, struct sign_pair *pair)
{
	const char *given = args->options[ARGS_KEY], *home = getenv("HOME");
	char *path autofree = given
		? text_copy(given)
		: text_format("%s/.config/assim/operator.key", home ? home : "");
	struct key_pair file;
	int err = seal_init();

	if (!err)
		err = keys_load(AT_FDCWD, path, &file);
	if (err)
		return complain_key(args, path, err) ? -EIO : 0;
	pair_of(&file, pair);
	return 0;
}

/* ---- asking, with the rows for ourselves ---- */

static int keep_row(struct output *output, const json_t *row)
{
	if (!output->rows)
		output->rows = json_array();
	json_array_append(output->rows, (json_t *)row);
	return 0;
}

/* One row of the answer, by column; NULL with args->error set. */
static json_t *ask_row(struct args *args, const json_t *request, json_t **columns, int *err)
{
	static const struct output_format keep = { .name = "rows", .row = keep_row };
	const char *path = args->options[ARGS_CONTROL];
	struct output output = { .format = &keep, .to = stdout };
	struct client client = { .usage = false };
	json_t *row = NULL;

	*err = client_ask(&client, path ? path : COMMAND_CONTROL_DEFAULT, request, &output);
	if (*err)
		text_copy_to(args->error, sizeof(args->error), client.error);
	else if (json_array_size(output.rows) != 1)
		text_copy_to(args->error, sizeof(args->error), "the host is not enrolled");
	else
		row = json_incref(json_array_get(output.rows, 0));
	if (!row)
		*err = client.usage ? -EINVAL : -EIO;
	*columns = json_incref(output.columns);
	output_close(&output);
	return row;
}

static const json_t *column(const json_t *columns, const json_t *row, const char *name)
{
	for (size_t i = 0; i < json_array_size(columns); i++) {
		if (!strcmp(json_string_value(json_array_get(columns, i)), name))
			return json_array_get(row, i);
	}
	return NULL;
}

static const char *column_text(const json_t *columns, const json_t *row, const char *name)
{
	const char *text = json_string_value(column(columns, row, name));

	return text ? text : "";
}

/* ---- run ---- */

static json_t *new_request(const struct args *args, const char *what)
{
	json_t *request = json_pack("{s:s}", "do", what);

	if (args->options[ARGS_TENANT])
		json_object_set_new(
			request, "tenant", json_bytes(SPAN_TEXT(args->options[ARGS_TENANT])));
	return request;
}

/* What the command has to name: the CMA says which key and which run the host has, and the time. */
static int ask_target(struct args *args, struct warrant *warrant, int64_t ttl_ms)
{
	json_t *request autojson = new_request(args, "query"), *columns autojson = NULL;
	json_t *row autojson = NULL;
	uint8_t incarnation[8];
	int err;

	json_object_set_new(request, "name", json_string("commandtarget"));
	json_object_set_new(request, "params",
		json_pack("{s:o}", "host", json_bytes(SPAN_TEXT(args->operands[0]))));
	row = ask_row(args, request, &columns, &err);
	if (!row)
		return err;
	if (text_parse_hex(column_text(columns, row, "agent"), warrant->agent, SEAL_KEY) ||
		text_parse_hex(column_text(columns, row, "incarnation"), incarnation,
			sizeof(incarnation))) {
		text_copy_to(args->error, sizeof(args->error), "the answer names no host");
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(incarnation); i++)
		warrant->incarnation = warrant->incarnation << 8 | incarnation[i];
	warrant->not_after_ms =
		(uint64_t)json_integer_value(column(columns, row, "now_ms")) + (uint64_t)ttl_ms;
	return 0;
}

static int duration(struct args *args, enum args_option option, int64_t initial, int64_t *ms)
{
	const char *text = args->options[option];

	*ms = initial;
	if (!text || (!text_parse_duration(text, ms) && *ms >= 0 && *ms <= 86400000))
		return 0;
	snprintf(args->error, sizeof(args->error),
		"--%s '%s': must be a duration such as 90s or 15m, up to one day",
		args_options[option].name, text);
	return -EINVAL;
}

static int sign(struct args *args, struct warrant *warrant, const struct sign_pair *pair,
	char text[KEYS_BASE64_SIZE(WARRANT_MAX)])
{
	uint8_t frame[WARRANT_MAX];
	struct writer w = writer_over(frame, sizeof(frame));

	seal_random(warrant->id, sizeof(warrant->id));
	if (warrant_sign(warrant, pair, &w)) {
		snprintf(args->error, sizeof(args->error), "'%s' is no command", args->operands[1]);
		return -EINVAL;
	}
	keys_base64(writer_span(&w), text, KEYS_BASE64_SIZE(WARRANT_MAX));
	return 0;
}

static int show_outcome(
	struct args *args, const char *frame, int64_t wait_ms, struct output *output)
{
	json_t *request autojson = new_request(args, "command.submit"), *columns autojson = NULL;
	json_t *row autojson = NULL;
	int err;

	json_object_set_new(request, "frame", json_string(frame));
	json_object_set_new(request, "wait_ms", json_integer(wait_ms));
	row = ask_row(args, request, &columns, &err);
	if (!row)
		return err;
	if (output_begin(output, columns, NULL) || output_row(output, row))
		return -EIO;
	output_end(output);
	return strcmp(column_text(columns, row, "state"), "done") ? COMMAND_NOT_DONE : 0;
}

int command_run(struct args *args, struct output *output)
{
	const char *tenant = args->options[ARGS_TENANT];
	struct warrant warrant = { .tenant = SPAN_TEXT(tenant ? tenant : "default") };
	char frame[KEYS_BASE64_SIZE(WARRANT_MAX)];
	struct sign_pair pair = { .seed = { 0 } };
	int64_t ttl_ms, wait_ms;
	int err = command_operands(args, 2, 3, "the HOST or the COMMAND");

	if (!err)
		err = duration(args, ARGS_TTL, RUN_TTL_DEFAULT_MS, &ttl_ms);
	if (!err)
		err = duration(args, ARGS_WAIT, ttl_ms + RUN_WAIT_MORE_MS, &wait_ms);
	if (err)
		return err;
	warrant.name = SPAN_TEXT(args->operands[1]);
	if (args->operand_count > 2)
		warrant.argument = SPAN_TEXT(args->operands[2]);
	err = load_pair(args, &pair);
	if (!err)
		err = ask_target(args, &warrant, ttl_ms);
	if (!err)
		err = sign(args, &warrant, &pair, frame);
	seal_wipe(&pair, sizeof(pair));
	return err ? err : show_outcome(args, frame, wait_ms, output);
}

int command_commands(struct args *args, json_t *request)
{
	int err = command_operands(args, 0, 1, "");
	json_t *params = json_object();

	json_object_set_new(request, "do", json_string("query"));
	json_object_set_new(request, "name", json_string("commands"));
	json_object_set_new(request, "params", params);
	if (!err && args->operand_count)
		json_object_set_new(params, "host", json_bytes(SPAN_TEXT(args->operands[0])));
	return err;
}
