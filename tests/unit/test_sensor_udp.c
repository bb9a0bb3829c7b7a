// SPDX-License-Identifier: Apache-2.0
/* UDP: who serves, who is a client, and who only asks which address it would have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/sensor_rig.h"

static void send_to(int fd, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
}

/* The port that the datagram came from. */
static uint16_t receive_from(int fd)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	char byte;

	assert_int_equal(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &size), 1);
	return ntohs(from.sin_port);
}

/* A port on loopback that nobody has. */
static uint16_t free_port(void)
{
	int fd = rig_socket(SOCK_DGRAM, "127.0.0.1", 0);
	uint16_t port = rig_port(fd);

	close(fd);
	return port;
}

static void test_udp_service(void **state)
{
	struct rig *rig = *state;
	uint16_t port = free_port(), from;
	int service = rig_socket(SOCK_DGRAM, "0.0.0.0", port),
	    client = socket(AF_INET, SOCK_DGRAM, 0);
	const struct event_socket *told =
		rig_listen(rig, WANT(.port = port, .protocol = IPPROTO_UDP));
	const struct event_edge *edge;

	assert_non_null(told);
	assert_int_equal(told->tgid, getpid());
	assert_string_equal(rig_ip(told->addr), "0.0.0.0");
	send_to(client, port);
	from = receive_from(service);
	send_to(service, from);
	receive_from(client);
	edge = rig_edge(rig, WANT(.role = EDGE_SERVER, .port = port));
	assert_non_null(edge);
	assert_string_equal(rig_ip(edge->key.local), "0.0.0.0");
	assert_string_equal(rig_ip(edge->key.peer), "127.0.0.1");
	assert_non_null(rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = port)));
	close(service);
	assert_non_null(rig_unlisten(rig, WANT(.cookie = told->cookie)));
	assert_int_equal(rig_count_edges(rig, WANT(.protocol = IPPROTO_UDP)), 2);
	close(client);
}

static void test_udp_client(void **state)
{
	struct rig *rig = *state;
	uint16_t chosen = free_port(), answering, connected = free_port();
	int bound = rig_socket(SOCK_DGRAM, "127.0.0.1", chosen);
	int server = rig_socket(SOCK_DGRAM, "127.0.0.1", 0), client;

	/* A client on a chosen port, as ntpd is: who speaks first is the client. */
	answering = rig_port(server);
	send_to(bound, answering);
	receive_from(server);
	send_to(server, chosen);
	receive_from(bound);
	client = rig_connect(SOCK_DGRAM, "127.0.0.1", connected);
	assert_non_null(rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = connected)));
	assert_non_null(rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = answering)));
	assert_int_equal(rig_count_edges(rig, WANT(.role = EDGE_SERVER, .port = chosen)), 0);
	/* Port 0: the kernel chose, so it is no service. */
	rig_settle(rig);
	for (size_t i = 0; i < rig->listen_count; i++)
		assert_int_not_equal(rig->listens[i].port, answering);
	close(client);
	close(server);
	close(bound);
}

/* Of our own heartbeats only the socket is told; of somebody else's, and of all else, everything.
 */
static void test_heartbeats(void **state)
{
	const struct sensor_config ours = { .own_netns_only = true, .beating = (uint32_t)getpid() };
	const struct sensor_config others = { .own_netns_only = true, .beating = 1 };
	const int priority = BEAT_PRIORITY;
	uint16_t port = free_port();
	int beats = rig_socket(SOCK_DGRAM, "127.0.0.1", port);
	int peer = rig_socket(SOCK_DGRAM, "127.0.0.1", 0), client = socket(AF_INET, SOCK_DGRAM, 0);
	struct rig *rig = *state = rig_open(&ours);

	for (int others_turn = 0; others_turn < 2; others_turn++) {
		setsockopt(beats, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
		send_to(beats, rig_port(peer));
		receive_from(peer);
		send_to(peer, port);
		receive_from(beats);
		send_to(client, port);
		receive_from(beats);
		assert_non_null(rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = port)));
		rig_settle(rig);
		assert_int_equal(
			rig_count_edges(rig, WANT(.role = EDGE_CLIENT, .port = rig_port(peer))),
			others_turn);
		if (others_turn)
			break;
		assert_int_equal(rig_count_edges(rig, WANT(.role = EDGE_SERVER)), 0);
		rig_close(rig);
		*state = rig = rig_open(&others);
	}
	close(client);
	close(peer);
	close(beats);
}

/* Nor does a CMA need those whom it asks; who has no privilege cannot say that he is one. */
static void test_questions(void **state)
{
	const struct sensor_config config = { .own_netns_only = true };
	const int mark = HEARTBEAT_MARK;
	int peer = rig_socket(SOCK_DGRAM, "127.0.0.1", 0), client = socket(AF_INET, SOCK_DGRAM, 0);
	int cma = socket(AF_INET, SOCK_DGRAM, 0);
	struct rig *rig = *state = rig_open(&config);

	assert_int_equal(setsockopt(cma, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	send_to(cma, rig_port(peer));
	receive_from(peer);
	rig_settle(rig);
	assert_int_equal(
		rig_count_edges(rig, WANT(.role = EDGE_CLIENT, .port = rig_port(peer))), 0);
	send_to(client, rig_port(peer));
	assert_non_null(rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = rig_port(peer))));
	close(cma);
	close(client);
	close(peer);
}

static void test_udp_older_than_sensor(void **state)
{
	uint16_t port = free_port();
	int service = rig_socket(SOCK_DGRAM, "::", port);
	const struct event_row *row;
	struct rig *rig;

	*state = rig = rig_open(NULL);
	rig_snapshot(rig);
	row = rig_row(rig, getpid(), port);
	assert_non_null(row);
	assert_int_equal(row->flags, SOCKET_BOUND | SOCKET_DUAL);
	close(service);
	assert_non_null(rig_unlisten(rig, WANT(.cookie = row->cookie)));
}

/* The last outcome told of a client edge to that port; -1: none was. Waits for nothing. */
static long outcome_of(struct rig *rig, uint16_t port)
{
	rig_settle(rig);
	for (size_t i = rig->edge_count; i--;)
		if (rig->edges[i].key.role == EDGE_CLIENT && rig->edges[i].key.port == port)
			return rig->edges[i].outcome;
	return -1;
}

/* What getaddrinfo() does with an address. */
static void choose_source(int fd, const char *address, uint16_t port)
{
	struct sockaddr unspecified = { .sa_family = AF_UNSPEC };

	assert_int_equal(rig_reconnect(fd, address, port), 0);
	rig_port(fd);
	assert_int_equal(connect(fd, &unspecified, sizeof(unspecified)), 0);
}

/* False when it took so long that it may count as used: on a busy machine, try another port. */
static bool choose_quickly(uint16_t port)
{
	struct instant began = instant_now();
	int fd = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	choose_source(fd, "127.0.0.1", port);
	choose_source(fd, "127.0.0.2", port + 1);
	assert_int_equal(rig_reconnect(fd, "127.0.0.3", port + 2), 0);
	rig_port(fd);
	close(fd);
	assert_int_equal(rig_reconnect(six, "::1", port + 3), 0);
	rig_port(six);
	close(six);
	return instant_sub(instant_now(), began) < 4 * NS_PER_MS;
}

static void test_choosing_an_address_is_no_use(void **state)
{
	struct rig *rig = *state;
	uint16_t first = 4100;

	while (!choose_quickly(first))
		first += 4;
	for (uint16_t port = first; port < first + 4; port++)
		assert_int_equal(outcome_of(rig, port), EDGE_UNUSED);
}

static void test_failed_connect_is_no_use(void **state)
{
	struct rig *rig = *state;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	assert_int_equal(rig_reconnect(fd, "2001:db8::1", 4005), -ENETUNREACH);
	close(fd);
	assert_int_equal(outcome_of(rig, 4005), EDGE_UNUSED);
}

/* As echo x > /dev/udp/... does, and a program that asks for its name although it does not care. */
static void test_one_shot_is_a_use(void **state)
{
	struct rig *rig = *state;
	int plain = rig_connect(SOCK_DGRAM, "127.0.0.1", 4010),
	    asking = rig_connect(SOCK_DGRAM, "127.0.0.1", 4011), six;

	assert_int_equal(outcome_of(rig, 4010), EDGE_PENDING);
	assert_int_equal(write(plain, "x", 1), 1);
	close(plain);
	rig_port(asking);
	assert_int_equal(write(asking, "x", 1), 1);
	close(asking);
	six = rig_connect(SOCK_DGRAM, "::1", 4012);
	assert_int_equal(write(six, "x", 1), 1);
	close(six);
	for (uint16_t port = 4010; port <= 4012; port++)
		assert_int_equal(outcome_of(rig, port), EDGE_OK);
}

static void check_answered(struct rig *rig, const char *address)
{
	int service = rig_socket(SOCK_DGRAM, address, 0), client;
	uint16_t port = rig_port(service);
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char byte;

	client = rig_connect(SOCK_DGRAM, address, port);
	rig_port(client);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(recvfrom(service, &byte, 1, 0, (struct sockaddr *)&from, &size), 1);
	assert_int_equal(sendto(service, "y", 1, 0, (struct sockaddr *)&from, size), 1);
	assert_int_equal(read(client, &byte, 1), 1);
	close(client);
	assert_int_equal(outcome_of(rig, port), EDGE_OK);
	close(service);
}

static void test_answered_is_a_use(void **state)
{
	check_answered(*state, "127.0.0.1");
	check_answered(*state, "::1");
}

/* The two tries of one edge: the one that only chose does not take back the other. */
static void test_tries_of_one_edge_are_counted(void **state)
{
	struct rig *rig = *state;
	uint16_t port = 4300;
	int sender = rig_connect(SOCK_DGRAM, "127.0.0.1", port);

	while (!choose_quickly(port)) {
		close(sender);
		port += 4;
		sender = rig_connect(SOCK_DGRAM, "127.0.0.1", port);
	}
	assert_int_equal(outcome_of(rig, port), EDGE_PENDING);
	assert_int_equal(write(sender, "x", 1), 1);
	close(sender);
	assert_int_equal(outcome_of(rig, port), EDGE_OK);
	assert_int_equal(rig_count_edges(rig, WANT(.port = port)), 2);
	choose_quickly(port); /* along an edge that is known */
	assert_int_equal(outcome_of(rig, port), EDGE_OK);
	assert_int_equal(rig_count_edges(rig, WANT(.port = port)), 2);
}

static void test_any_is_ourselves(void **state)
{
	struct rig *rig = *state;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4030) };
	const struct event_edge *edge;

	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	edge = rig_edge(rig, WANT(.role = EDGE_CLIENT, .port = 4030));
	assert_non_null(edge);
	assert_string_equal(rig_ip(edge->key.peer), "127.0.0.1");
	assert_int_equal(rig_reconnect(fd, "127.0.0.1", 0), 0);
	close(fd);
	assert_int_equal(outcome_of(rig, 0), -1);
}

/* Nobody saw who spoke first: the service is older than the sensor, and the snapshot is to come. */
static void test_answer_of_an_older_service(void **state)
{
	int service = rig_socket(SOCK_DGRAM, "127.0.0.1", 1984);
	int client = rig_connect(SOCK_DGRAM, "127.0.0.1", 1984);
	const struct event_edge *edge;
	uint16_t from;
	struct rig *rig;

	assert_int_equal(write(client, "x", 1), 1);
	from = receive_from(service);
	*state = rig = rig_open(NULL);
	send_to(service, from);
	edge = rig_edge(rig, WANT(.role = EDGE_SERVER, .port = 1984));
	assert_non_null(edge);
	assert_string_equal(rig_ip(edge->key.local), "127.0.0.1");
	assert_string_equal(rig_ip(edge->key.peer), "127.0.0.1");
	assert_int_equal(outcome_of(rig, from), -1);
	close(client);
	close(service);
}

static void no_edge(void *owner, const struct edge_key *key, const struct edge_value *value)
{
	(void)owner, (void)key, (void)value;
}

/* The edge table is emptied between a question and its answer. */
static void test_answer_after_the_table_was_emptied(void **state)
{
	struct rig *rig = *state;
	int service = rig_socket(SOCK_DGRAM, "127.0.0.1", 1985);
	int client = rig_connect(SOCK_DGRAM, "127.0.0.1", 1985);
	uint16_t from;

	assert_int_equal(write(client, "x", 1), 1);
	from = receive_from(service);
	assert_int_equal(sensor_walk_edges(rig->sensor, true, no_edge, NULL), 0);
	send_to(service, from);
	assert_int_equal(outcome_of(rig, from), -1);
	assert_non_null(rig_edge(rig, WANT(.role = EDGE_SERVER, .port = 1985)));
	close(client);
	close(service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_udp_service, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_udp_client, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_heartbeats, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(test_questions, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(
			test_udp_older_than_sensor, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(
			test_choosing_an_address_is_no_use, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			test_failed_connect_is_no_use, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_one_shot_is_a_use, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_answered_is_a_use, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			test_tries_of_one_edge_are_counted, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_any_is_ourselves, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			test_answer_of_an_older_service, rig_setup_namespace, rig_teardown),
		cmocka_unit_test_setup_teardown(
			test_answer_after_the_table_was_emptied, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
