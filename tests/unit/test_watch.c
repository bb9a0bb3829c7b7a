// SPDX-License-Identifier: Apache-2.0
/* Who listens where: events and snapshot rows in, facts out. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/watch_rig.h"

static void test_listener_is_told_at_once(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;
	char expected[512], name[NAMING_PROCESS_SIZE];

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/sbin/nginx");
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	assert_int_equal(watch_rig_collect(f), 2);
	assert_memory_equal(f->told[0].id, "process nginx:", 14); /* before what refers to it */
	assert_string_equal(watch_rig_value_of(f, ID("process %s", "/usr/sbin/nginx", false)),
		"{\"cmdline\":[\"nginx\"],\"exe\":\"/usr/sbin/nginx\",\"gid\":0,\"uid\":33}");
	snprintf(expected, sizeof(expected),
		"{\"addr\":\"0.0.0.0\",\"port\":80,\"process\":[\"%s\"],\"proto\":\"tcp\"}",
		watch_rig_name_of("/usr/sbin/nginx", false, name));
	assert_string_equal(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), expected);
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_unlistens(f, SECONDS(2), 1);
	assert_int_equal(watch_rig_collect(f), 2);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
	assert_null(watch_rig_value_of(f, ID("process %s", "/usr/sbin/nginx", false)));
}

static void test_what_comes_back_unchanged_is_no_news(void **state)
{
	struct watch_rig *f = *state;

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_listens(f, SECONDS(1), 10, 1, "::", 80);
	watch_rig_collect(f);
	watch_rig_unlistens(f, SECONDS(2), 1);
	watch_rig_listens(f, SECONDS(2), 10, 2, "::", 80);
	assert_int_equal(watch_rig_collect(f), 0);
}

static void test_other_namespace_is_in_the_key(void **state)
{
	struct watch_rig *f = *state;
	struct event_socket event = watch_rig_socket_event(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_listens(f, SECONDS(1), 10, 2, "0.0.0.0", 80);
	event.netns = OTHER;
	watch_listen(f->watch, SECONDS(1), &event);
	watch_rig_collect(f);
	assert_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "netns"));
	assert_non_null(
		strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80 blue"), "\"netns\":\"blue\""));
}

static void test_dual_listener_takes_ipv4(void **state)
{
	struct watch_rig *f = *state;
	struct event_socket event = watch_rig_socket_event(10, 1, "::", 80);

	f->exe[10] = "/usr/sbin/nginx";
	event.flags |= SOCKET_DUAL;
	watch_listen(f->watch, SECONDS(1), &event);
	watch_rig_accepts(f, SECONDS(1), "::ffff:10.0.0.1", 80, "::ffff:10.0.0.9");
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, "listen tcp [::]:80"), "\"dual\":true"));
	assert_non_null(
		strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "nginx:"));
}

static void test_single_v6_listener_takes_no_ipv4(void **state)
{
	struct watch_rig *f = *state;

	f->exe[10] = "/usr/sbin/nginx";
	f->exe[11] = "/usr/sbin/apache2";
	watch_rig_listens(f, SECONDS(1), 10, 1, "::", 80);
	watch_rig_listens(f, SECONDS(1), 11, 2, "10.0.0.1", 80);
	watch_rig_accepts(f, SECONDS(1), "10.0.0.1", 80, "10.0.0.9");
	watch_rig_accepts(f, SECONDS(1), "10.0.0.2", 80, "10.0.0.9");
	watch_rig_accepts(f, SECONDS(1), "fd00::1", 80, "fd00::9");
	watch_rig_snapshot(f, SECONDS(1), NULL, 0);
	watch_rig_collect(f);
	assert_non_null(
		strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "apache2:"));
	assert_null(strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.2:80<10.0.0.9"), "process"));
	assert_non_null(
		strstr(watch_rig_value_of(f, "inbound tcp [fd00::1]:80<fd00::9"), "nginx:"));
}

static void test_holders_are_a_set(void **state)
{
	struct watch_rig *f = *state;
	struct event_row rows[] = { watch_rig_listen_row(10, 1, "0.0.0.0", 80),
		watch_rig_listen_row(11, 1, "0.0.0.0", 80),
		watch_rig_listen_row(12, 1, "0.0.0.0", 80),
		watch_rig_listen_row(13, 2, "0.0.0.0", 80) };
	const char *value;

	f->exe[10] = "/usr/sbin/master";
	f->exe[11] = f->exe[12] = "/usr/sbin/worker";
	f->exe[13] = "/usr/sbin/reuser";
	watch_rig_snapshot(f, SECONDS(1), rows, 4);
	watch_rig_collect(f);
	value = watch_rig_value_of(f, "listen tcp 0.0.0.0:80");
	assert_true(strstr(value, "master:") < strstr(value, "reuser:"));
	assert_true(strstr(value, "reuser:") < strstr(value, "worker:"));
	assert_null(strstr(strstr(value, "worker:") + 1, "worker:"));
	watch_rig_ends(f, SECONDS(2), 11);
	assert_int_equal(watch_rig_collect(f), 0); /* the other worker is still there */
	watch_rig_ends(f, SECONDS(2), 12);
	watch_rig_collect(f);
	assert_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "worker:"));
	watch_rig_unlistens(f, SECONDS(3), 2);
	watch_rig_collect(f);
	assert_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "reuser:"));
}

static void test_young_holder_is_read_again(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);
	const char *key = "listen tcp 0.0.0.0:80";

	row.start = BOOT - 100 * NS_PER_SEC;
	f->exe[10] = "/usr/sbin/before";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, key), "before:"));
	f->exe[10] = "/usr/sbin/after"; /* or another title */
	watch_rig_snapshot(f, SECONDS(2), &row, 1);
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, key), "after:"));
	assert_null(strstr(watch_rig_value_of(f, key), "before:"));
}

static void test_old_holder_is_read_once(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	row.start = BOOT - 200 * NS_PER_SEC;
	f->exe[10] = "/usr/sbin/before";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_collect(f);
	f->exe[10] = "/usr/sbin/after";
	watch_rig_snapshot(f, SECONDS(2), &row, 1);
	assert_int_equal(watch_rig_collect(f), 0);
}

static void test_activated_socket_belongs_to_the_service(void **state)
{
	struct watch_rig *f = *state;
	struct event_row rows[] = { watch_rig_listen_row(1, 1, "0.0.0.0", 22),
		watch_rig_listen_row(10, 1, "0.0.0.0", 22) };

	f->exe[1] = "/usr/lib/systemd/systemd";
	f->exe[10] = "/usr/sbin/sshd";
	watch_rig_listens(f, SECONDS(1), 1, 1, "0.0.0.0", 22);
	watch_rig_collect(f);
	assert_non_null(
		strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:22"), "\"process\":[\"systemd:"));
	watch_rig_snapshot(f, SECONDS(2), rows, 2);
	watch_rig_collect(f);
	assert_non_null(
		strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:22"), "\"process\":[\"sshd:"));
	assert_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:22"), "systemd:"));
	assert_non_null(
		strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:22"), "\"activated\":true"));
}

static void test_exec_changes_the_owner(void **state)
{
	struct watch_rig *f = *state;

	f->exe[10] = "/usr/bin/wrapper";
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	watch_rig_collect(f);
	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_appears(f, SECONDS(2), 10, 77, "/usr/sbin/nginx");
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "nginx:"));
}

static void test_udp_service_must_live_a_second(void **state)
{
	struct watch_rig *f = *state;
	struct event_socket event = watch_rig_socket_event(10, 1, "0.0.0.0", 5353);

	f->exe[10] = "/usr/sbin/resolver";
	event.protocol = IPPROTO_UDP;
	for (uint64_t i = 0; i < 100; i++) {
		event.cookie = 10 + i;
		event.port = (uint16_t)(2000 + i);
		watch_listen(f->watch, SECONDS(1), &event);
		watch_rig_unlistens(f, SECONDS(1.1), event.cookie);
	}
	event.cookie = 1;
	event.port = 5353;
	watch_listen(f->watch, SECONDS(2), &event);
	watch_tick(f->watch, SECONDS(2.5));
	assert_int_equal(watch_rig_collect(f), 0);
	watch_tick(f->watch, SECONDS(3));
	assert_int_equal(watch_rig_collect(f), 2);
	assert_non_null(watch_rig_value_of(f, "listen udp 0.0.0.0:5353"));
	event.cookie = 2;
	event.port = 53;
	watch_listen(f->watch, SECONDS(3), &event); /* privileged: nobody does that by the way */
	watch_rig_collect(f);
	assert_non_null(watch_rig_value_of(f, "listen udp 0.0.0.0:53"));
}

static void test_unix_listeners(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = { .cookie = 1,
		.start = 10,
		.netns = OWN,
		.tgid = 10,
		.family = AF_UNIX,
		.type = SOCK_STREAM,
		.state = TCP_LISTEN };

	f->exe[10] = "/usr/bin/app";
	watch_snapshot_begin(f->watch, SECONDS(1), BOOT);
	row.path_size = 9;
	watch_row(f->watch, SECONDS(1), &row, "/run/app\xff");
	row.cookie = 2;
	row.path_size = 4;
	watch_row(f->watch, SECONDS(1), &row, "\0abc");
	row.cookie = 3;
	row.type = SOCK_DGRAM;
	row.state = TCP_CLOSE;
	row.path_size = 6;
	watch_row(f->watch, SECONDS(1), &row, "\00000af"); /* named by the kernel */
	row.cookie = 4;
	row.path_size = 9; /* with its NUL */
	watch_row(f->watch, SECONDS(1), &row, "/dev/log");
	row.cookie = 5;
	row.type = SOCK_STREAM;
	row.state = TCP_ESTABLISHED;
	watch_row(f->watch, SECONDS(1), &row, "/run/app"); /* accepted */
	watch_snapshot_end(f->watch, SECONDS(1), true);
	assert_int_equal(watch_rig_collect(f), 4);
	assert_non_null(watch_rig_value_of(f, "listen unix /run/app?"));
	assert_non_null(strstr(watch_rig_value_of(f, "listen unix @abc"),
		"{\"addr\":\"@abc\",\"port\":0,\"process\":[\"app:"));
	assert_non_null(watch_rig_value_of(f, "listen unix /dev/log"));
}

static void test_first_process_may_be_a_server(void **state)
{
	struct watch_rig *f = *state;
	struct event_row rows[] = { watch_rig_listen_row(1, 1, "0.0.0.0", 80),
		watch_rig_listen_row(10, 1, "0.0.0.0", 80) };

	f->exe[1] = f->exe[10] = "/usr/sbin/nginx"; /* in a container */
	watch_rig_snapshot(f, SECONDS(1), rows, 2);
	watch_rig_collect(f);
	assert_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "activated"));
	assert_non_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "nginx:"));
}

/* Of nfsd, or of a process in a pid namespace outside ours. */
static void test_socket_without_a_holder(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(0, 1, "0.0.0.0", 2049);

	row.start = 0;
	for (int i = 0; i < 4; i++) {
		watch_rig_snapshot(f, SECONDS(60 * i), &row, 1);
		watch_rig_collect(f);
	}
	assert_int_equal(f->count, 1);
	assert_string_equal(watch_rig_value_of(f, "listen tcp 0.0.0.0:2049"),
		"{\"addr\":\"0.0.0.0\",\"port\":2049,\"process\":[],\"proto\":\"tcp\"}");
	watch_rig_snapshot(f, SECONDS(240), NULL, 0);
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:2049"));
}

/* A direct descriptor of io_uring: the kernel told who listens, no snapshot ever does. */
static void test_socket_without_a_descriptor(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(0, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/bin/server";
	row.start = 0;
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	for (int i = 0; i < 4; i++)
		watch_rig_snapshot(f, SECONDS(60 * i), &row, 1);
	watch_rig_collect(f);
	assert_non_null(
		strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "\"process\":[\"server:"));
	watch_rig_ends(f, SECONDS(240), 10);
	watch_rig_snapshot(f, SECONDS(240), &row, 1);
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_snapshot(f, SECONDS(241), &row, 1);
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "\"process\":[]"));
	watch_rig_unlistens(f, SECONDS(242), 1);
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
}

/* It ended, and its sockets are about to: they do not become those of nobody. */
static void test_socket_that_is_being_closed(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/bin/server";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_collect(f);
	watch_rig_ends(f, SECONDS(2), 10);
	row.tgid = 0;
	row.start = 0;
	watch_rig_snapshot(f, SECONDS(2), &row, 1);
	assert_int_equal(watch_rig_collect(f), 0);
	assert_true(watch_wants_snapshot(f->watch, SECONDS(3)));
	watch_rig_snapshot(f, SECONDS(3), &row, 1);
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"), "\"process\":[]"));
}

/* The same, but a snapshot falls between its end and the word of it. */
static void test_socket_that_is_closed_unheard(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/bin/server";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_collect(f);
	row.tgid = 0;
	row.start = 0;
	watch_rig_snapshot(f, SECONDS(2), &row, 1);
	watch_rig_ends(f, SECONDS(2), 10);
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_snapshot(f, SECONDS(3), &row, 1);
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_unlistens(f, SECONDS(3), 1);
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
}

/* The same, but it still has the descriptor, and can be read no more. */
static void test_socket_of_a_dying_process(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/bin/server";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_collect(f);
	watch_rig_ends(f, SECONDS(2), 10);
	f->exe[10] = NULL;
	watch_rig_snapshot(f, SECONDS(2), &row, 1);
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_unlistens(f, SECONDS(2), 1);
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
}

static void test_coverage(void **state)
{
	struct watch_rig *f = *state;
	json_t *value = json_pack("{s:s}", "state", "complete");

	watch_cover(f->watch, "tcp", value);
	assert_int_equal(watch_rig_collect(f), 1);
	assert_string_equal(watch_rig_value_of(f, "coverage tcp"), "{\"state\":\"complete\"}");
	watch_cover(f->watch, "tcp", value);
	assert_int_equal(watch_rig_collect(f), 0);
	json_decref(value);
}

static void test_own_namespace_only(void **state)
{
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);
	struct watch_rig *f;

	watch_rig_tear_down(state);
	watch_rig_set_up_with(state, (struct watch_config){ .own_netns_only = true });
	f = *state;
	f->exe[10] = "/usr/sbin/nginx";
	row.netns = OTHER;
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(watch_rig_collect(f), 0);
}

/* Whatever comes in whatever order: what is told at the end is what is there. */
static void test_random_order_converges(void **state)
{
	struct watch_rig *f = *state;
	uint32_t random = 11;

	f->exe[10] = "/usr/sbin/a";
	f->exe[11] = "/usr/sbin/b";
	for (int step = 0; step < 3000; step++) {
		uint32_t tgid = 10 + (random >> 9) % 2;
		uint64_t cookie = 1 + (random >> 11) % 5;
		struct instant now = SECONDS(step / 100.0);

		random = random * 1664525 + 1013904223;
		f->exe[tgid] = tgid == 10 ? "/usr/sbin/a" : "/usr/sbin/b";
		switch ((random >> 20) % 6) {
		case 0:
			watch_rig_listens(
				f, now, tgid, cookie, "0.0.0.0", (uint16_t)(80 + cookie % 2));
			break;
		case 1:
			watch_rig_unlistens(f, now, cookie);
			break;
		case 2:
			watch_rig_accepts(
				f, now, "10.0.0.1", (uint16_t)(80 + cookie % 2), "10.0.0.9");
			break;
		case 3:
			watch_rig_appears(f, now, tgid, tgid, f->exe[tgid]);
			watch_rig_connects(f, now, tgid, "10.0.0.2", (uint16_t)cookie,
				(random >> 25) % 2 * 111);
			break;
		case 4:
			watch_rig_ends(f, now, tgid);
			break;
		default:
			watch_tick(f->watch, now);
			if ((random >> 27) % 4 == 0)
				watch_rig_collect(f);
		}
	}
	for (uint64_t cookie = 1; cookie <= 5; cookie++)
		watch_rig_unlistens(f, SECONDS(40), cookie);
	watch_rig_snapshot(f, SECONDS(40), NULL, 0);
	watch_tick(f->watch, SECONDS(60));
	watch_walk_end(f->watch, SECONDS(1000000));
	watch_rig_collect(f);
	for (size_t i = 0; i < f->count; i++)
		assert_null(watch_rig_value_of(f, f->told[i].id));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_rig_set_up, watch_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_listener_is_told_at_once),
		TEST(test_what_comes_back_unchanged_is_no_news),
		TEST(test_other_namespace_is_in_the_key),
		TEST(test_dual_listener_takes_ipv4),
		TEST(test_single_v6_listener_takes_no_ipv4),
		TEST(test_holders_are_a_set),
		TEST(test_young_holder_is_read_again),
		TEST(test_old_holder_is_read_once),
		TEST(test_activated_socket_belongs_to_the_service),
		TEST(test_exec_changes_the_owner),
		TEST(test_udp_service_must_live_a_second),
		TEST(test_unix_listeners),
		TEST(test_first_process_may_be_a_server),
		TEST(test_socket_without_a_holder),
		TEST(test_socket_without_a_descriptor),
		TEST(test_socket_that_is_being_closed),
		TEST(test_socket_that_is_closed_unheard),
		TEST(test_socket_of_a_dying_process),
		TEST(test_coverage),
		TEST(test_own_namespace_only),
		TEST(test_random_order_converges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
