// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

const struct args_option_def args_options[ARGS_OPTION_COUNT] = {
	[ARGS_CONTROL] = { "control", 0, "PATH", "control socket of the CMA" },
	[ARGS_OUTPUT] = { "output", 'o', "FORMAT", "table, json, csv or dot" },
	[ARGS_TENANT] = { "tenant", 0, "TENANT", "whose estate (default: default)" },
	[ARGS_TTL] = { "ttl", 0, "DURATION", "how long the token or command is good, such as 24h" },
	[ARGS_KEY] = { "key", 0, "FILE", "what to sign with (~/.config/assim/operator.key)" },
	[ARGS_WAIT] = { "wait", 0, "DURATION", "how long to wait for the outcome of a command" },
	[ARGS_USES] = { "uses", 0, "N", "how many hosts can join with the token" },
	[ARGS_ALL] = { "all", 0, NULL, "also what is over" },
	[ARGS_FOLLOW] = { "follow", 'f', NULL, "go on with what happens, until Ctrl-C" },
	[ARGS_SINCE] = { "since", 0, "TIME", "from then on: a time, or -2h" },
	[ARGS_UNTIL] = { "until", 0, "TIME", "when it ends by itself: a time, or 2h from now" },
	[ARGS_NOTE] = { "note", 0, "TEXT", "why, for others to read" },
	[ARGS_HELP] = { "help", 'h', NULL, "this text, or that of a command" },
	[ARGS_VERSION] = { "version", 'V', NULL, "the version" },
};

/* The option that word[0..size) names, or ARGS_OPTION_COUNT. */
static enum args_option option_by_name(const char *word, size_t size)
{
	enum args_option option = 0;

	for (; option < ARGS_OPTION_COUNT; option++) {
		if (strlen(args_options[option].name) == size &&
			!memcmp(args_options[option].name, word, size))
			break;
	}
	return option;
}

static enum args_option option_by_letter(char letter)
{
	enum args_option option = 0;

	while (option < ARGS_OPTION_COUNT && args_options[option].letter != letter)
		option++;
	return option;
}

static int unknown_option(struct args *args, const char *word)
{
	struct suggest suggest = { .word = word + strspn(word, "-") };

	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++)
		suggest_offer(&suggest, args_options[i].name);
	if (suggest.best)
		snprintf(args->error, sizeof(args->error),
			"unknown option '%s', did you mean '--%s'?", word, suggest.best);
	else
		snprintf(args->error, sizeof(args->error), "unknown option '%s'", word);
	return -EINVAL;
}

/* attached: a value in the same word ("--ttl=1h", "-ojson"), or NULL; next: the word behind. */
static int take_option(struct args *args, enum args_option option, const char *attached,
	const char *next, bool *took_next)
{
	const struct args_option_def *def = &args_options[option];

	*took_next = false;
	if (!def->argument && attached) {
		snprintf(args->error, sizeof(args->error), "option '--%s' takes no value ('%s')",
			def->name, attached);
		return -EINVAL;
	}
	if (!def->argument) {
		args->options[option] = "";
		return 0;
	}
	*took_next = !attached;
	args->options[option] = attached ? attached : next;
	if (args->options[option] && *args->options[option])
		return 0;
	snprintf(args->error, sizeof(args->error), "option '--%s' needs a value (%s)", def->name,
		def->argument);
	return -EINVAL;
}

static int take_operand(struct args *args, const char *word)
{
	if (args->operand_count == ARGS_OPERANDS_MAX) {
		snprintf(args->error, sizeof(args->error), "too many words, at '%s' (at most %d)",
			word, ARGS_OPERANDS_MAX);
		return -EINVAL;
	}
	args->operands[args->operand_count++] = word;
	return 0;
}

static int take_dashed(struct args *args, const char *word, const char *next, bool *took_next)
{
	bool is_long = word[1] == '-';
	const char *equals = is_long ? strchr(word, '=') : NULL, *attached = NULL;
	enum args_option option;

	if (is_long) {
		option = option_by_name(
			word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word + 2));
		attached = equals ? equals + 1 : NULL;
	} else {
		option = option_by_letter(word[1]);
		attached = word[2] ? word + 2 : NULL;
	}
	if (option == ARGS_OPTION_COUNT)
		return unknown_option(args, word);
	return take_option(args, option, attached, next, took_next);
}

int args_parse(struct args *args, int argc, char **argv)
{
	bool only_operands = false;
	int err = 0;

	*args = (struct args){ .operand_count = 0 };
	for (int at = 1; at < argc && !err; at++) {
		bool took_next = false;

		if (only_operands || argv[at][0] != '-' || !argv[at][1])
			err = take_operand(args, argv[at]);
		else if (!strcmp(argv[at], "--"))
			only_operands = true;
		else
			err = take_dashed(
				args, argv[at], at + 1 < argc ? argv[at + 1] : NULL, &took_next);
		at += took_next;
	}
	return err;
}
