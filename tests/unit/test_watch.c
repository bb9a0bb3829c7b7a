// SPDX-License-Identifier: Apache-2.0
/* Events and snapshot rows in, facts out. Who a process is comes from a table in here. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/naming.h"
#include "agent/watch.h"
#include "base/addr.h"
#include "base/alloc.h"

enum { OWN = 100, OTHER = 200, FACTS_MAX = 4096, TOLD_MAX = 8192 };
#define SECONDS(n) ((struct instant){ (int64_t)((n)*1000) * NS_PER_MS })
#define BOOT	   UINT64_C(1000000000000) /* boot time of the snapshots, in ns */

struct told {
	char *id;    /* "section key" */
	char *value; /* NULL: gone */
};

struct fixture {
	struct watch *watch;
	const char *exe[64]; /* by tgid; NULL: it is gone */
	struct told told[TOLD_MAX];
	size_t count; /* told since the start or the last forget */
};

static struct process describe(const char *exe)
{
	const char *base = strrchr(exe, '/') + 1;

	return (struct process){ .exe = text_copy(exe),
		.cmdline = text_copy(base),
		.cmdline_size = (uint32_t)strlen(base) + 1,
		.netns = OWN };
}

static int fake_read(void *user, uint32_t tgid, uint64_t start, struct process *process)
{
	const struct fixture *f = user;

	(void)start;
	if (tgid >= 64 || !f->exe[tgid])
		return -ESRCH;
	*process = describe(f->exe[tgid]);
	process->uid = 33;
	return 0;
}

static void fake_captured(void *user, const struct event_workload *event, struct process *process)
{
	(void)user;
	*process = describe(event->path);
	process->transient = true;
}

static void fake_netns(void *user, uint32_t inode, char *to)
{
	(void)user;
	snprintf(to, NAMING_NETNS_SIZE, inode == OTHER ? "blue" : "%u", inode);
}

static int set_up_with(void **state, struct watch_config config)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));
	struct watch_source source = {
		.read = fake_read, .captured = fake_captured, .netns = fake_netns, .user = f
	};

	config.own_netns = OWN;
	f->watch = watch_new(&config, &source);
	*state = f;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, (struct watch_config){ .hold = true, .peers_max = 4 });
}

static void forget(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->told[i].id);
		free(f->told[i].value);
	}
	f->count = 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	forget(f);
	watch_free(f->watch);
	free(f);
	return 0;
}

/* Takes what there is to tell; returns how many facts. */
static size_t collect(struct fixture *f)
{
	size_t before = f->count;
	struct fact fact;

	while (watch_next(f->watch, &fact)) {
		struct told *told = &f->told[f->count++];

		assert_true(f->count < TOLD_MAX);
		told->id = text_format("%s %.*s", section_name(fact.section), (int)fact.key.size,
			(const char *)fact.key.data);
		told->value = fact.value.size
			? text_copy_n((const char *)fact.value.data, fact.value.size)
			: NULL;
	}
	return f->count - before;
}

/* The last value told for an id: NULL when never told or gone. Process hashes are cut off. */
static const char *value_of(const struct fixture *f, const char *id)
{
	const char *value = NULL;

	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(f->told[i].id, id))
			value = f->told[i].value;
	}
	return value;
}

static bool was_told(const struct fixture *f, const char *id)
{
	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(f->told[i].id, id))
			return true;
	}
	return false;
}

/* The name of the process that a tgid has, or had when it was gone too soon. */
static const char *name_of(const char *exe, bool transient, char *to)
{
	struct process process = describe(exe);

	process.uid = transient ? 0 : 33;
	naming_process(&process, "", to);
	process_free(&process);
	return to;
}

/* format has %s for the name of exe. */
#define ID(format, exe, transient)                                                        \
	__extension__({                                                                   \
		char name_[NAMING_PROCESS_SIZE];                                          \
		snprintf(f_id, sizeof(f_id), format, name_of((exe), (transient), name_)); \
		f_id;                                                                     \
	})
#define USE_ID char f_id[512]

static void set_ip(uint8_t ip[16], const char *text)
{
	assert_int_equal(addr_parse_ip(text, ip), 0);
}

static struct event_socket socket_event(
	uint32_t tgid, uint64_t cookie, const char *ip, uint16_t port)
{
	struct event_socket event = { .kind = EVENT_LISTEN,
		.tgid = tgid,
		.workload = tgid,
		.start = tgid,
		.cookie = cookie,
		.netns = OWN,
		.port = port,
		.protocol = IPPROTO_TCP,
		.flags = SOCKET_BOUND };

	set_ip(event.addr, ip);
	return event;
}

static void listens(struct fixture *f, struct instant now, uint32_t tgid, uint64_t cookie,
	const char *ip, uint16_t port)
{
	struct event_socket event = socket_event(tgid, cookie, ip, port);

	watch_listen(f->watch, now, &event);
}

static void unlistens(struct fixture *f, struct instant now, uint64_t cookie)
{
	struct event_socket event = { .kind = EVENT_UNLISTEN, .cookie = cookie };

	watch_unlisten(f->watch, now, &event);
}

static void appears(
	struct fixture *f, struct instant now, uint32_t tgid, uint64_t workload, const char *exe)
{
	struct event_workload event = { .kind = EVENT_WORKLOAD,
		.tgid = tgid,
		.start = tgid,
		.workload = workload,
		.netns = OWN };

	strcpy(event.path, exe);
	event.path_size = (uint16_t)strlen(exe);
	watch_workload(f->watch, now, &event);
}

static void ends(struct fixture *f, struct instant now, uint32_t tgid)
{
	struct event_exit event = { .kind = EVENT_EXIT, .tgid = tgid, .start = tgid };

	f->exe[tgid] = NULL;
	watch_exit(f->watch, now, &event);
}

static void connects(struct fixture *f, struct instant now, uint64_t workload, const char *ip,
	uint16_t port, uint32_t outcome)
{
	struct event_edge event = { .kind = EVENT_EDGE,
		.outcome = outcome,
		.key = { .workload = workload,
			.netns = OWN,
			.port = port,
			.protocol = IPPROTO_TCP,
			.role = EDGE_CLIENT } };

	set_ip(event.key.peer, ip);
	watch_edge(f->watch, now, &event);
}

static void accepts(
	struct fixture *f, struct instant now, const char *ip, uint16_t port, const char *peer)
{
	struct event_edge event = {
		.kind = EVENT_EDGE,
		.key = { .netns = OWN, .port = port, .protocol = IPPROTO_TCP, .role = EDGE_SERVER }
	};

	set_ip(event.key.local, ip);
	set_ip(event.key.peer, peer);
	watch_edge(f->watch, now, &event);
}

static struct event_row listen_row(uint32_t tgid, uint64_t cookie, const char *ip, uint16_t port)
{
	struct event_row row = { .cookie = cookie,
		.start = tgid,
		.netns = OWN,
		.tgid = tgid,
		.local_port = port,
		.protocol = IPPROTO_TCP,
		.family = AF_INET,
		.type = SOCK_STREAM,
		.state = TCP_LISTEN };

	set_ip(row.local, ip);
	return row;
}

static struct event_row connection_row(uint32_t tgid, const char *ip, uint16_t port,
	const char *peer, uint16_t peer_port, uint8_t flags)
{
	struct event_row row = listen_row(tgid, 1000 + port + peer_port, ip, port);

	set_ip(row.peer, peer);
	row.peer_port = peer_port;
	row.state = TCP_ESTABLISHED;
	row.flags = flags;
	return row;
}

static void snapshot(
	struct fixture *f, struct instant now, const struct event_row *rows, size_t count)
{
	watch_snapshot_begin(f->watch, now, BOOT);
	for (size_t i = 0; i < count; i++)
		watch_row(f->watch, now, &rows[i], "");
	watch_snapshot_end(f->watch, now, true);
}

static void test_listener_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	USE_ID;
	char expected[512], name[NAMING_PROCESS_SIZE];

	f->exe[10] = "/usr/sbin/nginx";
	appears(f, SECONDS(1), 10, 10, "/usr/sbin/nginx");
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	assert_int_equal(collect(f), 2);
	assert_memory_equal(f->told[0].id, "process nginx:", 14); /* before what refers to it */
	assert_string_equal(value_of(f, ID("process %s", "/usr/sbin/nginx", false)),
		"{\"cmdline\":[\"nginx\"],\"exe\":\"/usr/sbin/nginx\",\"gid\":0,\"uid\":33}");
	snprintf(expected, sizeof(expected),
		"{\"addr\":\"0.0.0.0\",\"port\":80,\"process\":[\"%s\"],\"proto\":\"tcp\"}",
		name_of("/usr/sbin/nginx", false, name));
	assert_string_equal(value_of(f, "listen tcp 0.0.0.0:80"), expected);
	assert_int_equal(collect(f), 0);
	unlistens(f, SECONDS(2), 1);
	assert_int_equal(collect(f), 2);
	assert_null(value_of(f, "listen tcp 0.0.0.0:80"));
	assert_null(value_of(f, ID("process %s", "/usr/sbin/nginx", false)));
}

static void test_what_comes_back_unchanged_is_no_news(void **state)
{
	struct fixture *f = *state;

	f->exe[10] = "/usr/sbin/nginx";
	listens(f, SECONDS(1), 10, 1, "::", 80);
	collect(f);
	unlistens(f, SECONDS(2), 1);
	listens(f, SECONDS(2), 10, 2, "::", 80);
	assert_int_equal(collect(f), 0);
}

static void test_other_namespace_is_in_the_key(void **state)
{
	struct fixture *f = *state;
	struct event_socket event = socket_event(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	listens(f, SECONDS(1), 10, 2, "0.0.0.0", 80);
	event.netns = OTHER;
	watch_listen(f->watch, SECONDS(1), &event);
	collect(f);
	assert_null(strstr(value_of(f, "listen tcp 0.0.0.0:80"), "netns"));
	assert_non_null(strstr(value_of(f, "listen tcp 0.0.0.0:80 blue"), "\"netns\":\"blue\""));
}

static void test_dual_listener_takes_ipv4(void **state)
{
	struct fixture *f = *state;
	struct event_socket event = socket_event(10, 1, "::", 80);

	f->exe[10] = "/usr/sbin/nginx";
	event.flags |= SOCKET_DUAL;
	watch_listen(f->watch, SECONDS(1), &event);
	accepts(f, SECONDS(1), "::ffff:10.0.0.1", 80, "::ffff:10.0.0.9");
	collect(f);
	assert_non_null(strstr(value_of(f, "listen tcp [::]:80"), "\"dual\":true"));
	assert_non_null(strstr(value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "nginx:"));
}

static void test_single_v6_listener_takes_no_ipv4(void **state)
{
	struct fixture *f = *state;

	f->exe[10] = "/usr/sbin/nginx";
	f->exe[11] = "/usr/sbin/apache2";
	listens(f, SECONDS(1), 10, 1, "::", 80);
	listens(f, SECONDS(1), 11, 2, "10.0.0.1", 80);
	accepts(f, SECONDS(1), "10.0.0.1", 80, "10.0.0.9");
	accepts(f, SECONDS(1), "10.0.0.2", 80, "10.0.0.9");
	accepts(f, SECONDS(1), "fd00::1", 80, "fd00::9");
	snapshot(f, SECONDS(1), NULL, 0);
	collect(f);
	assert_non_null(strstr(value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "apache2:"));
	assert_null(strstr(value_of(f, "inbound tcp 10.0.0.2:80<10.0.0.9"), "process"));
	assert_non_null(strstr(value_of(f, "inbound tcp [fd00::1]:80<fd00::9"), "nginx:"));
}

static void test_holders_are_a_set(void **state)
{
	struct fixture *f = *state;
	struct event_row rows[] = { listen_row(10, 1, "0.0.0.0", 80),
		listen_row(11, 1, "0.0.0.0", 80), listen_row(12, 1, "0.0.0.0", 80),
		listen_row(13, 2, "0.0.0.0", 80) };
	const char *value;

	f->exe[10] = "/usr/sbin/master";
	f->exe[11] = f->exe[12] = "/usr/sbin/worker";
	f->exe[13] = "/usr/sbin/reuser";
	snapshot(f, SECONDS(1), rows, 4);
	collect(f);
	value = value_of(f, "listen tcp 0.0.0.0:80");
	assert_true(strstr(value, "master:") < strstr(value, "reuser:"));
	assert_true(strstr(value, "reuser:") < strstr(value, "worker:"));
	assert_null(strstr(strstr(value, "worker:") + 1, "worker:"));
	ends(f, SECONDS(2), 11);
	assert_int_equal(collect(f), 0); /* the other worker is still there */
	ends(f, SECONDS(2), 12);
	collect(f);
	assert_null(strstr(value_of(f, "listen tcp 0.0.0.0:80"), "worker:"));
	unlistens(f, SECONDS(3), 2);
	collect(f);
	assert_null(strstr(value_of(f, "listen tcp 0.0.0.0:80"), "reuser:"));
}

static void test_activated_socket_belongs_to_the_service(void **state)
{
	struct fixture *f = *state;
	struct event_row rows[] = { listen_row(1, 1, "0.0.0.0", 22),
		listen_row(10, 1, "0.0.0.0", 22) };

	f->exe[1] = "/usr/lib/systemd/systemd";
	f->exe[10] = "/usr/sbin/sshd";
	listens(f, SECONDS(1), 1, 1, "0.0.0.0", 22);
	collect(f);
	assert_non_null(strstr(value_of(f, "listen tcp 0.0.0.0:22"), "\"process\":[\"systemd:"));
	snapshot(f, SECONDS(2), rows, 2);
	collect(f);
	assert_non_null(strstr(value_of(f, "listen tcp 0.0.0.0:22"), "\"process\":[\"sshd:"));
	assert_null(strstr(value_of(f, "listen tcp 0.0.0.0:22"), "systemd:"));
	assert_non_null(strstr(value_of(f, "listen tcp 0.0.0.0:22"), "\"activated\":true"));
}

static void test_exec_changes_the_owner(void **state)
{
	struct fixture *f = *state;

	f->exe[10] = "/usr/bin/wrapper";
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	collect(f);
	f->exe[10] = "/usr/sbin/nginx";
	appears(f, SECONDS(2), 10, 77, "/usr/sbin/nginx");
	collect(f);
	assert_non_null(strstr(value_of(f, "listen tcp 0.0.0.0:80"), "nginx:"));
}

static void test_two_misses_are_gone(void **state)
{
	struct fixture *f = *state;
	struct event_row row = listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	snapshot(f, SECONDS(1), &row, 1);
	collect(f);
	snapshot(f, SECONDS(60), NULL, 0);
	assert_int_equal(collect(f), 0);
	snapshot(f, SECONDS(120), &row, 1); /* an iterator skipped it */
	snapshot(f, SECONDS(180), NULL, 0);
	assert_int_equal(collect(f), 0);
	watch_snapshot_begin(f->watch, SECONDS(200), BOOT);
	watch_snapshot_end(f->watch, SECONDS(200), false); /* failed: says nothing */
	assert_int_equal(collect(f), 0);
	snapshot(f, SECONDS(240), NULL, 0);
	collect(f);
	assert_null(value_of(f, "listen tcp 0.0.0.0:80"));
	assert_true(was_told(f, "listen tcp 0.0.0.0:80"));
}

static void test_event_and_row_are_one_socket(void **state)
{
	struct fixture *f = *state;
	struct event_row row = listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(collect(f), 2);
	unlistens(f, SECONDS(2), 1);
	collect(f);
	assert_null(value_of(f, "listen tcp 0.0.0.0:80"));
}

static void test_short_client_is_transient(void **state)
{
	struct fixture *f = *state;
	USE_ID;

	for (uint32_t run = 0; run < 1000; run++) {
		struct instant now = SECONDS(1 + run);

		f->exe[10] = "/usr/bin/curl";
		appears(f, now, 10, 5000 + run, "/usr/bin/curl");
		connects(f, now, 5000 + run, "10.0.0.2", 80, EDGE_OK);
		if (!run)
			assert_int_equal(collect(f), 0);
		ends(f, now, 10);
	}
	assert_int_equal(collect(f), 2);
	assert_string_equal(value_of(f, ID("process %s", "/usr/bin/curl", true)),
		"{\"cmdline\":[\"curl\"],\"exe\":\"/usr/bin/curl\",\"gid\":0,\"transient\":true,"
		"\"uid\":0}");
	assert_non_null(value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/curl", true)));
}

static void test_long_client_is_read_after_a_second(void **state)
{
	struct fixture *f = *state;
	USE_ID;

	watch_snapshot_end(f->watch, SECONDS(0), true);
	f->exe[10] = "/usr/bin/psql";
	appears(f, SECONDS(1), 10, 10, "/usr/bin/psql");
	connects(f, SECONDS(1), 10, "fd00::2", 5432, EDGE_OK);
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(2).ns);
	watch_tick(f->watch, SECONDS(1.9));
	assert_int_equal(collect(f), 0);
	watch_tick(f->watch, SECONDS(2));
	assert_int_equal(collect(f), 2);
	assert_non_null(
		strstr(value_of(f, ID("client %s tcp [fd00::2]:5432", "/usr/bin/psql", false)),
			"\"addr\":\"fd00::2\",\"port\":5432,\"process\":\"psql:"));
	assert_non_null(strstr(value_of(f, f_id), "\"state\":\"ok\""));
	connects(f, SECONDS(3), 10, "10.0.0.3", 80, EDGE_OK); /* now known: at once */
	assert_int_equal(collect(f), 1);
}

static void test_exec_while_held_is_not_mixed_up(void **state)
{
	struct fixture *f = *state;
	USE_ID;

	f->exe[10] = "/usr/bin/sleep";
	appears(f, SECONDS(1), 10, 10, "/usr/bin/bash");
	connects(f, SECONDS(1), 10, "10.0.0.2", 80, EDGE_OK);
	watch_tick(f->watch, SECONDS(3));
	collect(f);
	assert_non_null(value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/bash", true)));
}

static void test_client_of_a_listener_is_not_held(void **state)
{
	struct fixture *f = *state;
	USE_ID;

	f->exe[10] = "/usr/sbin/nginx";
	appears(f, SECONDS(1), 10, 10, "/usr/sbin/nginx");
	connects(f, SECONDS(1), 10, "10.0.0.2", 8080, EDGE_OK);
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	collect(f);
	assert_non_null(value_of(f, ID("client %s tcp 10.0.0.2:8080", "/usr/sbin/nginx", false)));
}

static void test_states(void **state)
{
	static const struct {
		uint32_t outcome;
		const char *state;
	} states[] = { { EDGE_OK, "ok" }, { ECONNREFUSED, "refused" }, { ETIMEDOUT, "timeout" },
		{ EHOSTUNREACH, "unreachable" }, { ENETUNREACH, "unreachable" },
		{ ECONNRESET, "failed" }, { EDGE_ABANDONED, "failed" } };
	struct fixture *f = *state;

	f->exe[10] = "/usr/bin/app";
	appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		char wanted[64];

		forget(f);
		connects(f, SECONDS(3), 10, "10.0.0.2", (uint16_t)(100 + i), states[i].outcome);
		collect(f);
		snprintf(wanted, sizeof(wanted), "\"state\":\"%s\"", states[i].state);
		assert_non_null(strstr(f->told[f->count - 1].value, wanted));
	}
}

static void test_flapping_is_told_slowly(void **state)
{
	struct fixture *f = *state;
	USE_ID;
	size_t told = 0;

	f->exe[10] = "/usr/bin/app";
	appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	connects(f, SECONDS(2), 10, "10.0.0.2", 80, EDGE_OK);
	assert_int_equal(collect(f), 2);
	connects(f, SECONDS(3), 10, "10.0.0.2", 80, ECONNREFUSED); /* the first failure */
	assert_int_equal(collect(f), 1);
	for (int i = 0; i < 600; i++) {
		connects(f, SECONDS(4 + i / 10.0), 10, "10.0.0.2", 80,
			i % 2 ? ECONNREFUSED : EDGE_OK);
		watch_tick(f->watch, SECONDS(4 + i / 10.0));
		told += collect(f);
	}
	assert_true(told <= 6);
	connects(f, SECONDS(70), 10, "10.0.0.2", 80, EDGE_OK);
	watch_tick(f->watch, SECONDS(90));
	collect(f);
	assert_non_null(strstr(value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/app", false)),
		"\"state\":\"ok\""));
}

static void test_kept_back_state_is_told_later(void **state)
{
	struct fixture *f = *state;
	USE_ID;

	f->exe[10] = "/usr/bin/app";
	appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	connects(f, SECONDS(2), 10, "10.0.0.2", 80, EDGE_OK);
	connects(f, SECONDS(3), 10, "10.0.0.2", 80, ECONNREFUSED);
	connects(f, SECONDS(4), 10, "10.0.0.2", 80, EDGE_OK);
	collect(f);
	ID("client %s tcp 10.0.0.2:80", "/usr/bin/app", false);
	assert_non_null(strstr(value_of(f, f_id), "refused"));
	watch_tick(f->watch, SECONDS(14));
	collect(f);
	assert_non_null(strstr(value_of(f, f_id), "ok"));
	connects(f, SECONDS(15), 10, "10.0.0.2", 80, EDGE_ABANDONED); /* tells nothing */
	assert_int_equal(collect(f), 0);
}

static void test_inbound_waits_for_the_snapshot(void **state)
{
	struct fixture *f = *state;
	struct event_row row = listen_row(10, 1, "0.0.0.0", 80);

	f->exe[10] = "/usr/sbin/nginx";
	accepts(f, SECONDS(1), "10.0.0.1", 80, "10.0.0.9");
	accepts(f, SECONDS(1), "10.0.0.1", 81, "10.0.0.9");
	assert_int_equal(collect(f), 0);
	snapshot(f, SECONDS(1), &row, 1);
	collect(f);
	assert_non_null(strstr(value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "[\"nginx:"));
	assert_string_equal(value_of(f, "inbound tcp 10.0.0.1:81<10.0.0.9"),
		"{\"addr\":\"10.0.0.1\",\"peer\":\"10.0.0.9\",\"port\":81,\"proto\":\"tcp\"}");
}

static void test_inbound_follows_its_listener(void **state)
{
	struct fixture *f = *state;

	f->exe[10] = "/usr/sbin/nginx";
	f->exe[11] = "/usr/sbin/apache2";
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	accepts(f, SECONDS(1), "10.0.0.1", 80, "10.0.0.9");
	unlistens(f, SECONDS(2), 1);
	collect(f);
	/* The listener is gone; who connected to it while it was there is still true. */
	assert_non_null(strstr(value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "nginx:"));
	listens(f, SECONDS(3), 11, 2, "0.0.0.0", 80);
	collect(f);
	assert_non_null(strstr(value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "apache2:"));
}

static void test_older_connections_are_told(void **state)
{
	struct fixture *f = *state;
	struct event_row rows[] = {
		connection_row(10, "10.0.0.1", 5000, "10.0.0.2", 80, 0),
		connection_row(10, "10.0.0.1", 80, "10.0.0.9", 4000, SOCKET_ACCEPTED),
		listen_row(10, 1, "0.0.0.0", 80),
	};
	USE_ID;

	f->exe[10] = "/usr/sbin/nginx";
	snapshot(f, SECONDS(1), rows, 3);
	assert_int_equal(collect(f), 4);
	assert_non_null(value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/sbin/nginx", false)));
	assert_non_null(strstr(value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"), "nginx:"));
	snapshot(f, SECONDS(60), rows, 3);
	assert_int_equal(collect(f), 0);
}

static void test_young_process_in_a_snapshot_is_left_to_its_events(void **state)
{
	struct fixture *f = *state;
	struct event_row row = connection_row(10, "10.0.0.1", 5000, "10.0.0.2", 80, 0);

	f->exe[10] = "/usr/bin/curl";
	row.start = BOOT - NS_PER_SEC / 2;
	snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(collect(f), 0);
	row.start = BOOT - 2 * NS_PER_SEC;
	snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(collect(f), 2);
}

static void test_udp_service_must_live_a_second(void **state)
{
	struct fixture *f = *state;
	struct event_socket event = socket_event(10, 1, "0.0.0.0", 5353);

	f->exe[10] = "/usr/sbin/resolver";
	event.protocol = IPPROTO_UDP;
	for (uint64_t i = 0; i < 100; i++) {
		event.cookie = 10 + i;
		event.port = (uint16_t)(2000 + i);
		watch_listen(f->watch, SECONDS(1), &event);
		unlistens(f, SECONDS(1.1), event.cookie);
	}
	event.cookie = 1;
	event.port = 5353;
	watch_listen(f->watch, SECONDS(2), &event);
	watch_tick(f->watch, SECONDS(2.5));
	assert_int_equal(collect(f), 0);
	watch_tick(f->watch, SECONDS(3));
	assert_int_equal(collect(f), 2);
	assert_non_null(value_of(f, "listen udp 0.0.0.0:5353"));
	event.cookie = 2;
	event.port = 53;
	watch_listen(f->watch, SECONDS(3), &event); /* privileged: nobody does that by the way */
	collect(f);
	assert_non_null(value_of(f, "listen udp 0.0.0.0:53"));
}

static void test_answers_to_udp_clients_are_no_service(void **state)
{
	struct fixture *f = *state;
	struct event_edge event = {
		.kind = EVENT_EDGE,
		.key = { .netns = OWN, .port = 4000, .protocol = IPPROTO_UDP, .role = EDGE_SERVER }
	};

	snapshot(f, SECONDS(1), NULL, 0);
	set_ip(event.key.peer, "10.0.0.9");
	watch_edge(f->watch, SECONDS(1), &event);
	snapshot(f, SECONDS(60), NULL, 0);
	assert_int_equal(collect(f), 0);
}

static void test_unix_listeners(void **state)
{
	struct fixture *f = *state;
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
	assert_int_equal(collect(f), 4);
	assert_non_null(value_of(f, "listen unix /run/app?"));
	assert_non_null(strstr(value_of(f, "listen unix @abc"),
		"{\"addr\":\"@abc\",\"port\":0,\"process\":[\"app:"));
	assert_non_null(value_of(f, "listen unix /dev/log"));
}

static void test_many_peers_fold(void **state)
{
	struct fixture *f = *state;
	char peer[32];

	f->exe[10] = "/usr/sbin/nginx";
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	for (int i = 0; i < 20 * 20; i++) {
		snprintf(peer, sizeof(peer), "10.1.%d.%d", i / 20, i % 20);
		accepts(f, SECONDS(1), "10.0.0.1", 80, peer);
	}
	accepts(f, SECONDS(1), "10.0.0.1", 81, "10.1.9.9"); /* another service: not affected */
	snapshot(f, SECONDS(2), (struct event_row[]){ listen_row(10, 1, "0.0.0.0", 80) }, 1);
	collect(f);
	/* process, listen, 4 peers, 4 networks, the rest, and port 81 */
	assert_int_equal(f->count, 12);
	assert_non_null(value_of(f, "inbound tcp 10.0.0.1:80<10.1.0.3"));
	assert_non_null(strstr(value_of(f, "inbound tcp 10.0.0.1:80<10.1.0.0/24"),
		"\"folded\":true,\"peer\":\"10.1.0.0/24\",\"peers\":256,"));
	assert_non_null(
		strstr(value_of(f, "inbound tcp 10.0.0.1:80<0.0.0.0/0"), "\"peer\":\"0.0.0.0/0\""));
	assert_int_equal(watch_losses(f->watch).folded, 396);
}

static void test_many_targets_fold(void **state)
{
	struct fixture *f = *state;
	USE_ID;
	char peer[32];

	f->exe[10] = "/usr/bin/scan";
	appears(f, SECONDS(1), 10, 10, "/usr/bin/scan");
	watch_tick(f->watch, SECONDS(2));
	for (int i = 0; i < 40; i++) {
		snprintf(peer, sizeof(peer), "fd00:%x::1", i);
		connects(f, SECONDS(2), 10, peer, 22, EDGE_OK);
	}
	assert_int_equal(collect(f), 1 + 4 + 4 + 1);
	assert_non_null(value_of(f, ID("client %s tcp [fd00:4::/64]:22", "/usr/bin/scan", false)));
	assert_non_null(value_of(f, ID("client %s tcp 0.0.0.0/0:22", "/usr/bin/scan", false)));
}

static void test_unused_edges_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct edge_key key = { .workload = 10,
		.netns = OWN,
		.port = 80,
		.protocol = IPPROTO_TCP,
		.role = EDGE_CLIENT };
	struct edge_value value = { .count = 1 };
	USE_ID;

	f->exe[10] = "/usr/bin/app";
	set_ip(key.peer, "10.0.0.2");
	appears(f, SECONDS(1), 10, 10, "/usr/bin/app");
	watch_tick(f->watch, SECONDS(2));
	connects(f, SECONDS(2), 10, "10.0.0.2", 80, EDGE_OK);
	connects(f, SECONDS(2), 10, "10.0.0.3", 80, EDGE_OK);
	collect(f);
	watch_walk_edge(f->watch, SECONDS(50000), &key, &value);
	watch_walk_end(f->watch, SECONDS(50000));
	assert_int_equal(collect(f), 0);
	watch_walk_end(f->watch, SECONDS(90000));
	assert_int_equal(collect(f), 1);
	assert_null(value_of(f, ID("client %s tcp 10.0.0.3:80", "/usr/bin/app", false)));
	watch_walk_end(f->watch, SECONDS(150000));
	collect(f);
	assert_null(value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/app", false)));
	/* Nothing refers to the process any more. */
	assert_true(was_told(f, ID("process %s", "/usr/bin/app", false)));
	assert_null(value_of(f, f_id));
}

static void test_walk_finds_what_the_ring_lost(void **state)
{
	struct fixture *f = *state;
	struct edge_key key = {
		.netns = OWN, .port = 80, .protocol = IPPROTO_TCP, .role = EDGE_SERVER
	};
	struct edge_value value = { .count = 1 };

	f->exe[10] = "/usr/sbin/nginx";
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80);
	set_ip(key.local, "10.0.0.1");
	set_ip(key.peer, "10.0.0.9");
	watch_walk_edge(f->watch, SECONDS(2), &key, &value);
	value.outcome = EDGE_PENDING;
	key.port = 81;
	watch_walk_edge(f->watch, SECONDS(2), &key, &value);
	snapshot(f, SECONDS(2), (struct event_row[]){ listen_row(10, 1, "0.0.0.0", 80) }, 1);
	assert_int_equal(collect(f), 3);
	assert_non_null(value_of(f, "inbound tcp 10.0.0.1:80<10.0.0.9"));
}

static void test_unknown_workload_asks_for_a_snapshot(void **state)
{
	struct fixture *f = *state;

	snapshot(f, SECONDS(1), NULL, 0);
	connects(f, SECONDS(20), 99, "10.0.0.2", 80, EDGE_OK);
	assert_int_equal(collect(f), 0);
	assert_int_equal(watch_losses(f->watch).unowned, 1);
	assert_false(watch_wants_snapshot(f->watch, SECONDS(20.5)));
	assert_true(watch_wants_snapshot(f->watch, SECONDS(21)));
}

static void test_snapshots_come_in_time(void **state)
{
	struct fixture *f = *state;

	assert_true(watch_wants_snapshot(f->watch, SECONDS(0)));
	snapshot(f, SECONDS(0), NULL, 0);
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(60).ns);
	f->exe[10] = "/usr/sbin/nginx";
	listens(f, SECONDS(1), 10, 1, "0.0.0.0", 80); /* its workers come next */
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(5).ns);
	snapshot(f, SECONDS(6), NULL, 0);
	listens(f, SECONDS(20), 10, 2, "0.0.0.0", 0); /* the kernel chooses the port */
	assert_int_equal(watch_deadline(f->watch).ns, SECONDS(20.1).ns);
}

static void test_coverage(void **state)
{
	struct fixture *f = *state;
	json_t *value = json_pack("{s:s}", "state", "complete");

	watch_cover(f->watch, "tcp", value);
	assert_int_equal(collect(f), 1);
	assert_string_equal(value_of(f, "coverage tcp"), "{\"state\":\"complete\"}");
	watch_cover(f->watch, "tcp", value);
	assert_int_equal(collect(f), 0);
	json_decref(value);
}

static void test_own_namespace_only(void **state)
{
	struct event_row row = listen_row(10, 1, "0.0.0.0", 80);
	struct fixture *f;

	tear_down(state);
	set_up_with(state, (struct watch_config){ .own_netns_only = true });
	f = *state;
	f->exe[10] = "/usr/sbin/nginx";
	row.netns = OTHER;
	snapshot(f, SECONDS(1), &row, 1);
	assert_int_equal(collect(f), 0);
}

static void test_single_look_holds_nothing(void **state)
{
	struct fixture *f;
	USE_ID;

	tear_down(state);
	set_up_with(state, (struct watch_config){ .hold = false });
	f = *state;
	f->exe[10] = "/usr/bin/curl";
	appears(f, SECONDS(1), 10, 10, "/usr/bin/curl");
	connects(f, SECONDS(1), 10, "10.0.0.2", 80, EDGE_OK);
	assert_int_equal(collect(f), 2);
	assert_non_null(value_of(f, ID("client %s tcp 10.0.0.2:80", "/usr/bin/curl", false)));
}

/* Whatever comes in whatever order: what is told at the end is what is there. */
static void test_random_order_converges(void **state)
{
	struct fixture *f = *state;
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
			listens(f, now, tgid, cookie, "0.0.0.0", (uint16_t)(80 + cookie % 2));
			break;
		case 1:
			unlistens(f, now, cookie);
			break;
		case 2:
			accepts(f, now, "10.0.0.1", (uint16_t)(80 + cookie % 2), "10.0.0.9");
			break;
		case 3:
			appears(f, now, tgid, tgid, f->exe[tgid]);
			connects(f, now, tgid, "10.0.0.2", (uint16_t)cookie,
				(random >> 25) % 2 * 111);
			break;
		case 4:
			ends(f, now, tgid);
			break;
		default:
			watch_tick(f->watch, now);
			if ((random >> 27) % 4 == 0)
				collect(f);
		}
	}
	for (uint64_t cookie = 1; cookie <= 5; cookie++)
		unlistens(f, SECONDS(40), cookie);
	snapshot(f, SECONDS(40), NULL, 0);
	watch_tick(f->watch, SECONDS(60));
	watch_walk_end(f->watch, SECONDS(1000000));
	collect(f);
	for (size_t i = 0; i < f->count; i++)
		assert_null(value_of(f, f->told[i].id));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_listener_is_told_at_once),
		TEST(test_what_comes_back_unchanged_is_no_news),
		TEST(test_other_namespace_is_in_the_key),
		TEST(test_dual_listener_takes_ipv4),
		TEST(test_single_v6_listener_takes_no_ipv4),
		TEST(test_holders_are_a_set),
		TEST(test_activated_socket_belongs_to_the_service),
		TEST(test_exec_changes_the_owner),
		TEST(test_two_misses_are_gone),
		TEST(test_event_and_row_are_one_socket),
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
		TEST(test_udp_service_must_live_a_second),
		TEST(test_answers_to_udp_clients_are_no_service),
		TEST(test_unix_listeners),
		TEST(test_many_peers_fold),
		TEST(test_many_targets_fold),
		TEST(test_unused_edges_are_forgotten),
		TEST(test_walk_finds_what_the_ring_lost),
		TEST(test_unknown_workload_asks_for_a_snapshot),
		TEST(test_snapshots_come_in_time),
		TEST(test_coverage),
		TEST(test_own_namespace_only),
		TEST(test_single_look_holds_nothing),
		TEST(test_random_order_converges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
