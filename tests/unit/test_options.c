// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/options.h"
#include "base/file.h"

static int read_words(struct options *options, const char *const *words)
{
	char *argv[16] = { (char *)(uintptr_t) "nanoprobe" };
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return options_read(options, argc, argv);
}

static void test_defaults(void **state)
{
	static const char *const words[] = { "--config", "/dev/null", NULL };
	struct options options;

	(void)state;
	assert_int_equal(read_words(&options, words), OPTIONS_RUN);
	assert_string_equal(options.state_dir, "/var/lib/assim/nanoprobe");
	assert_string_equal(options.lldpd_socket, "/run/lldpd.socket");
	assert_null(options.token);
	assert_null(options.hostname);
	assert_false(options.own_netns || options.once || options.json || options.dry_run);
	assert_int_equal(options.edge_ttl_ms, 24 * 3600 * 1000);
	assert_int_equal(options.log_level, LOG_LEVEL_INFO);
	assert_int_equal(options.beat_port, 1985);
	options_free(&options);
}

static void test_command_line_wins_over_file(void **state)
{
	static const char file[] =
		"scope = netns\nhostname = filed\nedge-ttl = 7d\nbeat-port = 0\n";
	char path[] = "/tmp/test_options_XXXXXX";
	const char *words[] = { "--config", path, "--hostname=given", "--dry-run", "--json", NULL };
	struct options options;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(file_replace(AT_FDCWD, path, file, strlen(file), 0600), 0);
	assert_int_equal(read_words(&options, words), OPTIONS_RUN);
	unlink(path);
	assert_true(options.own_netns && options.dry_run && options.json);
	assert_string_equal(options.hostname, "given");
	assert_int_equal(options.edge_ttl_ms, 7LL * 24 * 3600 * 1000);
	assert_int_equal(options.beat_port, 0);
	options_free(&options);
}

static void test_what_does_not_fit_together(void **state)
{
	static const char *const cases[][5] = {
		{ "--config=/dev/null", "--json", NULL },
		{ "--config=/dev/null", "--once", "--dry-run", NULL },
		{ "--config=/dev/null", "--scope", "galaxy", NULL },
		{ "--config=/dev/null", "--hostname",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
		{ "--config=/dev/null", "--beat-port", "65536", NULL },
		{ "--config=/dev/null", "--beat-port=", NULL },
		{ "--config=/nonexistent/file", NULL },
		{ "word", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct options options;

		assert_true(read_words(&options, cases[i]) < 0);
		assert_true(strlen(options.config.error) > 10);
		options_free(&options);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_command_line_wins_over_file),
		cmocka_unit_test(test_what_does_not_fit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
