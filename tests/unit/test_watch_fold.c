// SPDX-License-Identifier: Apache-2.0
/* More than there is room for: peers, addresses and targets fold into networks, and say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/watch_rig.h"

static void test_many_peers_fold(void **state)
{
	struct watch_rig *f = *state;
	char peer[32];

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	for (int i = 0; i < 20 * 20; i++) {
		snprintf(peer, sizeof(peer), "10.1.%d.%d", i / 20, i % 20);
		watch_rig_accepts(f, SECONDS(1), "10.0.0.1", 80, peer);
	}
	watch_rig_accepts(
		f, SECONDS(1), "10.0.0.1", 81, "10.1.9.9"); /* another service: not affected */
	watch_rig_snapshot(f, SECONDS(2),
		(struct event_row[]){ watch_rig_listen_row(10, 1, "0.0.0.0", 80) }, 1);
	watch_rig_collect(f);
	/* process, listen, 4 peers, 4 networks, the rest, and port 81 */
	assert_int_equal(f->count, 12);
	assert_non_null(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.1.0.3"));
	assert_non_null(strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.1.0.0/24"),
		"\"folded\":true,\"peer\":\"10.1.0.0/24\",\"peers\":256,"));
	assert_non_null(strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<0.0.0.0/0"),
		"\"peer\":\"0.0.0.0/0\""));
	assert_int_equal(watch_losses(f->watch).folded, 396);
}

/* AnyIP: a service on "any" that is reached at thousands of addresses. */
static void test_many_addresses_of_ours_fold(void **state)
{
	enum { LOCALS = 2000, PEERS_MAX = 4, RESTS_MAX = 64 };
	struct watch_rig *f = *state;
	size_t before;
	char local[32];

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	for (int i = 0; i < LOCALS; i++) {
		snprintf(local, sizeof(local), "10.2.%d.%d", i / 200, i % 200);
		watch_rig_accepts(f, SECONDS(1), local, 80, "10.1.0.9");
	}
	watch_rig_collect(f);
	/* process, listen, peers, networks, the rests of some addresses, that of all others */
	assert_int_equal(f->count, 2 + PEERS_MAX + PEERS_MAX + RESTS_MAX + 1);
	assert_non_null(watch_rig_value_of(f, "inbound tcp 10.2.0.3:80<10.1.0.9"));
	assert_non_null(watch_rig_value_of(f, "inbound tcp 10.2.0.7:80<10.1.0.0/24"));
	assert_non_null(watch_rig_value_of(f, "inbound tcp 10.2.0.71:80<0.0.0.0/0"));
	assert_non_null(strstr(watch_rig_value_of(f, "inbound tcp 0.0.0.0:80<0.0.0.0/0"),
		"{\"addr\":\"0.0.0.0\",\"folded\":true,\"peer\":\"0.0.0.0/0\",\"port\":80,"));
	assert_int_equal(watch_losses(f->watch).folded, LOCALS - PEERS_MAX);
	before = f->count;
	watch_rig_accepts(f, SECONDS(2), "10.2.9.9", 80, "10.1.7.7");
	assert_int_equal(watch_rig_collect(f), 0);
	assert_int_equal(f->count, before);
	watch_walk_end(f->watch, SECONDS(200000)); /* all of it is forgotten, and there is room */
	watch_rig_accepts(f, SECONDS(200000), "10.2.9.9", 80, "10.1.7.7");
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, "inbound tcp 0.0.0.0:80<0.0.0.0/0"));
	assert_non_null(watch_rig_value_of(f, "inbound tcp 10.2.9.9:80<10.1.7.7"));
}

static void test_many_targets_fold(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;
	char peer[32];

	f->exe[10] = "/usr/bin/scan";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/scan");
	watch_tick(f->watch, SECONDS(2));
	for (int i = 0; i < 40; i++) {
		snprintf(peer, sizeof(peer), "fd00:%x::1", i);
		watch_rig_connects(f, SECONDS(2), 10, peer, 22, EDGE_OK);
	}
	assert_int_equal(watch_rig_collect(f), 1 + 4 + 4 + 1);
	assert_non_null(watch_rig_value_of(
		f, ID("client %s tcp [fd00:4::/64]:22", "/usr/bin/scan", false)));
	assert_non_null(
		watch_rig_value_of(f, ID("client %s tcp 0.0.0.0/0:22", "/usr/bin/scan", false)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_rig_set_up, watch_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_many_peers_fold),
		TEST(test_many_addresses_of_ours_fold),
		TEST(test_many_targets_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
