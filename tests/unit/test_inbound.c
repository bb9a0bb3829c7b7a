// SPDX-License-Identifier: Apache-2.0
/* The CMA's socket on loopback: what the kernel lets through, and what it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cma/inbound.h"
#include "wire/packet.h"

struct ends {
	struct inbound *in;
	int fd;
	size_t taken;
	uint8_t last_type;
	size_t last_size;
};

static struct ends open_ends(const char *address, enum inbound_kind kind)
{
	struct ends ends = { .taken = 0 };
	struct sockaddr_storage at;
	struct addr addr;
	socklen_t size;

	assert_int_equal(addr_parse(address, &addr), 0);
	assert_int_equal(inbound_open(&addr, kind, &ends.in), 0);
	inbound_address(ends.in, &addr);
	size = addr_to_sockaddr(&addr, addr_is_v4(addr.ip) ? AF_INET : AF_INET6, &at);
	ends.fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(ends.fd >= 0);
	assert_int_equal(connect(ends.fd, (struct sockaddr *)&at, size), 0);
	return ends;
}

static void close_ends(struct ends *ends)
{
	close(ends->fd);
	inbound_close(ends->in);
}

static void take(void *owner, const struct addr *from, struct span datagram)
{
	struct ends *ends = owner;

	(void)from;
	ends->taken++;
	ends->last_type = datagram.size ? datagram.data[0] : 0;
	ends->last_size = datagram.size;
}

static bool comes_through(struct ends *ends, uint8_t type, uint8_t version, size_t size)
{
	uint8_t bytes[2 * PACKET_MAX] = { type, version };
	size_t before = ends->taken;

	assert_int_equal(send(ends->fd, bytes, size, 0), size);
	while (inbound_receive(ends->in, take, ends))
		continue;
	if (ends->taken == before)
		return false;
	assert_int_equal(ends->last_type, type);
	assert_int_equal(ends->last_size, size);
	return true;
}

static bool may_be_ours(enum inbound_kind kind, int type, int version, size_t size)
{
	if (version != PACKET_VERSION)
		return false;
	if (kind == INBOUND_ANSWERS)
		return (type == PACKET_BEAT && size == PACKET_BEAT_SIZE) ||
			(type == PACKET_ECHO && size == PACKET_ECHO_SIZE);
	return (type == PACKET_INIT && size == PACKET_INIT_SIZE) ||
		(type == PACKET_DATA && size >= PACKET_DATA_EXTRA && size <= PACKET_MAX);
}

static void check_filter(const char *address, enum inbound_kind kind)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 4, 24, 31, 32, 33, 44, 68, 108, 159, 160, 161,
		1231, 1232, 1233, 1234, 2000 };
	struct ends ends = open_ends(address, kind);
	uint64_t filtered = 0;

	for (int type = 0; type < 256; type += type < 10 ? 1 : 41) {
		for (int version = 0; version < 3; version++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
				bool ours = may_be_ours(kind, type, version, sizes[i]);

				assert_int_equal(comes_through(&ends, (uint8_t)type,
							 (uint8_t)version, sizes[i]),
					ours);
				filtered += !ours;
			}
		}
	}
	assert_int_equal(inbound_counters(ends.in)->filtered, filtered);
	assert_int_equal(inbound_counters(ends.in)->overflowed, 0);
	assert_int_equal(inbound_counters(ends.in)->received, ends.taken);
	close_ends(&ends);
}

static void test_filter(void **state)
{
	(void)state;
	check_filter("127.0.0.1:0", INBOUND_CALLS);
	check_filter("[::1]:0", INBOUND_CALLS);
	check_filter("127.0.0.1:0", INBOUND_ANSWERS);
	check_filter("[::1]:0", INBOUND_ANSWERS);
}

/* What does not fit any more is counted as that. */
static void test_overflow(void **state)
{
	enum { PLENTY = 400000 };
	struct ends ends = open_ends("127.0.0.1:0", INBOUND_CALLS);
	uint8_t bytes[PACKET_MAX] = { PACKET_DATA, PACKET_VERSION };
	const struct inbound_counters *counters = inbound_counters(ends.in);
	size_t sent = 0;

	(void)state;
	while (!counters->overflowed && sent < PLENTY) {
		assert_int_equal(send(ends.fd, bytes, sizeof(bytes), 0), sizeof(bytes));
		if (++sent % 256 == 0)
			inbound_counters(ends.in);
	}
	assert_true(counters->overflowed > 0);
	while (inbound_receive(ends.in, take, &ends))
		continue;
	print_message("%zu datagrams waited\n", ends.taken);
	assert_int_equal(ends.taken + counters->overflowed, sent);
	assert_int_equal(counters->filtered, 0);
	close_ends(&ends);
}

static void answer(void *owner, const struct addr *from, struct span datagram)
{
	struct inbound *in = owner;

	memcpy(inbound_room(in), datagram.data, datagram.size);
	inbound_send(in, from, datagram.size);
}

/* A connected socket takes an answer from the address that it called, and from no other. */
static bool is_answered(struct inbound *in, const char *called)
{
	uint8_t bytes[PACKET_DATA_EXTRA] = { PACKET_DATA, PACKET_VERSION }, got[PACKET_MAX];
	struct sockaddr_storage at;
	struct addr addr, bound;
	ssize_t size;
	int fd;

	inbound_address(in, &bound);
	assert_int_equal(addr_parse_ip(called, addr.ip), 0);
	addr.port = bound.port;
	size = addr_to_sockaddr(&addr, addr_is_v4(addr.ip) ? AF_INET : AF_INET6, &at);
	fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, (socklen_t)size), 0);
	assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	while (inbound_receive(in, answer, in))
		continue;
	inbound_flush(in);
	size = recv(fd, got, sizeof(got), MSG_DONTWAIT); /* on loopback it is there */
	close(fd);
	return size == sizeof(bytes) && !memcmp(got, bytes, sizeof(bytes));
}

static void check_answers(const char *listen, bool v6)
{
	struct addr addr;
	struct inbound *in;

	assert_int_equal(addr_parse(listen, &addr), 0);
	assert_int_equal(inbound_open(&addr, INBOUND_CALLS, &in), 0);
	for (int i = 0; i < 100; i++) { /* more addresses than are told apart: 64 */
		char *called autofree = text_format("127.0.1.%d", i + 1);

		assert_true(is_answered(in, called) == (i < (v6 ? 62 : 63)));
		assert_true(is_answered(in, "127.0.0.5"));
		if (v6)
			assert_true(is_answered(in, "::1"));
	}
	inbound_close(in);
}

/* What is bound to all addresses answers from the one that was called. */
static void test_answers_from_where_it_was_called(void **state)
{
	(void)state;
	check_answers("0.0.0.0:0", false);
	check_answers("[::]:0", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_answers_from_where_it_was_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
