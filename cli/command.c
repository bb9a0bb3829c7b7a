// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <errno.h>
#include <string.h>

#include "base/suggest.h"

#define OPTION(name) (1U << ARGS_##name)
#define COMMON_OPTIONS \
	(OPTION(CONTROL) | OPTION(OUTPUT) | OPTION(TENANT) | OPTION(HELP) | OPTION(VERSION))

static const struct command commands[] = {
	{ "status", "", "how the CMA is doing", OUTPUT_RECORD, 0, command_status, NULL },
	{ "hosts", "", "the hosts that joined, and how they are", OUTPUT_ROWS, 0, command_hosts,
		NULL },
	{ "query list", "", "the canned queries and their parameters", OUTPUT_ROWS, 0,
		command_query_list, NULL },
	{ "query", "NAME [PARAM=VALUE ...]", "the answer to a canned query", OUTPUT_ROWS, 0,
		command_query, NULL },
	{ "history", "HOST [PARAM=VALUE ...]", "what changed on a host, and when", OUTPUT_ROWS, 0,
		command_history, NULL },
	{ "explain", "NAME [PARAM=VALUE ...]", "the facts behind a node and its edges", OUTPUT_ROWS,
		0, command_explain, NULL },
	{ "watch", "[PARAM=VALUE ...]", "changes as they are committed, until Ctrl-C", OUTPUT_LIVE,
		0, command_watch, NULL },
	{ "token create", "", "a token with which hosts can join", OUTPUT_PLAIN,
		OPTION(TTL) | OPTION(USES), command_token_create, NULL },
	{ "tokens", "", "the tokens, without their secrets", OUTPUT_ROWS, 0, command_tokens, NULL },
	{ "token revoke", "ID", "nobody joins with that token any more", OUTPUT_RECORD, 0,
		command_token_revoke, NULL },
	{ "agents", "[PARAM=VALUE ...]", "the agents, and how and where they are", OUTPUT_ROWS, 0,
		command_agents, NULL },
	{ "pending", "", "agents without a token that wait to be approved", OUTPUT_ROWS, 0,
		command_pending, NULL },
	{ "approve", "FINGERPRINT", "lets an agent in, also one that was revoked", OUTPUT_RECORD, 0,
		command_approve, NULL },
	{ "revoke", "FINGERPRINT|HOST", "keeps an agent out from now on", OUTPUT_RECORD, 0,
		command_revoke, NULL },
	{ "incidents", "[ID] [PARAM=VALUE ...]", "what is wrong; or all hosts that one concerns",
		OUTPUT_ROWS, OPTION(ALL), command_incidents, NULL },
	{ "incident clear", "ID", "that incident is over", OUTPUT_RECORD, 0, command_incident_clear,
		NULL },
	{ "events", "[PARAM=VALUE ...]", "what happened: incidents, hosts that came and left",
		OUTPUT_ROWS, OPTION(FOLLOW) | OPTION(SINCE), command_events, NULL },
	{ "maintenance", "[HOST|SWITCH on|off]", "no alerts of what somebody is at work on",
		OUTPUT_ROWS, OPTION(UNTIL) | OPTION(NOTE) | OPTION(ALL), command_maintenance,
		NULL },
	{ "run", "HOST COMMAND [ARGUMENT]", "have a host do something that its policy allows",
		OUTPUT_RECORD, OPTION(KEY) | OPTION(TTL) | OPTION(WAIT), NULL, command_run },
	{ "commands", "[HOST]", "what hosts were asked to do, and what came of it", OUTPUT_ROWS, 0,
		command_commands, NULL },
	{ "operator create", "FILE", "a key to sign commands with", OUTPUT_RECORD, 0, NULL,
		command_operator_create },
	{ "key status", "", "the keys that prove the CMA", OUTPUT_RECORD, 0, command_key_status,
		NULL },
	{ "key next", "", "makes the key that comes next, prints its public half", OUTPUT_PLAIN, 0,
		command_key_next, NULL },
	{ "key rotate", "CERTIFICATE", "puts it in force; the old key counts too", OUTPUT_RECORD, 0,
		command_key_rotate, NULL },
	{ "key retire", "", "forgets the old key", OUTPUT_RECORD, 0, command_key_retire, NULL },
	{ "root create", "FILE", "makes the root key, prints its public half (offline)",
		OUTPUT_PLAIN, 0, NULL, command_root_create },
	{ "root show", "FILE", "the public half of a root key (offline)", OUTPUT_PLAIN, 0, NULL,
		command_root_show },
	{ "root sign", "FILE KEY SERIAL", "a certificate for the CMA's next key (offline)",
		OUTPUT_PLAIN, 0, NULL, command_root_sign },
	{ .name = NULL },
};

/* How many operands the words of name match: 0, 1 or 2. */
static size_t words_matched(const char *name, const struct args *args)
{
	const char *space = strchr(name, ' ');
	size_t first = space ? (size_t)(space - name) : strlen(name);

	if (!args->operand_count || strlen(args->operands[0]) != first ||
		memcmp(args->operands[0], name, first))
		return 0;
	if (!space)
		return 1;
	return args->operand_count > 1 && !strcmp(args->operands[1], space + 1) ? 2 : 0;
}

/* The command of two words whose first is word, or NULL. */
static const struct command *find_first_word(const char *word)
{
	size_t size = strlen(word);

	for (const struct command *c = commands; c->name; c++) {
		if (!strncmp(c->name, word, size) && c->name[size] == ' ')
			return c;
	}
	return NULL;
}

/* Two commands of two words, the first of which is the same? */
static bool are_siblings(const struct command *a, const struct command *b)
{
	const char *space = strchr(a->name, ' ');

	return a != b && space && !strncmp(a->name, b->name, (size_t)(space + 1 - a->name));
}

/* "token creat": its first word is right, so the second is the offending one. */
static void complain_second_word(struct args *args, const struct command *begun)
{
	bool wrong = args->operand_count > 1;
	size_t skip = strlen(args->operands[0]) + 1, used = 0;
	char others[64] = "";

	for (const struct command *c = commands; c->name && used < sizeof(others); c++) {
		if (are_siblings(begun, c))
			used += (size_t)snprintf(
				others + used, sizeof(others) - used, " or '%s'", c->name + skip);
	}
	snprintf(args->error, sizeof(args->error), "'%s' needs '%s'%s after it%s%s%s",
		args->operands[0], begun->name + skip, others, wrong ? ", not '" : "",
		wrong ? args->operands[1] : "", wrong ? "'" : "");
}

static void complain_unknown(struct args *args)
{
	const char *word = args->operands[0];
	struct suggest suggest = { .word = word };

	for (const struct command *c = commands; c->name; c++)
		suggest_offer(&suggest, c->name);
	if (suggest.best)
		snprintf(args->error, sizeof(args->error),
			"unknown command '%s', did you mean '%s'?", word, suggest.best);
	else
		snprintf(args->error, sizeof(args->error), "unknown command '%s'", word);
}

const struct command *command_find(struct args *args)
{
	const struct command *begun;

	if (!args->operand_count) {
		snprintf(args->error, sizeof(args->error), "no command given");
		return NULL;
	}
	/* A command of two words stands before the one that has only its first. */
	for (const struct command *c = commands; c->name; c++) {
		size_t matched = words_matched(c->name, args);

		if (!matched)
			continue;
		args->operand_count -= matched;
		memmove(args->operands, args->operands + matched,
			args->operand_count * sizeof(args->operands[0]));
		return c;
	}
	begun = find_first_word(args->operands[0]);
	if (!begun)
		complain_unknown(args);
	else if (args->options[ARGS_HELP] && args->operand_count == 1)
		return begun;
	else
		complain_second_word(args, begun);
	return NULL;
}

int command_check_options(const struct command *command, struct args *args)
{
	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (!args->options[i] || ((COMMON_OPTIONS | command->options) & 1U << i))
			continue;
		snprintf(args->error, sizeof(args->error), "option '--%s' does not go with '%s'",
			args_options[i].name, command->name);
		return -EINVAL;
	}
	return 0;
}

static void print_options(unsigned int options, FILE *to)
{
	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		const struct args_option_def *def = &args_options[i];
		char left[40];

		if (!(options & 1U << i))
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s %s", def->letter ? '-' : ' ',
			def->letter ? def->letter : ' ', def->letter ? ", " : "  ", def->name,
			def->argument ? def->argument : "");
		fprintf(to, "  %-28s %s\n", left, def->help);
	}
}

static void print_command(const struct command *command, FILE *to)
{
	char left[48];

	snprintf(left, sizeof(left), "%s %s", command->name, command->operands);
	fprintf(to, "  %-32s %s\n", left, command->summary);
}

static void help_with(const struct command *command, FILE *to)
{
	const char *heading = "\nSee also:\n";

	fprintf(to, "usage: cmactl [OPTION ...] %s%s%s\n%s\n\n", command->name,
		*command->operands ? " " : "", command->operands, command->summary);
	print_options(COMMON_OPTIONS | command->options, to);
	for (const struct command *c = commands; c->name; c++) {
		if (!are_siblings(command, c))
			continue;
		fputs(heading, to);
		print_command(c, to);
		heading = "";
	}
}

void command_help(const struct command *command, FILE *to)
{
	if (command) {
		help_with(command, to);
		return;
	}
	fputs("usage: cmactl [OPTION ...] COMMAND ...\nAsk the CMA about the estate.\n\n", to);
	for (const struct command *c = commands; c->name; c++)
		print_command(c, to);
	fputc('\n', to);
	print_options(~0U, to);
}

int command_operands(struct args *args, size_t low, size_t high, const char *what)
{
	if (args->operand_count < low) {
		snprintf(args->error, sizeof(args->error), "%s is missing", what);
		return -EINVAL;
	}
	if (args->operand_count > high) {
		snprintf(args->error, sizeof(args->error), "unexpected word '%s'",
			args->operands[high]);
		return -EINVAL;
	}
	return 0;
}

int command_params(struct args *args, size_t from, json_t *request)
{
	json_t *params = json_object();

	json_object_set_new(request, "params", params);
	for (size_t i = from; i < args->operand_count; i++) {
		const char *word = args->operands[i], *equals = strchr(word, '=');
		char *name autofree = NULL;

		if (!equals || equals == word) {
			snprintf(args->error, sizeof(args->error), "'%s' is not PARAM=VALUE", word);
			return -EINVAL;
		}
		name = text_copy_n(word, (size_t)(equals - word));
		if (json_object_get(params, name)) {
			snprintf(args->error, sizeof(args->error), "'%s' is given twice", name);
			return -EINVAL;
		}
		if (json_object_set_new(params, name, json_string(equals + 1))) {
			snprintf(args->error, sizeof(args->error), "'%s' is not UTF-8", word);
			return -EINVAL;
		}
	}
	return 0;
}
