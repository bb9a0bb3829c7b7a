// SPDX-License-Identifier: Apache-2.0
/* Names of processes that change soon after the start, and how many there are at most. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "tests/unit/watch_rig.h"

#define NGINX			 "/usr/sbin/nginx"
#define NAMED(format, arguments) watch_rig_id(id, sizeof(id), (format), NGINX, (arguments))

static int set_up(void **state)
{
	return watch_rig_set_up_with(state, (struct watch_config){ .hold = true });
}

/* The process starts with its arguments and listens. */
static void starts_with(
	struct watch_rig *f, struct instant now, uint32_t tgid, const char *arguments)
{
	f->exe[tgid] = NGINX;
	f->arguments[tgid] = arguments;
	watch_rig_appears(f, now, tgid, tgid, NGINX);
	watch_rig_listens(f, now, tgid, tgid, "0.0.0.0", 80);
	watch_rig_collect(f);
}

static void starts(struct watch_rig *f, struct instant now, uint32_t tgid)
{
	starts_with(f, now, tgid, "-c");
}

static void looks(struct watch_rig *f, struct instant now, uint32_t tgid, uint64_t cookie)
{
	struct event_row row = watch_rig_listen_row(tgid, cookie, "0.0.0.0", 80);

	watch_rig_snapshot(f, now, &row, 1);
	watch_rig_collect(f);
}

static void stops(struct watch_rig *f, struct instant now, uint32_t tgid)
{
	watch_rig_unlistens(f, now, tgid);
	watch_rig_ends(f, now, tgid);
	watch_rig_collect(f);
}

/* The listener is told, of the process with these arguments and of no other. */
static void check_owner(const struct watch_rig *f, const char *arguments)
{
	const char *value = watch_rig_value_of(f, "listen tcp 0.0.0.0:80");
	char id[512];

	assert_non_null(value);
	assert_non_null(strstr(value, NAMED("[\"%\"]", arguments)));
	assert_non_null(watch_rig_value_of(f, NAMED("process %", arguments)));
}

static void test_title_moves_the_facts(void **state)
{
	struct watch_rig *f = *state;
	char id[512];

	starts(f, SECONDS(1), 10);
	check_owner(f, "-c");
	watch_rig_connects(f, SECONDS(1.1), 10, "10.0.0.1", 53, 0);
	watch_rig_collect(f);
	assert_non_null(watch_rig_value_of(f, NAMED("client % tcp 10.0.0.1:53", "-c")));
	f->arguments[10] = NULL;
	looks(f, SECONDS(1.5), 10, 10); /* for another reason, and too soon */
	check_owner(f, "-c");
	assert_true(watch_wants_snapshot(f->watch, SECONDS(2.5)));
	looks(f, SECONDS(2.5), 10, 10);
	check_owner(f, NULL);
	assert_null(watch_rig_value_of(f, NAMED("process %", "-c")));
	assert_null(watch_rig_value_of(f, NAMED("client % tcp 10.0.0.1:53", "-c")));
	assert_non_null(watch_rig_value_of(f, NAMED("client % tcp 10.0.0.1:53", NULL)));
	watch_rig_connects(f, SECONDS(2.6), 10, "10.0.0.2", 53, ECONNREFUSED);
	watch_rig_collect(f);
	assert_non_null(watch_rig_value_of(f, NAMED("client % tcp 10.0.0.2:53", NULL)));
	watch_rig_forget(f);
	f->arguments[10] = "late";
	looks(f, SECONDS(63), 10, 10);
	check_owner(f, "late");
	watch_rig_forget(f);
	f->arguments[10] = "later";
	looks(f, SECONDS(130), 10, 10);
	assert_int_equal(f->count, 0);
}

static void test_restart_does_not_flap(void **state)
{
	struct watch_rig *f = *state;
	char id[512];

	starts(f, SECONDS(1), 10);
	f->arguments[10] = NULL;
	looks(f, SECONDS(2), 10, 10);
	stops(f, SECONDS(3), 10);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
	watch_rig_forget(f);
	starts(f, SECONDS(4), 11);
	check_owner(f, NULL);
	f->arguments[11] = NULL;
	looks(f, SECONDS(5), 11, 11);
	check_owner(f, NULL);
	assert_false(watch_rig_was_told(f, NAMED("process %", "-c")));
}

/* It sets no title any more: then it is called as it was started, from the next time on at once. */
static void test_restart_that_stays_as_it_is(void **state)
{
	struct watch_rig *f = *state;

	starts(f, SECONDS(1), 10);
	f->arguments[10] = NULL;
	looks(f, SECONDS(2), 10, 10);
	stops(f, SECONDS(3), 10);
	starts(f, SECONDS(4), 11);
	check_owner(f, NULL);
	looks(f, SECONDS(5), 11, 11);
	check_owner(f, "-c");
	stops(f, SECONDS(6), 11);
	starts(f, SECONDS(7), 12);
	check_owner(f, "-c");
}

/* The one that listened goes, its child stays: after a restart the child's name is told at once. */
static void test_daemon_in_the_background(void **state)
{
	struct watch_rig *f = *state;
	char id[512];

	starts(f, SECONDS(1), 10);
	watch_rig_ends(f, SECONDS(1.1), 10);
	f->exe[11] = NGINX;
	looks(f, SECONDS(1.2), 11, 10);
	check_owner(f, NULL);
	assert_null(watch_rig_value_of(f, NAMED("process %", "-c")));
	watch_rig_unlistens(f, SECONDS(3), 10);
	watch_rig_ends(f, SECONDS(3), 11);
	watch_rig_collect(f);
	watch_rig_forget(f);
	starts(f, SECONDS(4), 12);
	check_owner(f, NULL);
	assert_false(watch_rig_was_told(f, NAMED("process %", "-c")));
}

/* The one that listened went so soon that it could not be read. */
static void test_daemon_is_not_transient(void **state)
{
	struct event_workload event = {
		.kind = EVENT_WORKLOAD, .tgid = 10, .start = 10, .workload = 10, .uid = 33
	};
	struct watch_rig *f = *state;
	char id[512];

	strcpy(event.path, NGINX);
	watch_workload(f->watch, SECONDS(1), &event);
	watch_rig_listens(f, SECONDS(1), 10, 10, "0.0.0.0", 80);
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, NAMED("process %", NULL)), "transient"));
	f->exe[11] = NGINX;
	looks(f, SECONDS(1.2), 11, 10);
	check_owner(f, NULL);
	assert_null(strstr(watch_rig_value_of(f, NAMED("process %", NULL)), "transient"));
}

/* The last ones are remembered. */
static void test_renames_are_bounded(void **state)
{
	struct watch_rig *f = *state;
	char words[100][8];

	for (int i = 0; i < 100; i++) {
		snprintf(words[i], sizeof(words[i]), "%d", i);
		starts_with(f, SECONDS(3 * i + 1), 10, words[i]);
		f->arguments[10] = NULL;
		looks(f, SECONDS(3 * i + 2), 10, 10);
		stops(f, SECONDS(3 * i + 2), 10);
	}
	starts_with(f, SECONDS(301), 11, words[100 - 64]);
	check_owner(f, NULL);
	stops(f, SECONDS(301), 11);
	starts_with(f, SECONDS(302), 12, words[100 - 65]);
	check_owner(f, words[100 - 65]);
}

/* A client with arguments of its own, that lives for longer than a second. */
static void runs(struct watch_rig *f, struct instant now, uint32_t tgid, char *arguments)
{
	f->exe[tgid] = NGINX;
	f->arguments[tgid] = arguments;
	watch_rig_appears(f, now, tgid, 1000 + tgid, NGINX);
	watch_rig_connects(f, now, 1000 + tgid, "10.0.0.1", 80, 0);
	watch_tick(f->watch, instant_add(now, NS_PER_SEC));
	watch_rig_collect(f);
}

static void test_names_of_clients_are_bounded(void **state)
{
	struct watch_rig *f = *state;
	size_t processes = 0;
	char id[512], words[60][8];
	struct event_row rows[2];

	for (uint32_t i = 0; i < 60; i++) {
		snprintf(words[i], sizeof(words[i]), "%u", i);
		runs(f, SECONDS(1 + 2 * i), i, words[i]);
	}
	for (size_t i = 0; i < f->count; i++)
		processes += !strncmp(f->told[i].id, "process ", 8);
	assert_int_equal(processes, 11);
	assert_int_equal(watch_losses(f->watch).processes, 50);
	assert_non_null(strstr(watch_rig_value_of(f, NAMED("process %", NULL)),
		"\"cmdline\":[\"nginx\"],\"exe\":\"/usr/sbin/nginx\",\"folded\":true"));
	assert_non_null(watch_rig_value_of(f, NAMED("client % tcp 10.0.0.1:80", NULL)));
	assert_null(strstr(watch_rig_value_of(f, NAMED("process %", "9")), "folded"));
	/* One of the many starts to listen: it has its name. */
	watch_rig_listens(f, SECONDS(200), 59, 1, "0.0.0.0", 80);
	watch_rig_collect(f);
	check_owner(f, "59");
	watch_rig_unlistens(f, SECONDS(240), 1);
	rows[0] = watch_rig_connection_row(57, "10.0.0.9", 4000, "10.0.0.1", 81, 0);
	watch_rig_snapshot(f, SECONDS(250), rows, 1);
	watch_rig_listens(f, SECONDS(250), 57, 1, "0.0.0.0", 80);
	watch_rig_collect(f);
	check_owner(f, "57");
	watch_rig_unlistens(f, SECONDS(290), 1);
	rows[1] = watch_rig_listen_row(58, 1, "0.0.0.0", 80);
	rows[0] = watch_rig_connection_row(58, "10.0.0.9", 4000, "10.0.0.1", 81, 0);
	watch_rig_snapshot(f, SECONDS(300), rows, 2);
	watch_rig_collect(f);
	check_owner(f, "58");
}

static int set_up_few_names(void **state)
{
	return watch_rig_set_up_with(state, (struct watch_config){ .hold = true, .names_max = 10 });
}

/* 65,535 ports of 10 hosts. */
static void test_port_scan_is_bounded(void **state)
{
	struct watch_rig *f = *state;
	char id[512], ip[16];
	size_t before, clients = 0;

	f->exe[10] = NGINX;
	watch_rig_appears(f, SECONDS(1), 10, 10, NGINX);
	watch_tick(f->watch, SECONDS(2));
	before = mallinfo2().uordblks;
	for (unsigned int port = 1; port <= 65535; port++) {
		for (unsigned int host = 1; host <= 10; host++) {
			snprintf(ip, sizeof(ip), "10.0.0.%u", host);
			watch_rig_connects(f, SECONDS(2), 10, ip, (uint16_t)port, ECONNREFUSED);
		}
	}
	assert_true(mallinfo2().uordblks - before < 1500 << 10);
	watch_rig_collect(f);
	for (size_t i = 0; i < f->count; i++)
		clients += !strncmp(f->told[i].id, "client ", 7);
	assert_int_equal(clients, 2048 + 1);
	assert_non_null(strstr(watch_rig_value_of(f, NAMED("client % tcp 10.0.0.0/24:0", NULL)),
		"\"addr\":\"10.0.0.0/24\",\"folded\":true,\"peers\":256,\"port\":0"));
	assert_int_equal(watch_losses(f->watch).ports, 655350 - 2048);
	/* What was told before stays, and is followed. */
	watch_rig_connects(f, SECONDS(3), 10, "10.0.0.1", 22, 0);
	watch_rig_collect(f);
	assert_non_null(
		strstr(watch_rig_value_of(f, NAMED("client % tcp 10.0.0.1:22", NULL)), "\"ok\""));
}

static void test_workloads_are_bounded(void **state)
{
	struct watch_rig *f = *state;
	size_t before = 0;

	for (uint64_t id = 1; id <= 50000; id++) {
		f->exe[10] = NGINX;
		watch_rig_appears(f, SECONDS(1), 10, id, NGINX);
		watch_rig_ends(f, SECONDS(1), 10);
		if (id == 5000)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks < before + (64 << 10));
	watch_rig_connects(f, SECONDS(2), 50000, "10.0.0.1", 80, 0);
	watch_rig_connects(f, SECONDS(2), 1, "10.0.0.1", 81, 0);
	assert_int_equal(watch_rig_collect(f), 2);
	assert_int_equal(watch_losses(f->watch).unowned, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, watch_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_title_moves_the_facts),
		TEST(test_restart_does_not_flap),
		TEST(test_restart_that_stays_as_it_is),
		TEST(test_daemon_in_the_background),
		TEST(test_daemon_is_not_transient),
		TEST(test_renames_are_bounded),
		cmocka_unit_test_setup_teardown(
			test_names_of_clients_are_bounded, set_up_few_names, watch_rig_tear_down),
		TEST(test_port_scan_is_bounded),
		TEST(test_workloads_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
