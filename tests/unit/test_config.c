// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/file.h"

static const struct option_def defs[] = {
	{ "state-dir", OPTION_TEXT, "DIR", "/var/lib/x", "where state is kept", false },
	{ "listen", OPTION_ADDRESS, "ADDR:PORT", NULL, "where to listen", false },
	{ "ttl", OPTION_DURATION, "TIME", "24h", "how long", false },
	{ "uses", OPTION_CHOICE, "1|2|3|9", NULL, "how often", false },
	{ "scope", OPTION_CHOICE, "host|netns", "host", "what to watch", false },
	{ "once", OPTION_FLAG, NULL, NULL, "print and end", false },
	{ "tell", OPTION_LIST, "WHOM", NULL, "may be given again", false },
	{ "a-name-that-is-long", OPTION_TEXT, "WITH-A-VALUE", NULL, "on a line of its own", true },
	{ "help", OPTION_FLAG, NULL, NULL, "this text", true },
	{ .name = NULL },
};

/* Parses words, which are separated by single spaces, as a command line. */
static int parse(struct config *config, bool only_options, int *operands, const char *words)
{
	char line[128], *argv[10] = { line }, *at = line;
	int argc = 1;

	snprintf(line, sizeof(line), "%s", words);
	while (argc < 9 && at && *at)
		argv[argc++] = strsep(&at, " ");
	config_init(config, defs);
	return config_parse_args(config, argc, argv, only_options, operands);
}

static void test_arguments(void **state)
{
	struct config config;
	int operands;

	(void)state;
	assert_int_equal(parse(&config, true, &operands,
				 "--state-dir /x --listen=[::]:1984 --once --uses 3 --ttl=15m"),
		0);
	assert_int_equal(operands, 8);
	assert_string_equal(config_text(&config, "state-dir"), "/x");
	assert_string_equal(config_text(&config, "listen"), "[::]:1984");
	assert_true(config_flag(&config, "once"));
	assert_false(config_flag(&config, "help"));
	assert_string_equal(config_text(&config, "uses"), "3");
	assert_int_equal(config_duration_ms(&config, "ttl"), 900000);
	assert_string_equal(config_text(&config, "scope"), "host");
	config_free(&config);

	assert_int_equal(parse(&config, true, &operands, ""), 0);
	assert_string_equal(config_text(&config, "state-dir"), "/var/lib/x");
	assert_null(config_text(&config, "listen"));
	assert_int_equal(config_duration_ms(&config, "ttl"), 86400000);
	assert_null(config_text(&config, "uses"));
	config_free(&config);

	/* The later one wins; a flag can be taken back. */
	assert_int_equal(
		parse(&config, true, &operands, "--uses 1 --uses=2 --once --once=false"), 0);
	assert_string_equal(config_text(&config, "uses"), "2");
	assert_false(config_flag(&config, "once"));
	config_free(&config);
}

static void test_operands(void **state)
{
	struct config config;
	int operands;

	(void)state;
	assert_int_equal(parse(&config, false, &operands, "--once query list --uses"), 0);
	assert_int_equal(operands, 2);
	config_free(&config);
	assert_int_equal(parse(&config, false, &operands, "--once -- --uses"), 0);
	assert_int_equal(operands, 3);
	config_free(&config);
	assert_int_equal(parse(&config, false, &operands, "-"), 0);
	assert_int_equal(operands, 1);
	config_free(&config);
}

/* What is wrong is said, with the offending word. */
static void test_wrong_arguments(void **state)
{
	static const struct {
		const char *words, *error;
	} cases[] = {
		{ "--nonsense", "unknown option '--nonsense'" },
		{ "--stat /x", "unknown option '--stat'" },
		{ "--listen", "option '--listen' needs a value (ADDR:PORT)" },
		{ "--listen nowhere", "--listen 'nowhere': must be ADDRESS:PORT" },
		{ "--uses=x", "--uses 'x': must be one of 1|2|3|9" },
		{ "--ttl soon", "--ttl 'soon': must be a duration" },
		{ "--scope hos", "--scope 'hos': must be one of host|netns" },
		{ "--scope host|netns", "must be one of host|netns" },
		{ "--scope=", "must be one of host|netns" },
		{ "--state-dir=", "must not be empty" },
		{ "--once=yes", "--once 'yes': must be true or false" },
		{ "word", "unexpected argument 'word'" },
		{ "--once word", "unexpected argument 'word'" },
		{ "-o", "unexpected argument '-o'" },
	};
	struct config config;
	int operands;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&config, true, &operands, cases[i].words), -EINVAL);
		if (!strstr(config.error, cases[i].error))
			fail_msg("'%s' does not say '%s'", config.error, cases[i].error);
		config_free(&config);
	}
}

/* Parses content as a configuration file behind a word on the command line. */
static int parse_file(struct config *config, const char *word, const char *content)
{
	char path[] = "/tmp/test_config.XXXXXX";
	int fd = mkstemp(path), operands, err;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_replace(AT_FDCWD, path, content, strlen(content), 0600), 0);
	assert_int_equal(parse(config, true, &operands, word), 0);
	err = config_parse_file(config, path);
	unlink(path);
	return err;
}

static void test_file(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse_file(&config, "--uses=9",
				 "# comment\n\nstate-dir = /from/file\nuses=3\n  ttl = 7d \n"
				 "once = true\nscope = netns"),
		0);
	assert_string_equal(config_text(&config, "state-dir"), "/from/file");
	assert_string_equal(config_text(&config, "uses"), "9");
	assert_int_equal(config_duration_ms(&config, "ttl"), 604800000);
	assert_true(config_flag(&config, "once"));
	assert_string_equal(config_text(&config, "scope"), "netns");
	config_free(&config);
	assert_int_equal(parse_file(&config, "", ""), 0);
	config_free(&config);
	assert_int_equal(parse_file(&config, "", "tell = me at = once\nuses = 1\ntell = him"), 0);
	assert_string_equal(config_text(&config, "tell"), "me at = once\nhim");
	config_free(&config);
	assert_int_equal(parse_file(&config, "--tell you", "tell = me\ntell = him"), 0);
	assert_string_equal(config_text(&config, "tell"), "you");
	config_free(&config);
}

static void test_wrong_file(void **state)
{
	static char too_long[400];
	static const struct {
		const char *content, *error;
	} cases[] = {
		{ "uses = 1\nnonsense = 2\n", ":2: unknown key 'nonsense'" },
		{ "help = true\n", ":1: unknown key 'help'" },
		{ "\n\nuses = many\n", ":3: uses 'many': must be one of 1|2|3|9" },
		{ "[section]\nuses = 1\n", "unexpected section '[section]'" },
		{ "uses = 1\njust words\n", ":2: not 'key = value': 'just words'" },
		{ "uses = x\nttl = y\n", ":1: uses 'x'" },
		/* A wrong value is wrong also when the command line overrides it. */
		{ "state-dir =\n", "state-dir '': must not be empty" },
		{ too_long, ":2: longer than" },
	};
	struct config config;
	int operands;

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	memcpy(too_long, "uses = 1\nstate-dir = /", 22);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse_file(&config, "--state-dir=/y", cases[i].content), -EINVAL);
		if (!strstr(config.error, cases[i].error))
			fail_msg("'%s' does not say '%s'", config.error, cases[i].error);
		config_free(&config);
	}
	assert_int_equal(parse(&config, true, &operands, ""), 0);
	assert_int_equal(config_parse_file(&config, "/nonexistent/x.conf"), -ENOENT);
	assert_string_equal(
		config.error, "cannot read /nonexistent/x.conf: No such file or directory");
	assert_true(config_parse_file(&config, "/tmp") < 0);
	assert_string_equal(config.error, "cannot read /tmp");
	config_free(&config);
}

static char *printed(const struct config *config, void (*print)(const struct config *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	print(config, to);
	fclose(to);
	return text;
}

static void test_print(void **state)
{
	struct config config, again;
	char *text, *text_again;
	int operands;

	(void)state;
	assert_int_equal(parse(&config, true, &operands, "--uses=3 --once --tell a --tell=b"), 0);
	text = printed(&config, config_print);
	assert_string_equal(text,
		"state-dir = /var/lib/x\n# listen = \nttl = 24h\nuses = 3\n"
		"scope = host\nonce = true\ntell = a\ntell = b\n");
	/* What is printed can be read. */
	assert_int_equal(parse_file(&again, "", text), 0);
	text_again = printed(&again, config_print);
	assert_string_equal(text, text_again);
	free(text);
	free(text_again);
	text = printed(&config, config_print_help);
	assert_non_null(strstr(text, "  --ttl TIME                   how long (default 24h)\n"));
	assert_non_null(strstr(text, "  --once                       print and end\n"));
	assert_non_null(strstr(text,
		"  --a-name-that-is-long WITH-A-VALUE\n"
		"                               on a line of its own\n"));
	free(text);
	config_free(&config);
	config_free(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_wrong_arguments),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_wrong_file),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
