// SPDX-License-Identifier: Apache-2.0
/* The snapshot, and what the sensor does at its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <cap-ng.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sensor_rig.h"

static const struct event_row *unix_row(const struct rig *rig, const char *path)
{
	for (size_t i = 0; i < rig->row_count; i++)
		if (rig->rows[i].family == AF_UNIX && strcmp(rig->paths[i], path) == 0)
			return &rig->rows[i];
	return NULL;
}

static pid_t fork_holder(void)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	return child;
}

static void end_holder(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_older_than_sensor(void **state)
{
	int fd = rig_listener("127.0.0.1", 0), client, served;
	uint16_t port = rig_port(fd);
	struct rig *rig;
	const struct event_row *row;

	client = rig_connect(SOCK_STREAM, "127.0.0.1", port);
	served = accept(fd, NULL, NULL);
	*state = rig = rig_open(NULL);
	rig_snapshot(rig);
	row = rig_row(rig, getpid(), port);
	assert_non_null(row);
	assert_string_equal(rig_ip(row->local), "127.0.0.1");
	assert_int_equal(row->protocol, IPPROTO_TCP);
	assert_int_equal(row->uid, geteuid());
	assert_int_equal(row->netns, rig_netns());
	row = rig_row(rig, getpid(), rig_port(client));
	assert_non_null(row);
	assert_int_equal(row->state, TCP_ESTABLISHED);
	assert_int_equal(row->peer_port, port);
	assert_int_equal(row->flags & SOCKET_ACCEPTED, 0);
	for (size_t i = 0; i < rig->row_count; i++)
		if (rig->rows[i].local_port == port && rig->rows[i].peer_port)
			assert_true(rig->rows[i].flags & SOCKET_ACCEPTED);
	close(served);
	close(client);
	close(fd);
	assert_non_null(rig_unlisten(rig, WANT(.cookie = rig_row(rig, getpid(), port)->cookie)));
}

static void test_holders(void **state)
{
	struct rig *rig = *state;
	int shared = rig_listener("127.0.0.1", 0),
	    twin = rig_listener("127.0.0.1", rig_port(shared));
	const struct event_socket *told = rig_listen(rig, WANT(.port = rig_port(shared)));
	pid_t children[2] = { fork_holder(), fork_holder() };
	size_t same = 0, other = 0;

	assert_non_null(told);
	rig_snapshot(rig);
	for (size_t i = 0; i < rig->row_count; i++) {
		if (rig->rows[i].local_port != told->port)
			continue;
		same += rig->rows[i].cookie == told->cookie;
		other += rig->rows[i].cookie != told->cookie;
	}
	assert_int_equal(same, 3);
	assert_int_equal(other, 3);
	assert_non_null(rig_row(rig, children[1], told->port));
	end_holder(children[0]);
	assert_non_null(rig_exit(rig, WANT(.tgid = (uint32_t)children[0])));
	end_holder(children[1]);
	close(twin);
	close(shared);
}

static int unix_socket(int type, const char *name, size_t size)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	memcpy(at.sun_path, name, size);
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
		0);
	return fd;
}

static void test_unix(void **state)
{
	struct rig *rig = *state;
	char path[64];
	int stream, abstract, datagram;

	snprintf(path, sizeof(path), "/tmp/test-sensor-%d", getpid());
	stream = unix_socket(SOCK_STREAM, path, strlen(path) + 1);
	abstract = unix_socket(SOCK_SEQPACKET, "\0test-sensor", 12);
	datagram = unix_socket(SOCK_DGRAM, "\0test-datagram", 14);
	assert_int_equal(listen(stream, 1) | listen(abstract, 1), 0);
	rig_snapshot(rig);
	unlink(path);
	assert_non_null(unix_row(rig, path));
	assert_int_equal(unix_row(rig, path)->state, TCP_LISTEN);
	assert_int_equal(unix_row(rig, path)->tgid, getpid());
	assert_non_null(unix_row(rig, "@test-sensor"));
	assert_int_equal(unix_row(rig, "@test-sensor")->type, SOCK_SEQPACKET);
	assert_non_null(unix_row(rig, "@test-datagram"));
	close(stream);
	close(abstract);
	close(datagram);
}

static void count_edge(void *owner, const struct edge_key *key, const struct edge_value *value)
{
	(void)value;
	*(size_t *)owner += key->role == EDGE_SERVER;
}

/* Connections to as many addresses, so as many edges of each role. */
static void connect_to(uint16_t port, int fd, int count)
{
	char address[32];

	for (int i = 0; i < count; i++) {
		int client;

		snprintf(address, sizeof(address), "127.1.%d.%d", i / 250, i % 250 + 1);
		client = rig_connect(SOCK_STREAM, address, port);
		assert_true(client >= 0);
		close(accept(fd, NULL, NULL));
		close(client);
	}
}

static void test_full_table(void **state)
{
	struct sensor_config config = { .edges_max = 64 };
	struct rig *rig = *state = rig_open(&config);
	struct sensor_counters counters;
	int fd = rig_listener("0.0.0.0", 0);
	size_t server_edges = 0;

	connect_to(rig_port(fd), fd, 100);
	rig_settle(rig);
	sensor_counters(rig->sensor, &counters);
	assert_int_equal(counters.edges_full, 200 - 64);
	assert_int_equal(counters.ring_full, 0);
	assert_int_equal(rig_count_edges(rig, WANT(.port = rig_port(fd))), 200);
	assert_int_equal(sensor_walk_edges(rig->sensor, true, count_edge, &server_edges), 0);
	assert_in_range(server_edges, 1, 63);
	server_edges = 0;
	assert_int_equal(sensor_walk_edges(rig->sensor, false, count_edge, &server_edges), 0);
	assert_int_equal(server_edges, 0);
	close(fd);
}

static void test_full_ring(void **state)
{
	struct sensor_config config = { .ring_size = (uint32_t)sysconf(_SC_PAGESIZE) };
	struct rig *rig = *state = rig_open(&config);
	struct sensor_counters counters;
	int fd = rig_listener("0.0.0.0", 0);
	size_t server_edges = 0;

	connect_to(rig_port(fd), fd, 100);
	sensor_counters(rig->sensor, &counters);
	assert_true(counters.ring_full > 0);
	assert_int_equal(sensor_walk_edges(rig->sensor, false, count_edge, &server_edges), 0);
	assert_int_equal(server_edges, 100);
	/* Once there is room, everything is told again. */
	assert_non_null(rig_edge(rig, WANT(.port = rig_port(fd))));
	rig_settle(rig);
	close(fd);
}

static void test_two_sensors(void **state)
{
	struct rig *one = *state, *two = rig_open(NULL);
	int fd = rig_listener("127.0.0.1", 0);

	assert_non_null(rig_listen(one, WANT(.port = rig_port(fd))));
	assert_non_null(rig_listen(two, WANT(.port = rig_port(fd))));
	rig_close(two);
	rig_settle(one);
	close(fd);
}

/* In a child without the capability: what the features say about it. */
static int without(unsigned int capability, enum sensor_feature_id id, const char *why)
{
	struct sensor_config config = { .own_netns_only = true };
	struct sensor *sensor;
	char error[256];

	capng_get_caps_process();
	capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, capability);
	capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 ||
		sensor_open(&config, &sensor, error, sizeof(error)) < 0)
		return 1;
	if (sensor_feature(sensor, id)->attached ||
		strcmp(sensor_feature(sensor, id)->why, why) != 0) {
		fprintf(stderr, "why: %s\n", sensor_feature(sensor, id)->why);
		return 2;
	}
	sensor_close(sensor);
	return 0;
}

static void check_without(unsigned int capability, enum sensor_feature_id id, const char *why)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(without(capability, id, why));
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void test_missing_capabilities(void **state)
{
	(void)state;
	check_without(CAP_BPF, SENSOR_TCP, "needs CAP_BPF");
	check_without(CAP_PERFMON, SENSOR_SNAPSHOT, "needs CAP_PERFMON");
	check_without(CAP_NET_ADMIN, SENSOR_UDP_EDGE, "needs CAP_NET_ADMIN");
}

static void test_off(void **state)
{
	struct sensor_config config = { .off = 1U << SENSOR_TCP | 1U << SENSOR_UDP_SERVICE };
	struct rig *rig = *state = rig_open(&config);

	assert_string_equal(sensor_feature(rig->sensor, SENSOR_TCP)->why, "off");
	assert_false(sensor_feature(rig->sensor, SENSOR_TCP)->attached);
	assert_string_equal(sensor_feature(rig->sensor, SENSOR_UDP_EDGE)->why, "needs udp-service");
	assert_true(sensor_feature(rig->sensor, SENSOR_SNAPSHOT)->attached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_older_than_sensor, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(test_holders, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_unix, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_full_table, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(test_full_ring, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(test_two_sensors, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			test_missing_capabilities, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(test_off, rig_setup_namespace, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
