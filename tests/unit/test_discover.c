// SPDX-License-Identifier: Apache-2.0
/*
 * Runs every case of every module in modules.def: tests/data/discover/<module>/<case>/ holds what
 * the module looks at and expect.json, the whole of what it then says:
 * {"section": {"key": value}}. A file module looks at root/; its uname(2) is root/proc/sys/kernel.
 * For "netlink" the files messages.* are recorded rtnetlink bytes, fed in the order of their names;
 * "list <section>" in expect.json says that the section must be listed afresh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "discover/discover.h"
#include "discover/netfact.h"

#define CASES "tests/data/discover/"
enum { FILE_LIMIT = 1 << 20 };

/* The table that the facts make: section name -> key -> value. */
static void take_fact(void *owner, const struct fact *fact)
{
	json_t *table = owner, *section;
	char *key autofree = text_copy_n((const char *)fact->key.data, fact->key.size);
	char error[256];

	section = json_object_get(table, section_name(fact->section));
	if (!section) {
		section = json_object();
		json_object_set_new(table, section_name(fact->section), section);
	}
	if (fact->value.size) {
		json_t *value = json_parse(fact->value, FACT_VALUE_MAX, error, sizeof(error));

		if (!value)
			fail_msg("%s: %s", key, error);
		json_object_set_new(section, key, value);
	} else {
		json_object_del(section, key);
	}
}

static void read_uts(int root, struct utsname *uts)
{
	const struct {
		const char *file;
		char *to;
	} fields[] = {
		{ "proc/sys/kernel/ostype", uts->sysname },
		{ "proc/sys/kernel/hostname", uts->nodename },
		{ "proc/sys/kernel/osrelease", uts->release },
		{ "proc/sys/kernel/version", uts->version },
		{ "proc/sys/kernel/arch", uts->machine },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		char *text autofree =
			file_read(root, fields[i].file, sizeof(uts->version) - 1, NULL);

		if (text)
			snprintf(fields[i].to, sizeof(uts->version), "%.*s",
				(int)strcspn(text, "\n"), text);
	}
}

static void run_files(const struct discover_module *module, int dir, json_t *table)
{
	int root autoclose = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct discover_sink sink = { .owner = table, .fact = take_fact };
	struct utsname uts = { .sysname = "" };
	struct discover_host host = { .root = root, .uts = &uts };
	char *hostname autofree = file_read(dir, "hostname", sizeof(uts.nodename), NULL);

	assert_true(root >= 0);
	read_uts(root, &uts);
	if (hostname) {
		hostname[strcspn(hostname, "\n")] = '\0';
		host.hostname = hostname;
	}
	module->run(&host, &sink);
}

static void run_messages(const char *path, json_t *table)
{
	struct discover_sink sink = { .owner = table, .fact = take_fact };
	struct netfact netfact = { .links = NULL };
	char *pattern autofree = text_format("%s/messages.*", path);
	uint16_t stale = 0;
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t size;
		char *bytes autofree = file_read(AT_FDCWD, found.gl_pathv[i], FILE_LIMIT, &size);
		struct nlmsghdr *message = (struct nlmsghdr *)(void *)bytes;
		int left = (int)size;

		for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left))
			stale |= netfact_apply(&netfact, message, &sink);
		assert_int_equal(left, 0);
	}
	globfree(&found);
	netfact_free(&netfact);
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		char *key autofree = text_format("list %s", section_name(i));

		if (stale & 1u << i)
			json_object_set_new(table, key, json_true());
	}
}

static void run_case(const struct discover_module *module, const char *path)
{
	int dir autoclose = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *expected_text autofree = file_read(dir, "expect.json", FILE_LIMIT, NULL);
	json_t *table autojson = json_object(), *expected autojson = NULL;
	char *got autofree = NULL;
	char error[256] = "no expect.json";

	if (module->run)
		run_files(module, dir, table);
	else
		run_messages(path, table);
	got = json_text(table);
	if (expected_text)
		expected = json_parse(SPAN_TEXT(expected_text), FILE_LIMIT, error, sizeof(error));
	if (!expected) {
		fprintf(stderr, "%s: %s; got %s\n", path, error, got);
		fail();
	}
	if (!json_equal(table, expected)) {
		char *wanted autofree = json_text(expected);

		fprintf(stderr, "%s:\n  got      %s\n  expected %s\n", path, got, wanted);
		fail();
	}
}

static void test_every_case_of_every_module(void **state)
{
	(void)state;
	for (const struct discover_module *module = discover_modules; module->name; module++) {
		char *pattern autofree = text_format(CASES "%s/*", module->name);
		glob_t cases;

		if (!strcmp(module->name, "lldp")) /* speaks to a live lldpd: test_lldp.c */
			continue;
		if (glob(pattern, 0, NULL, &cases))
			fail_msg("module %s has no case in " CASES, module->name);
		for (size_t i = 0; i < cases.gl_pathc; i++)
			run_case(module, cases.gl_pathv[i]);
		globfree(&cases);
	}
}

static void count_fact(void *owner, const struct fact *fact)
{
	assert_int_equal(fact->section, SECTION_HOST);
	assert_true(fact->value.size > 2);
	++*(int *)owner;
}

static void test_this_host_has_all_three(void **state)
{
	int root autoclose = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
	struct discover_sink sink = { .owner = &count, .fact = count_fact };
	struct utsname uts;
	struct discover_host host = { .root = root, .uts = &uts };

	(void)state;
	uname(&uts);
	discover_run(&host, &sink);
	assert_int_equal(count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_case_of_every_module),
		cmocka_unit_test(test_this_host_has_all_three),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
