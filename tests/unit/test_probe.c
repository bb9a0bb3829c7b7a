// SPDX-License-Identifier: Apache-2.0
/* The socket for questions, on loopback: answers, refusals, and both at once. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cma/probe.h"
#include "wire/packet.h"

enum { WAIT_MS = 10000 };

struct rig {
	struct probe *probe;
	struct addr open, closed; /* somebody listens there, or nobody */
	int fd;
	size_t refusals, answers;
};

static int bound_socket(const char *address, struct addr *addr)
{
	const struct timeval wait = { .tv_sec = WAIT_MS / 1000 };
	struct sockaddr_storage at;
	socklen_t size;
	int fd;

	assert_int_equal(addr_parse(address, addr), 0);
	size = addr_to_sockaddr(addr, addr_is_v4(addr->ip) ? AF_INET : AF_INET6, &at);
	fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	size = sizeof(at);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(addr_from_sockaddr(&at, addr), 0);
	return fd;
}

static void open_rig(struct rig *rig, const char *listen, const char *host)
{
	struct addr at;

	*rig = (struct rig){ .refusals = 0 };
	assert_int_equal(addr_parse(listen, &at), 0);
	assert_int_equal(probe_open(&at, &rig->probe), 0);
	rig->fd = bound_socket(host, &rig->open);
	close(bound_socket(host, &rig->closed));
}

static void close_rig(struct rig *rig)
{
	close(rig->fd);
	probe_close(rig->probe);
}

static void ask(struct rig *rig, const struct addr *to, size_t size)
{
	uint8_t *room = inbound_room(probe_inbound(rig->probe));

	memset(room, 0, size);
	if (size) {
		room[0] = PACKET_BEAT;
		room[1] = PACKET_VERSION;
	}
	inbound_send(probe_inbound(rig->probe), to, size);
}

static void take_refusal(void *owner, const struct addr *refused)
{
	struct rig *rig = owner;

	rig->refusals++;
	assert_memory_equal(refused->ip, rig->closed.ip, sizeof(refused->ip));
	assert_int_equal(refused->port, rig->closed.port);
}

static void take_answer(void *owner, const struct addr *from, struct span datagram)
{
	struct rig *rig = owner;

	rig->answers++;
	assert_int_equal(from->port, rig->open.port);
	assert_int_equal(datagram.size, PACKET_BEAT_SIZE);
}

/* Until so many have come. */
static void wait_for(struct rig *rig, size_t refusals, size_t answers)
{
	struct pollfd ready = { inbound_fd(probe_inbound(rig->probe)), POLLIN, 0 };

	while (rig->refusals < refusals || rig->answers < answers) {
		assert_true(poll(&ready, 1, WAIT_MS) > 0);
		while (probe_refusals(rig->probe, take_refusal, rig))
			continue;
		while (inbound_receive(probe_inbound(rig->probe), take_answer, rig))
			continue;
	}
	assert_int_equal(rig->refusals, refusals);
	assert_int_equal(rig->answers, answers);
}

/* Sends back what it hears. */
static void answer(struct rig *rig, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sockaddr_storage from;
		socklen_t from_size = sizeof(from);
		uint8_t bytes[PACKET_MAX];
		ssize_t size = recvfrom(
			rig->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_size);

		assert_int_equal(size, PACKET_BEAT_SIZE);
		assert_int_equal(sendto(rig->fd, bytes, (size_t)size, 0, (struct sockaddr *)&from,
					 from_size),
			size);
	}
}

/*
 * Hosts without an agent among others: each is told of with the port that was asked, an empty
 * datagram is refused like any other, and no question of another host is lost for it.
 */
static void check_refusals(const char *listen, const char *host)
{
	enum { ROUNDS = 8 };
	struct rig rig;

	open_rig(&rig, listen, host);
	for (size_t i = 0; i < ROUNDS; i++) {
		ask(&rig, &rig.closed, i % 2 ? PACKET_BEAT_SIZE : 0);
		inbound_flush(probe_inbound(rig.probe));
		ask(&rig, &rig.open, PACKET_BEAT_SIZE);
		inbound_flush(probe_inbound(rig.probe));
	}
	answer(&rig, ROUNDS);
	/* Of ICMP a kernel sends but some at once: 50 (icmp_msgs_burst). */
	wait_for(&rig, ROUNDS, ROUNDS);
	assert_int_equal(probe_counters(rig.probe)->refused, ROUNDS);
	assert_int_equal(probe_counters(rig.probe)->others, 0);
	assert_int_equal(inbound_counters(probe_inbound(rig.probe))->unsent, 0);
	assert_int_equal(probe_refusals(rig.probe, take_refusal, &rig), 0);
	close_rig(&rig);
}

static void test_refusals(void **state)
{
	(void)state;
	check_refusals("127.0.0.1:1984", "127.0.0.1:0");
	check_refusals("0.0.0.0:1984", "127.0.0.1:0");
	check_refusals("[::1]:1984", "[::1]:0");
	/* A socket for both. */
	check_refusals("[::]:1984", "[::1]:0");
	check_refusals("[::]:1984", "127.0.0.1:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
