// SPDX-License-Identifier: Apache-2.0
/* What the option "alert" says, and what sinks are sent. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cma/alert/courier.h"
#include "cma/alert/letter.h"
#include "cma/alert/settings.h"

enum { MOST = 4 };

struct taken {
	struct settings settings[MOST];
	size_t count;
	char error[SETTINGS_ERROR];
};

static int take(void *context, struct settings *settings)
{
	struct taken *taken = context;

	assert_true(taken->count < MOST);
	taken->settings[taken->count++] = *settings;
	return 0;
}

static int parse(struct taken *taken, const char *line)
{
	*taken = (struct taken){ .count = 0 };
	return settings_parse(line, take, taken, taken->error);
}

static void release(struct taken *taken)
{
	for (size_t i = 0; i < taken->count; i++)
		settings_free(&taken->settings[i]);
}

static void assert_shown(const char *line, const char *name, const char *shown)
{
	struct taken taken;
	char *text autofree = NULL;

	assert_int_equal(parse(&taken, line), 0);
	assert_int_equal(taken.count, 1);
	assert_string_equal(taken.settings[0].name, name);
	text = settings_shown(&taken.settings[0]);
	assert_string_equal(text, shown);
	release(&taken);
}

static void test_names(void **state)
{
	(void)state;
	assert_shown("syslog", "syslog", "syslog");
	assert_shown("  journal \t /run/x  severity=info ", "journal /run/x", "journal /run/x");
	assert_shown("webhook https://me:word@h.example:8443/T0/secret?key=k",
		"webhook https://me:word@h.example:8443/T0/secret?key=k",
		"webhook https://h.example:8443");
	assert_shown("webhook HTTP://h?a@b", "webhook HTTP://h?a@b", "webhook HTTP://h");
}

static void test_settings(void **state)
{
	struct taken taken;
	const struct settings *one = &taken.settings[0];

	(void)state;
	assert_int_equal(parse(&taken, "syslog"), 0);
	assert_true(settings_want(one, "host", "info"));
	assert_true(settings_want(one, "rule:x", "critical"));
	assert_int_equal(one->time_ms, one->kind->time_ms);
	release(&taken);
	assert_int_equal(
		parse(&taken, "syslog timeout=3s severity=warning kind=host,rule:*,agent-????"), 0);
	assert_int_equal(one->time_ms, 3000);
	assert_false(settings_want(one, "host", "info"));
	assert_true(settings_want(one, "host", "warning"));
	assert_true(settings_want(one, "rule:anything", "critical"));
	assert_true(settings_want(one, "agent-hung", "critical"));
	assert_false(settings_want(one, "switch", "critical"));
	assert_false(settings_want(one, "hosts", "critical"));
	release(&taken);
}

/* One for each executable, in order; not what an editor or a package manager leaves. */
static void test_directory(void **state)
{
	static const char *const names[] = { "b", "a", ".hidden", "a~", "text" };
	char directory[] = "/tmp/test_alert_text.XXXXXX";
	char *line autofree = NULL, *paths[5];
	struct taken taken;

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < 5; i++) {
		FILE *file;

		paths[i] = text_format("%s/%s", directory, names[i]);
		file = fopen(paths[i], "we");
		assert_non_null(file);
		fclose(file);
		chmod(paths[i], i < 4 ? 0755 : 0644);
	}
	line = text_format("exec %s timeout=9s", directory);
	assert_int_equal(parse(&taken, line), 0);
	assert_int_equal(taken.count, 2);
	assert_string_equal(taken.settings[0].target, paths[1]);
	assert_string_equal(taken.settings[1].target, paths[0]);
	assert_int_equal(taken.settings[1].time_ms, 9000);
	release(&taken);
	for (size_t i = 0; i < 5; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	assert_int_equal(rmdir(directory), 0);
}

static void test_wrong(void **state)
{
	static const char *const cases[][2] = {
		{ "", "'' is no sink; there are: exec journal syslog webhook" },
		{ "mail me@example.org", "'mail' is no sink" },
		{ "exec", "absolute path" },
		{ "exec relative/path", "absolute path" },
		{ "exec /nonexistent", "neither an executable nor a directory" },
		{ "webhook", "needs a URL" },
		{ "webhook file:///etc/passwd", "needs a URL" },
		{ "syslog /a /b", "'/b' behind '/a'" },
		{ "syslog severity=urgent", "must be one of info|warning|critical" },
		{ "syslog timeout=1h", "must be a duration" },
		{ "syslog kind=", "'kind=' is none of" },
		{ "syslog colour=red", "'colour=red' is none of" },
	};
	struct taken taken;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(&taken, cases[i][0]), -EINVAL);
		assert_int_equal(taken.count, 0);
		if (!strstr(taken.error, cases[i][1]))
			fail_msg("'%s' does not say '%s'", taken.error, cases[i][1]);
	}
}

static json_t *alert_of(int number, const char *kind, const char *severity, const char *state)
{
	return json_pack("{s:i,s:s,s:s,s:s,s:s,s:i,s:s,s:[]}", "incident", number, "kind", kind,
		"severity", severity, "state", state, "node", "n", "held", 0, "text", "t", "hosts");
}

static void test_row(void **state)
{
	json_t *columns autojson = json_pack("[s,s,s,s]", "id", "what", "hosts", "cleared");
	json_t *row autojson = json_pack("[i,s,s,n]", 5, "open", "[\"a\",\"b\"]");
	json_t *alert autojson = letter_of_row(columns, row), *alerts autojson = json_array();
	char *text autofree = NULL;

	(void)state;
	json_array_append(alerts, alert);
	text = letter_text(alerts, 0);
	assert_string_equal(text, "{\"cleared\":null,\"hosts\":[\"a\",\"b\"],\"what\":\"open\"}");
}

static void test_summary(void **state)
{
	json_t *alerts autojson = json_array(), *summary autojson = NULL;
	char *text autofree = NULL;

	(void)state;
	json_array_append_new(alerts, alert_of(1, "host", "critical", "cleared"));
	json_array_append_new(alerts, alert_of(2, "host", "warning", "open"));
	json_array_append_new(alerts, alert_of(3, "link", "info", "open"));
	text = letter_text(alerts, 1700000000000);
	summary = json_loads(text, 0, NULL);
	assert_string_equal(json_get_text(summary, "what"), "summary");
	assert_string_equal(
		json_get_text(summary, "text"), "3 incidents: 2 open, 1 cleared; 2 host, 1 link");
	assert_string_equal(json_get_text(summary, "severity"), "warning");
	assert_string_equal(json_get_text(summary, "state"), "open");
	assert_string_equal(json_get_text(summary, "time"), "2023-11-14T22:13:20.000Z");
	assert_int_equal(json_integer_value(json_object_get(summary, "held")), 3);
	assert_int_equal(json_array_size(json_object_get(summary, "incidents")), 3);
}

/* Names that are as long as they can be: what is sent has room for them, or goes without a list. */
static void test_size(void **state)
{
	json_t *alerts autojson = json_array(), *alert;
	char name[1000], *text;

	(void)state;
	memset(name, '"', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	alert = alert_of(1, "host", "info", "open");
	for (int i = 0; i < 100; i++)
		json_array_append_new(json_object_get(alert, "hosts"), json_string(name));
	json_array_append_new(alerts, alert);
	text = letter_text(alerts, 0);
	assert_true(strlen(text) <= COURIER_TEXT_MAX);
	assert_null(strstr(text, "hosts"));
	free(text);
	for (int i = 0; i < 1000; i++)
		json_array_append_new(alerts, alert_of(i, name, "info", "open"));
	text = letter_text(alerts, 0);
	assert_true(strlen(text) <= COURIER_TEXT_MAX);
	assert_non_null(strstr(text, "\"held\":1001"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_size),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
