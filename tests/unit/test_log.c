// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char caught[8192];

/* Runs log_line with stderr in a pipe; what came out is in caught. */
static void catch_line(const struct log *log, enum log_level level, const char *text)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t got;

	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_line(log, level, "%s", text);
	dup2(saved, STDERR_FILENO);
	got = read(ends[0], caught, sizeof(caught) - 1);
	caught[got > 0 ? got : 0] = '\0';
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

static void test_lines(void **state)
{
	static char long_text[5000];
	struct log log = { .name = "cma", .level = LOG_LEVEL_INFO };

	(void)state;
	catch_line(&log, LOG_LEVEL_INFO, "ready");
	assert_string_equal(caught, "cma: ready\n");
	catch_line(&log, LOG_LEVEL_ERROR, "it\nis \x1b[31mred\x7f");
	assert_string_equal(caught, "cma: error: it?is ?[31mred?\n");
	catch_line(&log, LOG_LEVEL_DEBUG, "hidden");
	assert_string_equal(caught, "");
	log.level = LOG_LEVEL_DEBUG;
	catch_line(&log, LOG_LEVEL_DEBUG, "shown \xc3\xa9");
	assert_string_equal(caught, "cma: debug: shown \xc3\xa9\n");
	catch_line(&log, LOG_LEVEL_WARN, "");
	assert_string_equal(caught, "cma: warn: \n");
	memset(long_text, 'x', sizeof(long_text) - 1);
	catch_line(&log, LOG_LEVEL_INFO, long_text);
	assert_true(strlen(caught) < 2100);
	assert_int_equal(caught[strlen(caught) - 1], '\n');
	log.journal = true;
	catch_line(&log, LOG_LEVEL_WARN, "careful");
	assert_string_equal(caught, "<4>careful\n");
}

static void test_levels(void **state)
{
	enum log_level level;

	(void)state;
	assert_int_equal(log_level_parse("warn", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_int_equal(log_level_parse("WARN", &level), -EINVAL);
	unsetenv("JOURNAL_STREAM");
	assert_false(log_open("x").journal);
	setenv("JOURNAL_STREAM", "1:2", 1);
	assert_true(log_open("x").journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
