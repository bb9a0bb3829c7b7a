// SPDX-License-Identifier: Apache-2.0
/* Who talks to whom: events and snapshot rows in, facts out. */
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

static void test_short_client_is_transient(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;

	for (uint32_t run = 0; run < 1000; run++) {
		struct instant now = SECONDS(1 + run);

		f->exe[10] = "/usr/bin/curl";
		watch_rig_appears(f, now, 10, 5000 + run, "/usr/bin/curl");
		watch_rig_connects(f, now, 5000 + run, "10.0.0.2", 80, EDGE_OK);
		if (!run)
			assert_int_equal(watch_rig_collect(f), 0);
		watch_rig_ends(f, now, 10);
	}
	assert_int_equal(watch_rig_collect(f), 2);
	assert_string_equal(watch_rig_value_of(f, ID("process %s", "/usr/bin/curl", true)),
		"{\"cmdline\":[\"curl\"],\"exe\":\"/usr/bin/curl\",\"gid\":0,\"transient\":true,"
		"\"uid\":0}");
	assert_non_null(
		watch_rig_value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/curl", true)));
}

static void test_long_client_is_read_after_a_second(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;

	watch_snapshot_end(f->watch, SECONDS(0), true);
	f->exe[10] = "/usr/bin/psql";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/psql");
	watch_rig_connects(f, SECONDS(1), 10, "fd00::2", 5432, EDGE_OK);
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(2).ns);
	watch_tick(f->watch, SECONDS(1.9));
	assert_int_equal(watch_rig_collect(f), 0);
	watch_tick(f->watch, SECONDS(2));
	assert_int_equal(watch_rig_collect(f), 2);
	assert_non_null(strstr(
		watch_rig_value_of(f, ID("client %s tcp [fd00::2]:5432", "/usr/bin/psql", false)),
		"\"addr\":\"fd00::2\",\"port\":5432,\"process\":\"psql:"));
	assert_non_null(strstr(watch_rig_value_of(f, f_id), "\"state\":\"ok\""));
	watch_rig_connects(f, SECONDS(3), 10, "10.0.0.3", 80, EDGE_OK); /* now known: at once */
	assert_int_equal(watch_rig_collect(f), 1);
}

static void test_exec_while_held_is_not_mixed_up(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;

	f->exe[10] = "/usr/bin/sleep";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/bash");
	watch_rig_connects(f, SECONDS(1), 10, "10.0.0.2", 80, EDGE_OK);
	watch_tick(f->watch, SECONDS(3));
	watch_rig_collect(f);
	assert_non_null(
		watch_rig_value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/bash", true)));
}

static void test_client_of_a_listener_is_not_held(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/sbin/nginx");
	watch_rig_connects(f, SECONDS(1), 10, "10.0.0.2", 8080, EDGE_OK);
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	watch_rig_collect(f);
	assert_non_null(
		watch_rig_value_of(f, ID("client %s tcp 10.0.0.2:8080", "/usr/sbin/nginx", false)));
}

static void test_states(void **state)
{
	static const struct {
		uint32_t outcome;
		const char *state;
	} states[] = { { EDGE_OK, "ok" }, { ECONNREFUSED, "refused" }, { ETIMEDOUT, "timeout" },
		{ EHOSTUNREACH, "unreachable" }, { ENETUNREACH, "unreachable" },
		{ ECONNRESET, "failed" }, { EDGE_ABANDONED, "failed" } };
	struct watch_rig *f = *state;

	f->exe[10] = "/usr/bin/app";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		char wanted[64];

		watch_rig_forget(f);
		watch_rig_connects(
			f, SECONDS(3), 10, "10.0.0.2", (uint16_t)(100 + i), states[i].outcome);
		watch_rig_collect(f);
		snprintf(wanted, sizeof(wanted), "\"state\":\"%s\"", states[i].state);
		assert_non_null(strstr(f->told[f->count - 1].value, wanted));
	}
}

static void test_flapping_is_told_slowly(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;
	size_t told = 0;

	f->exe[10] = "/usr/bin/app";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	watch_rig_connects(f, SECONDS(2), 10, "10.0.0.2", 80, EDGE_OK);
	assert_int_equal(watch_rig_collect(f), 2);
	watch_rig_connects(f, SECONDS(3), 10, "10.0.0.2", 80, ECONNREFUSED); /* the first failure */
	assert_int_equal(watch_rig_collect(f), 1);
	for (int i = 0; i < 600; i++) {
		watch_rig_connects(f, SECONDS(4 + i / 10.0), 10, "10.0.0.2", 80,
			i % 2 ? ECONNREFUSED : EDGE_OK);
		watch_tick(f->watch, SECONDS(4 + i / 10.0));
		told += watch_rig_collect(f);
	}
	assert_true(told <= 6);
	watch_rig_connects(f, SECONDS(70), 10, "10.0.0.2", 80, EDGE_OK);
	watch_tick(f->watch, SECONDS(90));
	watch_rig_collect(f);
	assert_non_null(strstr(
		watch_rig_value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/app", false)),
		"\"state\":\"ok\""));
}

static void test_kept_back_state_is_told_later(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;

	f->exe[10] = "/usr/bin/app";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	watch_rig_connects(f, SECONDS(2), 10, "10.0.0.2", 80, EDGE_OK);
	watch_rig_connects(f, SECONDS(3), 10, "10.0.0.2", 80, ECONNREFUSED);
	watch_rig_connects(f, SECONDS(4), 10, "10.0.0.2", 80, EDGE_OK);
	watch_rig_collect(f);
	ID("client %s tcp 10.0.0.2:80", "/usr/bin/app", false);
	assert_non_null(strstr(watch_rig_value_of(f, f_id), "refused"));
	watch_tick(f->watch, SECONDS(14));
	watch_rig_collect(f);
	assert_non_null(strstr(watch_rig_value_of(f, f_id), "ok"));
	watch_rig_connects(f, SECONDS(15), 10, "10.0.0.2", 80, EDGE_ABANDONED); /* tells nothing */
	assert_int_equal(watch_rig_collect(f), 0);
}

static void test_inbound_waits_for_the_snapshot(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_accepts(f, SECONDS(1), "10.0.0.1", 80, "10.0.0.9");
	watch_rig_accepts(f, SECONDS(1), "10.0.0.1", 81, "10.0.0.9");
	assert_int_equal(watch_rig_collect(f), 0);
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	watch_rig_collect(f);
	assert_non_null(
		strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "[\"nginx:"));
	assert_string_equal(watch_rig_value_of(f, "inbound tcp 10.0.0.1:81<10.0.0.9"),
		"{\"addr\":\"10.0.0.1\",\"peer\":\"10.0.0.9\",\"port\":81,\"proto\":\"tcp\"}");
}

static void test_inbound_follows_its_listener(void **state)
{
	struct watch_rig *f = *state;

	f->exe[10] = "/usr/sbin/nginx";
	f->exe[11] = "/usr/sbin/apache2";
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	watch_rig_accepts(f, SECONDS(1), "10.0.0.1", 80, "10.0.0.9");
	watch_rig_unlistens(f, SECONDS(2), 1);
	watch_rig_collect(f);
	/* The listener is gone; who connected to it while it was there is still true. */
	assert_non_null(
		strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "nginx:"));
	watch_rig_listens(f, SECONDS(3), 11, 2, "0.0.0.0", 80);
	watch_rig_collect(f);
	assert_non_null(
		strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "apache2:"));
}

static void test_older_connections_are_told(void **state)
{
	struct watch_rig *f = *state;
	struct event_row rows[] = {
		watch_rig_connection_row(10, "10.0.0.1", 5000, "10.0.0.2", 80, 0),
		watch_rig_connection_row(10, "10.0.0.1", 80, "10.0.0.9", 4000, SOCKET_ACCEPTED),
		watch_rig_listen_row(10, 1, "0.0.0.0", 80),
	};
	USE_ID;

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_snapshot(f, SECONDS(1), rows, 3);
	assert_int_equal(watch_rig_collect(f), 4);
	assert_non_null(
		watch_rig_value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/sbin/nginx", false)));
	assert_non_null(
		strstr(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "nginx:"));
	watch_rig_snapshot(f, SECONDS(60), rows, 3);
	assert_int_equal(watch_rig_collect(f), 0);
}

static void test_young_process_in_a_snapshot_is_left_to_its_events(void **state)
{
	struct watch_rig *f = *state;
	struct event_row row = watch_rig_connection_row(10, "10.0.0.1", 5000, "10.0.0.2", 80, 0);

	f->exe[10] = "/usr/bin/curl";
	row.start = BOOT + NS_PER_SEC / 2;
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(watch_rig_collect(f), 0);
	/* Before the first snapshot there was nobody to be told by events. */
	row.start = BOOT - NS_PER_SEC / 2;
	watch_rig_snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(watch_rig_collect(f), 2);
}

static void test_answers_to_udp_clients_are_no_service(void **state)
{
	struct watch_rig *f = *state;
	struct event_edge event = {
		.kind = EVENT_EDGE,
		.key = { .netns = OWN, .port = 4000, .protocol = IPPROTO_UDP, .role = EDGE_SERVER }
	};

	watch_rig_snapshot(f, SECONDS(1), NULL, 0);
	watch_rig_set_ip(event.key.peer, "10.0.0.9");
	watch_edge(f->watch, SECONDS(1), &event);
	watch_rig_snapshot(f, SECONDS(60), NULL, 0);
	assert_int_equal(watch_rig_collect(f), 0);
}

static void test_unused_edges_are_forgotten(void **state)
{
	struct watch_rig *f = *state;
	struct edge_key key = { .workload = 10,
		.netns = OWN,
		.port = 80,
		.protocol = IPPROTO_TCP,
		.role = EDGE_CLIENT };
	struct edge_value value = { .count = 1 };
	USE_ID;

	f->exe[10] = "/usr/bin/app";
	watch_rig_set_ip(key.peer, "10.0.0.2");
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	watch_rig_connects(f, SECONDS(2), 10, "10.0.0.2", 80, EDGE_OK);
	watch_rig_connects(f, SECONDS(2), 10, "10.0.0.3", 80, EDGE_OK);
	watch_rig_collect(f);
	watch_walk_edge(f->watch, SECONDS(50000), &key, &value);
	watch_walk_end(f->watch, SECONDS(50000));
	assert_int_equal(watch_rig_collect(f), 0);
	watch_walk_end(f->watch, SECONDS(90000));
	assert_int_equal(watch_rig_collect(f), 1);
	assert_null(watch_rig_value_of(f, ID("client %s tcp 10.0.0.3:80", "/usr/bin/app", false)));
	watch_walk_end(f->watch, SECONDS(150000));
	watch_rig_collect(f);
	assert_null(watch_rig_value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/app", false)));
	/* Nothing refers to the process any more. */
	assert_true(watch_rig_was_told(f, ID("process %s", "/usr/bin/app", false)));
	assert_null(watch_rig_value_of(f, f_id));
}

static void test_walk_finds_what_the_ring_lost(void **state)
{
	struct watch_rig *f = *state;
	struct edge_key key = {
		.netns = OWN, .port = 80, .protocol = IPPROTO_TCP, .role = EDGE_SERVER
	};
	struct edge_value value = { .count = 1 };

	f->exe[10] = "/usr/sbin/nginx";
	watch_rig_listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	watch_rig_set_ip(key.local, "10.0.0.1");
	watch_rig_set_ip(key.peer, "10.0.0.9");
	watch_walk_edge(f->watch, SECONDS(2), &key, &value);
	value.outcome = EDGE_PENDING;
	key.port = 81;
	watch_walk_edge(f->watch, SECONDS(2), &key, &value);
	watch_rig_snapshot(f, SECONDS(2),
		(struct event_row[]){ watch_rig_listen_row(10, 1, "0.0.0.0", 80) }, 1);
	assert_int_equal(watch_rig_collect(f), 3);
	assert_non_null(watch_rig_value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"));
}

static void test_unknown_workload_asks_for_a_snapshot(void **state)
{
	struct watch_rig *f = *state;

	watch_rig_snapshot(f, SECONDS(1), NULL, 0);
	watch_rig_connects(f, SECONDS(20), 99, "10.0.0.2", 80, EDGE_OK);
	assert_int_equal(watch_rig_collect(f), 0);
	assert_int_equal(watch_losses(f->watch).unowned, 1);
	assert_false(watch_wants_snapshot(f->watch, SECONDS(20.5)));
	assert_true(watch_wants_snapshot(f->watch, SECONDS(21)));
}

static void test_single_look_holds_nothing(void **state)
{
	struct watch_rig *f;
	USE_ID;

	watch_rig_tear_down(state);
	watch_rig_set_up_with(state, (struct watch_config){ .hold = false });
	f = *state;
	f->exe[10] = "/usr/bin/curl";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/curl");
	watch_rig_connects(f, SECONDS(1), 10, "10.0.0.2", 80, EDGE_OK);
	assert_int_equal(watch_rig_collect(f), 2);
	assert_non_null(
		watch_rig_value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/curl", false)));
}

static void udp_edge(
	struct watch_rig *f, struct instant now, const char *ip, uint16_t port, uint32_t outcome)
{
	struct event_edge event = { .kind = EVENT_EDGE, .outcome = outcome };

	memset(&event.key, 0, sizeof(event.key)); /* the whole of its union */
	event.key.workload = 10;
	event.key.netns = OWN;
	event.key.port = port;
	event.key.protocol = IPPROTO_UDP;
	event.key.role = EDGE_CLIENT;
	watch_rig_set_ip(event.key.peer, ip);
	watch_edge(f->watch, now, &event);
}

static void test_udp_connect_alone_is_no_client(void **state)
{
	struct watch_rig *f = *state;
	USE_ID;

	f->exe[10] = "/usr/bin/statsd";
	watch_rig_snapshot(f, SECONDS(1), NULL, 0);
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/statsd");
	/* In the first second, in which it is not known who it is, too. */
	udp_edge(f, SECONDS(1), "10.0.0.1", 80, EDGE_PENDING);
	udp_edge(f, SECONDS(1), "10.0.0.1", 80, EDGE_UNUSED);
	watch_tick(f->watch, SECONDS(2.1));
	watch_tick(f->watch, SECONDS(3));
	assert_int_equal(watch_rig_collect(f), 0);
	udp_edge(f, SECONDS(4), "10.0.0.1", 8125, EDGE_PENDING);
	udp_edge(f, SECONDS(4), "10.0.0.2", 8125, EDGE_PENDING);
	udp_edge(f, SECONDS(4), "10.0.0.3", 514, EDGE_PENDING);
	udp_edge(f, SECONDS(4), "10.0.0.2", 8125, EDGE_UNUSED);
	udp_edge(f, SECONDS(4), "10.0.0.3", 514, EDGE_OK);
	udp_edge(f, SECONDS(4), "0.0.0.0", 22, EDGE_OK);
	udp_edge(f, SECONDS(4), "::", 22, EDGE_OK);
	udp_edge(f, SECONDS(4), "10.0.0.4", 0, EDGE_OK);
	assert_int_equal(watch_rig_collect(f), 2); /* the process and who was used for sure */
	assert_non_null(
		watch_rig_value_of(f, ID("client %s udp 10.0.0.3:514", "/usr/bin/statsd", false)));
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(4.05).ns);
	watch_tick(f->watch, SECONDS(4.05));
	assert_int_equal(watch_rig_collect(f), 1);
	assert_non_null(
		watch_rig_value_of(f, ID("client %s udp 10.0.0.1:8125", "/usr/bin/statsd", false)));
}

static void test_too_many_udp_connects_are_told(void **state)
{
	struct watch_rig *f = *state;

	f->exe[10] = "/usr/bin/statsd";
	watch_rig_appears(f, SECONDS(1), 10, 10, "/usr/bin/statsd");
	watch_tick(f->watch, SECONDS(2));
	for (uint16_t port = 1; port <= 300; port++)
		udp_edge(f, SECONDS(2), "10.0.0.1", port, EDGE_PENDING);
	assert_int_equal(watch_rig_collect(f), 1 + 300 - 256);
}

/* A server that connects a socket of its port to each of its clients. */
static void test_bound_udp_row_is_inbound(void **state)
{
	struct watch_rig *f = *state;
	struct event_row rows[] = { watch_rig_connection_row(
					    10, "10.0.0.1", 1984, "10.0.0.9", 49238, SOCKET_BOUND),
		watch_rig_connection_row(10, "10.0.0.1", 68, "10.0.0.8", 67, SOCKET_BOUND) };
	USE_ID;

	f->exe[10] = "/usr/bin/serves";
	for (size_t i = 0; i < 2; i++) {
		rows[i].protocol = IPPROTO_UDP;
		rows[i].type = SOCK_DGRAM;
	}
	watch_rig_snapshot(f, SECONDS(1), rows, 2);
	assert_int_equal(watch_rig_collect(f), 3);
	assert_non_null(watch_rig_value_of(f, "inbound udp 10.0.0.1:1984<10.0.0.9"));
	assert_non_null(
		watch_rig_value_of(f, ID("client %s udp 10.0.0.8:67", "/usr/bin/serves", false)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_rig_set_up, watch_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_udp_connect_alone_is_no_client),
		TEST(test_too_many_udp_connects_are_told),
		TEST(test_bound_udp_row_is_inbound),
		TEST(test_short_client_is_transient),
		TEST(test_long_client_is_read_after_a_second),
		TEST(test_exec_while_held_is_not_mixed_up),
		TEST(test_client_of_a_listener_is_not_held),
		TEST(test_states),
		TEST(test_flapping_is_told_slowly),
		TEST(test_kept_back_state_is_told_later),
		TEST(test_inbound_waits_for_the_snapshot),
		TEST(test_inbound_follows_its_listener),
		TEST(test_older_connections_are_told),
		TEST(test_young_process_in_a_snapshot_is_left_to_its_events),
		TEST(test_answers_to_udp_clients_are_no_service),
		TEST(test_unused_edges_are_forgotten),
		TEST(test_walk_finds_what_the_ring_lost),
		TEST(test_unknown_workload_asks_for_a_snapshot),
		TEST(test_single_look_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
