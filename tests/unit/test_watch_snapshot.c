// SPDX-License-Identifier: Apache-2.0
/* When a snapshot is due, and what it says about sockets that it misses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/watch_rig.h"

static void test_two_misses_are_gone(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_collect(f);
	watch_rig_snapshot(f, SECONDS(60), NULL, 0);
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_snapshot(f, SECONDS(120), &row, 1); /* an iterator skipped it */
	watch_rig_snapshot(f, SECONDS(180), NULL, 0);
	assert_int_equal(watch_rig_collect(f), 0);
	watch_snapshot_begin(f->watch, SECONDS(200), BOOT);
	watch_snapshot_end(f->watch, SECONDS(200), false); /* failed: says nothing */
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_snapshot(f, SECONDS(240), NULL, 0);
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
	assert_true(watch_rig_was_told(f, "listen tcp 0.0.0.0:80"));
}

static void test_missed_once_without_holders_is_gone(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_ends(f, SECONDS(20), 10);
	assert_true(watch_wants_snapshot(f->watch, SECONDS(20)));
	watch_rig_collect(f);
	assert_non_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80")); /* handed on, perhaps */
	watch_rig_snapshot(f, SECONDS(20), NULL, 0);
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
}

static void test_first_miss_asks_again_soon(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_snapshot(f, SECONDS(60), NULL, 0);
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(61).ns);
}

static void test_event_and_row_are_one_socket(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(watch_rig_collect(f), 2);
	watch_rig_unlistens(f, SECONDS(2), 1);
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "listen tcp 0.0.0.0:80"));
}

static void test_snapshots_come_in_time(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	assert_true(watch_wants_snapshot(f->watch, SECONDS(0)));
	watch_rig_snapshot(f, SECONDS(0), NULL, 0);
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(60).ns);
	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80); /* its workers come next */
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(2).ns);
	watch_rig_snapshot(f, SECONDS(6), &row, 1);
	watch_rig_listens(f, SECONDS(20), 10, 2, "0.0.0.0", 0); /* the kernel chooses the port */
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(20.1).ns);
	watch_snapshot_begin(f->watch, SECONDS(21), BOOT); /* takes 100 ms: a pause of 10 s */
	watch_row(f->watch, SECONDS(21), &row, "");
	watch_snapshot_end(f->watch, SECONDS(21.1), true);
	watch_rig_listens(f, SECONDS(22), 10, 3, "0.0.0.0", 0);
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(31.1).ns);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_rig_set_up, watch_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_two_misses_are_gone),
		TEST(test_missed_once_without_holders_is_gone),
		TEST(test_first_miss_asks_again_soon),
		TEST(test_event_and_row_are_one_socket),
		TEST(test_snapshots_come_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
