// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/ipc.h"
#include "agent/request.h"

static void test_exactly_one_request(void **state)
{
	const struct sense_request sent = { .op = SENSE_RESNAPSHOT };
	union request got = { .op = 0 };
	int ends[2];

	(void)state;
	assert_int_equal(ipc_pair(ends), 0);
	assert_int_equal(request_receive(ends[1], &got), -EAGAIN);
	assert_int_equal(ipc_send(ends[0], SPAN(&sent, sizeof(sent)), -1), 0);
	assert_int_equal(request_receive(ends[1], &got), 1);
	assert_memory_equal(&got.plain, &sent, sizeof(sent));
	for (size_t size = 1; size < 3 * sizeof(sent); size++) {
		uint8_t bytes[3 * sizeof(sent)] = { SENSE_RESNAPSHOT };

		if (size == sizeof(sent))
			continue;
		assert_int_equal(ipc_send(ends[0], SPAN(bytes, size), -1), 0);
		assert_int_equal(request_receive(ends[1], &got), -EPROTO);
	}
	close(ends[0]);
	assert_int_equal(request_receive(ends[1], &got), 0);
	close(ends[1]);
}

/* A command has a size of its own, and only that. */
static void test_exactly_one_command(void **state)
{
	struct sense_command sent = { .op = SENSE_COMMAND, .size = 3, .warrant = "abc" };
	struct span warrant;
	union request got = { .op = 0 };
	int ends[2];

	(void)state;
	assert_int_equal(ipc_pair(ends), 0);
	assert_int_equal(ipc_send(ends[0], SPAN(&sent, sizeof(sent)), -1), 0);
	assert_int_equal(request_receive(ends[1], &got), 1);
	assert_int_equal(request_warrant(&got.command, &warrant), 0);
	assert_true(span_equal(warrant, SPAN_TEXT("abc")));
	for (size_t size = 1; size < sizeof(sent); size++) {
		assert_int_equal(ipc_send(ends[0], SPAN(&sent, size), -1), 0);
		assert_int_equal(request_receive(ends[1], &got), -EPROTO);
	}
	sent.op = SENSE_ENROLLED;
	assert_int_equal(ipc_send(ends[0], SPAN(&sent, sizeof(sent)), -1), 0);
	assert_int_equal(request_receive(ends[1], &got), -EPROTO);
	sent.warrant[3] = 1;
	assert_int_equal(request_warrant(&sent, &warrant), -EPROTO);
	sent.size = 0;
	assert_int_equal(request_warrant(&sent, &warrant), -EPROTO);
	sent.size = WARRANT_MAX + 1;
	assert_int_equal(request_warrant(&sent, &warrant), -EPROTO);
	close(ends[0]);
	close(ends[1]);
}

static void test_a_descriptor_is_odd_and_not_kept(void **state)
{
	const struct sense_request sent = { .op = SENSE_RESNAPSHOT };
	union request got = { .op = 0 };
	int ends[2], before, after;

	(void)state;
	assert_int_equal(ipc_pair(ends), 0);
	before = dup(0);
	close(before);
	assert_int_equal(ipc_send(ends[0], SPAN(&sent, sizeof(sent)), ends[0]), 0);
	assert_int_equal(request_receive(ends[1], &got), -EPROTO);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	close(ends[0]);
	close(ends[1]);
}

static void test_any_argument_shows(void **state)
{
	(void)state;
	for (size_t at = sizeof(uint32_t); at < sizeof(struct sense_request); at++) {
		struct sense_request request = { .op = SENSE_ENROLLED };

		assert_true(request_is_bare(&request));
		((uint8_t *)&request)[at] = 1;
		assert_false(request_is_bare(&request));
	}
}

/* A burst is served at once; then as much as the credit that comes back. */
static void test_a_flood_waits(void **state)
{
	struct instant now = { 5 * NS_PER_SEC };
	const struct instant until = instant_add(now, 100 * NS_PER_SEC);
	struct request_meter meter;
	int served = 0;

	(void)state;
	request_meter_init(&meter, now);
	while (instant_before(now, until)) {
		struct instant next = request_next(&meter, now);

		if (instant_before(now, next)) {
			assert_true(instant_sub(next, now) <= NS_PER_SEC);
			now = next;
			continue;
		}
		request_spend(&meter, REQUEST_COST_MAX);
		served++;
	}
	assert_in_range(served, 100 * REQUEST_CREDIT_PER_S / REQUEST_COST_MAX,
		(REQUEST_CREDIT + 100 * REQUEST_CREDIT_PER_S) / REQUEST_COST_MAX + 1);
	now = instant_add(now, 3600 * NS_PER_SEC); /* credit is not saved up without end */
	for (served = 0; !instant_before(now, request_next(&meter, now)); served++)
		request_spend(&meter, 1);
	assert_in_range(served, REQUEST_CREDIT - REQUEST_COST_MAX, REQUEST_CREDIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_one_request),
		cmocka_unit_test(test_exactly_one_command),
		cmocka_unit_test(test_a_descriptor_is_odd_and_not_kept),
		cmocka_unit_test(test_any_argument_shows),
		cmocka_unit_test(test_a_flood_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
