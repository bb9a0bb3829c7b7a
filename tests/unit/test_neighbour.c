// SPDX-License-Identifier: Apache-2.0
/* Two sockets on loopback: beats both ways, a port that is taken, and what the kernel refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/neighbour.h"
#include "wire/ring_edge.h"

enum { INTERVAL_MS = 100, PATIENCE_MS = 20000 };

struct both {
	struct neighbour at[2];
};

static int setup(void **state)
{
	static struct both both;

	memset(&both, 0, sizeof(both));
	assert_int_equal(seal_init(), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(neighbour_open(&both.at[i], 0), 0);
		assert_int_not_equal(both.at[i].port, 0);
	}
	*state = &both;
	return 0;
}

static int teardown(void **state)
{
	struct both *both = *state;

	for (int i = 0; i < 2; i++)
		neighbour_close(&both->at[i]);
	return 0;
}

static void list(struct both *both, int which, const char *ip)
{
	uint8_t bytes[RING_EDGE_SIZE];
	struct ring_edge edge = { .edge = 9, .flags = which ? RING_EDGE_HIGH : 0 };
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct record_ring ring = { .version = 1, .interval_ms = INTERVAL_MS };

	assert_int_equal(addr_parse_ip(ip, edge.at.ip), 0);
	edge.at.port = both->at[!which].port;
	ring_edge_put(&w, &edge);
	ring.edges = writer_span(&w);
	assert_int_equal(ring_set(both->at[which].ring, instant_now(), &ring), 0);
}

/* Until the first sees that, or PATIENCE_MS are over. */
static bool sees(struct both *both, int count, enum sight wanted)
{
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	struct message_sight sight = { .sight = SIGHT_HEARD };

	while (instant_before(instant_now(), end)) {
		struct pollfd fds[2];

		for (int i = 0; i < count; i++) {
			fds[i] = (struct pollfd){ .fd = both->at[i].fd, .events = POLLIN };
			neighbour_run(&both->at[i], instant_now());
			while (ring_sight(both->at[i].ring, instant_now(), &sight) && !i) {
				if (sight.sight == wanted)
					return true;
			}
		}
		poll(fds, (nfds_t)count, INTERVAL_MS / 10);
	}
	return false;
}

static bool hear(struct both *both, uint64_t beats)
{
	const struct ring_counters *counters = ring_counters(both->at[0].ring);
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	uint64_t before = counters->heard;

	while (counters->heard < before + beats && instant_before(instant_now(), end)) {
		struct pollfd fds[2];

		for (int i = 0; i < 2; i++) {
			fds[i] = (struct pollfd){ .fd = both->at[i].fd, .events = POLLIN };
			neighbour_run(&both->at[i], instant_now());
		}
		poll(fds, 2, INTERVAL_MS / 10);
	}
	return counters->heard >= before + beats;
}

static void beats_at(struct both *both, const char *ip)
{
	for (int i = 0; i < 2; i++)
		list(both, i, ip);
	assert_true(hear(both, 5));
	/* It ends, and its kernel says that nobody is there. */
	neighbour_close(&both->at[1]);
	assert_true(sees(both, 1, SIGHT_REFUSED));
	assert_true(ring_counters(both->at[0].ring)->refused >= 2);
}

static void test_v4(void **state)
{
	beats_at(*state, "127.0.0.1");
}

static void test_v6(void **state)
{
	struct both *both = *state;

	if (both->at[0].family != AF_INET6)
		skip();
	beats_at(both, "::1");
}

/* Whoever cannot have the port that he wants takes any. */
static void test_taken(void **state)
{
	struct both *both = *state;
	struct neighbour third;

	assert_int_equal(neighbour_open(&third, both->at[0].port), 0);
	assert_int_not_equal(third.port, both->at[0].port);
	assert_int_not_equal(third.port, 0);
	neighbour_close(&third);
}

/*
 * As much junk as its socket holds, again and again: each time all of it is taken at once, and
 * counted, and that is all.
 */
static void test_flood(void **state)
{
	struct both *both = *state;
	struct sockaddr_storage to;
	struct addr at = { .port = both->at[0].port };
	socklen_t size;
	char junk[8];

	addr_parse_ip("127.0.0.1", at.ip);
	size = addr_to_sockaddr(&at, both->at[1].family, &to);
	for (int i = 0; i < 50000; i++) {
		sendto(both->at[1].fd, "junk", 4, 0, (struct sockaddr *)&to, size);
		if (i % 5000 == 4999) {
			neighbour_run(&both->at[0], instant_now());
			assert_int_equal(
				recv(both->at[0].fd, junk, sizeof(junk), MSG_DONTWAIT), -1);
		}
	}
	assert_in_range(ring_counters(both->at[0].ring)->malformed, 1000, 2560);
	assert_int_equal(ring_counters(both->at[0].ring)->heard, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_v4),
		TEST(test_v6),
		TEST(test_taken),
		TEST(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
