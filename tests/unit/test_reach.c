// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/reach.h"
#include "base/alloc.h"
#include "wire/packet.h"

enum { PATIENCE_MS = 20000, PLACES = 2 };

/* Two places where a CMA might be. */
struct bench {
	int places[PLACES];
	struct addr at[PLACES];
	struct reach reach;
};

static void open_place(struct bench *bench, int i)
{
	struct sockaddr_storage address;
	socklen_t size;

	addr_parse("127.0.0.1:1", &bench->at[i]);
	bench->at[i].port = 0;
	size = addr_to_sockaddr(&bench->at[i], AF_INET, &address);
	bench->places[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(bench->places[i], (struct sockaddr *)&address, size), 0);
	size = sizeof(address);
	assert_int_equal(getsockname(bench->places[i], (struct sockaddr *)&address, &size), 0);
	assert_int_equal(addr_from_sockaddr(&address, &bench->at[i]), 0);
}

static int setup(void **state)
{
	struct bench *bench = mem_alloc(1, sizeof(*bench));

	for (int i = 0; i < PLACES; i++)
		open_place(bench, i);
	*state = bench;
	return reach_open(&bench->reach, &bench->at[0]);
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	for (int i = 0; i < PLACES; i++)
		close(bench->places[i]);
	reach_close(&bench->reach);
	free(bench);
	return 0;
}

static void await(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
}

/* A datagram of this type goes to place i, and to no other; where it came from. */
static struct addr goes_to(struct bench *bench, uint8_t type, int i)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	struct addr addr;
	uint8_t got;

	reach_send(&bench->reach, SPAN(&type, 1));
	await(bench->places[i]);
	assert_int_equal(
		recvfrom(bench->places[i], &got, 1, 0, (struct sockaddr *)&from, &size), 1);
	assert_int_equal(got, type);
	assert_true(recv(bench->places[!i], &got, 1, 0) < 0);
	assert_int_equal(addr_from_sockaddr(&from, &addr), 0);
	return addr;
}

static void comes_from(struct bench *bench, int i, struct addr agent)
{
	struct sockaddr_storage to;
	socklen_t size;
	uint8_t got;

	addr_parse("127.0.0.1:1", &bench->reach.from);
	memcpy(agent.ip, bench->at[i].ip, sizeof(agent.ip));
	size = addr_to_sockaddr(&agent, AF_INET, &to);
	assert_int_equal(sendto(bench->places[i], "x", 1, 0, (struct sockaddr *)&to, size), 1);
	await(bench->reach.fd);
	assert_int_equal(reach_receive(&bench->reach, &got, 1), 1);
	assert_memory_equal(&bench->reach.from, &bench->at[i], sizeof(bench->at[i]));
}

static void test_goes_to_the_configured_address(void **state)
{
	struct bench *bench = *state;

	goes_to(bench, PACKET_INIT, 0);
	goes_to(bench, PACKET_DATA, 0);
	assert_memory_equal(reach_address(&bench->reach), &bench->at[0], sizeof(bench->at[0]));
}

/* Only what was genuine counts, and the next call begins at the configured address again. */
static void test_follows_the_genuine(void **state)
{
	struct bench *bench = *state;
	struct addr agent = goes_to(bench, PACKET_INIT, 0);

	comes_from(bench, 1, agent);
	goes_to(bench, PACKET_DATA, 0);
	reach_follow(&bench->reach);
	goes_to(bench, PACKET_DATA, 1);
	assert_memory_equal(reach_address(&bench->reach), &bench->at[1], sizeof(bench->at[1]));
	goes_to(bench, PACKET_INIT, 0);
	comes_from(bench, 0, agent);
	goes_to(bench, PACKET_DATA, 1);
	reach_follow(&bench->reach);
	goes_to(bench, PACKET_DATA, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_goes_to_the_configured_address),
		CASE(test_follows_the_genuine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
