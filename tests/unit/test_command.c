// SPDX-License-Identifier: Apache-2.0
/* cmactl's command lines: what they become, and what is said about wrong ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/suggest.h"
#include "cli/command.h"
#include "cli/escape.h"

enum { WORDS_MAX = 40 };

/* Splits line at spaces and takes it as a command line; NULL with args->error. */
static const struct command *command_of(const char *line, struct args *args, char *storage)
{
	char *argv[WORDS_MAX + 1] = { (char *)"cmactl" }, *rest = NULL;
	int argc = 1;

	strcpy(storage, line);
	for (char *word = strtok_r(storage, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	return args_parse(args, argc, argv) ? NULL : command_find(args);
}

/* The request that it makes, or NULL with args->error. */
static json_t *request_of(const char *line, struct args *args, char *storage)
{
	const struct command *command = command_of(line, args, storage);
	json_t *request = json_object();

	if (command && !command_check_options(command, args) && !command->request(args, request))
		return request;
	json_decref(request);
	return NULL;
}

static void test_requests(void **state)
{
	static const struct {
		const char *line, *request;
	} cases[] = {
		{ "status", "{\"do\":\"status\"}" },
		{ "hosts -o json --control /x", "{\"do\":\"hosts\"}" },
		{ "query list", "{\"do\":\"queries\"}" },
		{ "query allips", "{\"do\":\"query\",\"name\":\"allips\",\"params\":{}}" },
		{ "-ojson query findip --control=/x ip=10.0.0.1 as_of=-2h",
			"{\"do\":\"query\",\"name\":\"findip\",\"params\":"
			"{\"as_of\":\"-2h\",\"ip\":\"10.0.0.1\"}}" },
		{ "query x -- p=a=b",
			"{\"do\":\"query\",\"name\":\"x\",\"params\":{\"p\":\"a=b\"}}" },
		{ "token create", "{\"do\":\"token.create\"}" },
		{ "token create --ttl 15m --uses 3",
			"{\"do\":\"token.create\",\"ttl_ms\":900000,\"uses\":3}" },
		{ "history web1 section=link",
			"{\"do\":\"history\",\"host\":\"web1\","
			"\"params\":{\"section\":\"link\"}}" },
		{ "watch host=web1", "{\"do\":\"watch\",\"params\":{\"host\":\"web1\"}}" },
	};
	char storage[512];
	struct args args;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *request autojson = request_of(cases[i].line, &args, storage);
		char *text autofree = request ? json_text(request) : text_copy(args.error);

		assert_string_equal(text, cases[i].request);
	}
}

static void test_complaints(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "", "no command given" },
		{ "statsu", "unknown command 'statsu', did you mean 'status'?" },
		{ "frobnicate", "unknown command 'frobnicate'" },
		{ "status now", "unexpected word 'now'" },
		{ "token", "'token' needs 'create' or 'revoke' after it" },
		{ "token make", "'token' needs 'create' or 'revoke' after it, not 'make'" },
		{ "key", "'key' needs 'status' or 'next' or 'rotate' or 'retire' after it" },
		{ "query", "the NAME of a query (see 'cmactl query list') is missing" },
		{ "query allips web1", "'web1' is not PARAM=VALUE" },
		{ "query allips =1", "'=1' is not PARAM=VALUE" },
		{ "query allips a=1 a=2", "'a' is given twice" },
		{ "query allips a=\xff", "'a=\xff' is not UTF-8" },
		{ "status --ttl 1h", "option '--ttl' does not go with 'status'" },
		{ "status --contrl x", "unknown option '--contrl', did you mean '--control'?" },
		{ "status -x", "unknown option '-x'" },
		{ "status -o", "option '--output' needs a value (FORMAT)" },
		{ "status --help=me", "option '--help' takes no value ('me')" },
		{ "token create --uses 0", "--uses '0': must be a number from 1 to 1000000000" },
		{ "token create --ttl 0",
			"--ttl '0': must be a duration such as 90s, 15m, 24h or 7d" },
	};
	char storage[512];
	struct args args;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(request_of(cases[i].line, &args, storage));
		assert_string_equal(args.error, cases[i].error);
	}
}

/* What --help stands behind is found, though the line could not be asked. */
static void test_help(void **state)
{
	static const struct {
		const char *line, *usage;
	} cases[] = {
		{ "token --help", "usage: cmactl [OPTION ...] token create\n" },
		{ "--help token create", "usage: cmactl [OPTION ...] token create\n" },
		{ "query -h", "usage: cmactl [OPTION ...] query NAME [PARAM=VALUE ...]\n" },
		{ "query list --help", "usage: cmactl [OPTION ...] query list\n" },
	};
	char storage[512];
	struct args args;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct command *command = command_of(cases[i].line, &args, storage);
		char text[2048] = "";
		FILE *to = fmemopen(text, sizeof(text), "w");

		assert_non_null(command);
		command_help(command, to);
		fclose(to);
		assert_memory_equal(text, cases[i].usage, strlen(cases[i].usage));
		if (!strncmp(command->name, "token", 5))
			assert_non_null(strstr(text, "\nSee also:\n  token revoke ID"));
		else
			assert_null(strstr(text, "See also"));
	}
	assert_null(command_of("token make --help", &args, storage));
}

static void test_too_many_words(void **state)
{
	char line[512] = "query x", storage[512];
	struct args args;

	(void)state;
	for (int i = 0; i < ARGS_OPERANDS_MAX; i++)
		snprintf(line + strlen(line), 16, " p%d=1", i);
	assert_null(request_of(line, &args, storage));
	assert_string_equal(args.error, "too many words, at 'p30=1' (at most 32)");
}

static void test_suggest(void **state)
{
	static const char *const known[] = { "allips", "allipports", "findip", "findmac" };
	static const struct {
		const char *word, *best;
	} cases[] = {
		{ "alips", "allips" },
		{ "findmca", "findmac" },
		{ "allipport", "allipports" },
		{ "zzz", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct suggest suggest = { .word = cases[i].word };

		for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
			suggest_offer(&suggest, known[j]);
		if (!cases[i].best)
			assert_null(suggest.best);
		else
			assert_string_equal(suggest.best, cases[i].best);
	}
}

static void test_escape(void **state)
{
	static const struct {
		const char *text, *safe;
	} cases[] = {
		{ "plain \\ text", "plain \\ text" },
		{ "\x1b]0;title\x07", "\\x1b]0;title\\x07" },
		{ "tab\tdel\x7f", "tab\\x09del\\x7f" },
		{ "\xc2\x9b"
		  "31m",
			"\\u009b31m" },
		{ "a\u202eb\u2066", "a\\u202eb\\u2066" },
		{ "gr\u00fc\u00df dich \u65e5\u672c \U0001f600",
			"gr\u00fc\u00df dich \u65e5\u672c \U0001f600" },
		{ "bad\xff\xc3", "bad\\xff\\xc3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *safe autofree = escape_text(cases[i].text);

		assert_string_equal(safe, cases[i].safe);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_too_many_words),
		cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
