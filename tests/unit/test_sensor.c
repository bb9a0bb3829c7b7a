// SPDX-License-Identifier: Apache-2.0
/* TCP as the sensor tells it, with real sockets in a namespace of this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "tests/unit/sensor_rig.h"

enum { SHORT_LIVED = 1000 };

static void own_path(char *to, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", to, size - 1);

	assert_true(length > 0);
	to[length] = '\0';
}

static void test_features(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < SENSOR_FEATURE_COUNT; i++) {
		const struct sensor_feature *feature = sensor_feature(rig->sensor, i);

		if (!feature->attached && i != SENSOR_REFLECT_TC && i != SENSOR_REFLECT_XDP)
			fail_msg("%s: %s", feature->name, feature->why);
	}
}

static void test_listener(void **state)
{
	struct rig *rig = *state;
	int fd = rig_listener("127.0.0.1", 0);
	const struct event_socket *listen = rig_listen(rig, WANT(.port = rig_port(fd)));
	const struct event_workload *workload = NULL;
	char path[4096], told[EVENT_PATH_SIZE + 1];

	assert_non_null(listen);
	assert_int_equal(listen->protocol, IPPROTO_TCP);
	assert_string_equal(rig_ip(listen->addr), "127.0.0.1");
	assert_int_equal(listen->tgid, getpid());
	assert_int_equal(listen->netns, rig_netns());
	assert_int_equal(listen->flags & SOCKET_DUAL, 0);
	workload = rig_workload(rig, WANT(.workload = listen->workload));
	assert_non_null(workload);
	assert_int_equal(workload->tgid, getpid());
	assert_int_equal(workload->uid, geteuid());
	own_path(path, sizeof(path));
	sensor_exe_path(workload, told, sizeof(told));
	assert_string_equal(told, path);
	assert_string_equal(workload->argv, program_invocation_name);
	close(fd);
	assert_non_null(rig_unlisten(rig, WANT(.cookie = listen->cookie)));
}

static void test_connection(void **state)
{
	struct rig *rig = *state;
	int fd = rig_listener("127.0.0.1", 0);
	uint16_t port = rig_port(fd);
	const struct event_edge *edge;

	for (int i = 0; i < 2; i++) {
		int client = rig_connect(SOCK_STREAM, "127.0.0.1", port);

		assert_true(client >= 0);
		close(accept(fd, NULL, NULL));
		close(client);
	}
	edge = rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = port));
	assert_non_null(edge);
	assert_string_equal(rig_ip(edge->key.peer), "127.0.0.1");
	assert_int_equal(edge->outcome, EDGE_OK);
	assert_non_null(rig_workload(rig, WANT(.workload = edge->key.workload)));
	edge = rig_edge(rig, WANT(.role = EDGE_SERVER, .port = port));
	assert_non_null(edge);
	assert_string_equal(rig_ip(edge->key.local), "127.0.0.1");
	assert_string_equal(rig_ip(edge->key.peer), "127.0.0.1");
	rig_settle(rig);
	assert_int_equal(rig_count_edges(rig, WANT(.port = port)), 2);
	close(fd);
}

static void test_refused_then_served(void **state)
{
	struct rig *rig = *state;
	int fd = rig_socket(SOCK_STREAM, "127.0.0.1", 0), client;
	uint16_t port = rig_port(fd);
	const struct event_edge *edge;

	assert_int_equal(rig_connect(SOCK_STREAM, "127.0.0.1", port), -ECONNREFUSED);
	assert_int_equal(rig_connect(SOCK_STREAM, "127.0.0.1", port), -ECONNREFUSED);
	edge = rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = port));
	assert_non_null(edge);
	assert_int_equal(edge->outcome, ECONNREFUSED);
	assert_int_equal(listen(fd, 1), 0);
	client = rig_connect(SOCK_STREAM, "127.0.0.1", port);
	assert_true(client >= 0);
	rig_settle(rig);
	edge = rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = port));
	assert_int_equal(edge->outcome, EDGE_OK);
	assert_int_equal(rig_count_edges(rig, WANT(.role = EDGE_CLIENT, .port = port)), 2);
	close(client);
	close(fd);
}

static void test_abandoned(void **state)
{
	struct rig *rig = *state;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const struct event_edge *edge;
	int fd = rig_listener("127.0.0.1", 0);
	uint16_t port = rig_port(fd);

	/* A full backlog lets the handshake hang. */
	assert_int_equal(listen(fd, 0), 0);
	to.sin_port = htons(port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 3; i++) {
		client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(client, (struct sockaddr *)&to, sizeof(to));
	}
	close(client);
	rig_settle(rig);
	edge = rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = port));
	assert_non_null(edge);
	assert_int_equal(edge->outcome, EDGE_ABANDONED);
	close(fd);
}

static void test_mapped(void **state)
{
	struct rig *rig = *state;
	int fd = rig_listener("::", 0), v4, v6;
	uint16_t port = rig_port(fd);
	const struct event_socket *listen = rig_listen(rig, WANT(.port = port));
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	assert_non_null(listen);
	assert_true(listen->flags & SOCKET_DUAL);
	assert_string_equal(rig_ip(listen->addr), "::");
	v4 = rig_connect(SOCK_STREAM, "127.0.0.1", port);
	assert_true(v4 >= 0);
	assert_int_equal(addr_parse_ip("127.0.0.1", to.sin6_addr.s6_addr), 0);
	v6 = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(connect(v6, (struct sockaddr *)&to, sizeof(to)), 0);
	rig_settle(rig);
	assert_int_equal(rig_count_edges(rig, WANT(.role = EDGE_CLIENT, .port = port)), 1);
	assert_int_equal(rig_count_edges(rig, WANT(.role = EDGE_SERVER, .port = port)), 1);
	assert_string_equal(
		rig_ip(rig_edge(rig, WANT(.port = port, .role = EDGE_SERVER))->key.local),
		"127.0.0.1");
	close(v4);
	close(v6);
	close(fd);
}

static void test_io_uring(void **state)
{
	struct rig *rig = *state;
	int fd = rig_listener("127.0.0.1", 0), client = socket(AF_INET, SOCK_STREAM, 0);
	uint16_t port = rig_port(fd);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct io_uring ring;
	struct io_uring_cqe *done;
	const struct event_edge *edge;

	if (io_uring_queue_init(4, &ring, 0) < 0) {
		print_message("io_uring is off here\n");
		skip();
	}
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	io_uring_prep_connect(io_uring_get_sqe(&ring), client, (struct sockaddr *)&to, sizeof(to));
	assert_int_equal(io_uring_submit(&ring), 1);
	assert_int_equal(io_uring_wait_cqe(&ring, &done), 0);
	assert_int_equal(done->res, 0);
	edge = rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = port));
	assert_non_null(edge);
	assert_int_equal(rig_workload(rig, WANT(.workload = edge->key.workload))->tgid, getpid());
	io_uring_queue_exit(&ring);
	close(client);
	close(fd);
}

/* Runs this program again as "PROGRAM connect PORT NUMBER", see main. */
static pid_t start_client(uint16_t port, int number)
{
	char port_text[8], number_text[16];
	pid_t child;

	snprintf(port_text, sizeof(port_text), "%u", port);
	snprintf(number_text, sizeof(number_text), "%d", number);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", program_invocation_name, "connect", port_text, number_text,
			NULL);
		_exit(127);
	}
	return child;
}

static void test_short_lived(void **state)
{
	struct rig *rig = *state;
	int fd = rig_listener("127.0.0.1", 0);
	uint16_t port = rig_port(fd);
	bool seen[SHORT_LIVED] = { false };
	char path[4096], told[EVENT_PATH_SIZE + 1];
	size_t attributed = 0;

	own_path(path, sizeof(path));
	for (int i = 0; i < SHORT_LIVED; i++) {
		pid_t child = start_client(port, i);
		int status;

		close(accept(fd, NULL, NULL));
		waitpid(child, &status, 0);
		assert_int_equal(status, 0);
		assert_non_null(rig_exit(rig, WANT(.tgid = (uint32_t)child)));
	}
	rig_settle(rig);
	for (size_t i = 0; i < rig->edge_count; i++) {
		const struct event_edge *edge = &rig->edges[i];
		const struct event_workload *who;
		const char *number;

		if (edge->key.role != EDGE_CLIENT || edge->key.port != port)
			continue;
		who = rig_workload(rig, WANT(.workload = edge->key.workload));
		assert_non_null(who);
		sensor_exe_path(who, told, sizeof(told));
		assert_string_equal(told, path);
		number = who->argv + strlen(program_invocation_name) + 1 + strlen("connect") + 1;
		number += strlen(number) + 1;
		assert_false(seen[atoi(number)]);
		seen[atoi(number)] = true;
		attributed++;
	}
	assert_int_equal(attributed, SHORT_LIVED);
	close(fd);
}

static void test_exec_and_exit(void **state)
{
	struct rig *rig = *state;
	int fd = rig_listener("127.0.0.1", 0);
	uint16_t port = rig_port(fd);
	const struct event_workload *workload;
	size_t told = 0;
	pid_t child = fork();

	if (child == 0) {
		char port_text[8];

		snprintf(port_text, sizeof(port_text), "%u", port);
		close(rig_connect(SOCK_STREAM, "127.0.0.1", port));
		execl("/proc/self/exe", "other", "connect", port_text, "again", NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	assert_non_null(rig_exit(rig, WANT(.tgid = (uint32_t)child)));
	workload = rig_workload(rig, WANT(.tgid = (uint32_t)child));
	assert_string_equal(workload->argv, "other");
	for (size_t i = 0; i < rig->workload_count; i++)
		told += rig->workloads[i].tgid == (uint32_t)child;
	assert_int_equal(told, 2);
	close(fd);
}

static void test_other_namespace(void **state)
{
	struct rig *rig = *state;
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		close(rig_listener("127.0.0.1", 0));
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	rig_settle(rig);
	assert_int_equal(rig->listen_count, 1);
	assert_int_equal(rig->listens[0].tgid, getpid());
}

/* What main does for start_client. */
static int connect_once(const char *port)
{
	int fd = rig_connect(SOCK_STREAM, "127.0.0.1", (uint16_t)atoi(port));

	return fd < 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_features, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_listener, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_connection, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_refused_then_served, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_abandoned, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_mapped, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_io_uring, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_short_lived, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_exec_and_exit, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_other_namespace, rig_setup, rig_teardown),
	};

	if (argc > 2)
		return connect_once(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
