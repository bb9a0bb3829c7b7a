// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ipc.h"

static void test_packets_stay_apart_and_whole(void **state)
{
	static uint8_t large[IPC_PACKET_MAX];
	struct ipc_packet packet;
	int ends[2];

	(void)state;
	memset(large, 0x5a, sizeof(large));
	assert_int_equal(ipc_pair(ends), 0);
	assert_int_equal(ipc_receive(ends[1], &packet), -EAGAIN);
	assert_int_equal(ipc_send(ends[0], SPAN("one", 3), -1), 0);
	assert_int_equal(ipc_send(ends[0], SPAN(large, sizeof(large)), -1), 0);
	assert_int_equal(ipc_receive(ends[1], &packet), 1);
	assert_true(span_equal(SPAN(packet.data, packet.size), SPAN("one", 3)));
	assert_int_equal(packet.passed, -1);
	ipc_free(&packet);
	assert_int_equal(ipc_receive(ends[1], &packet), 1);
	assert_true(span_equal(SPAN(packet.data, packet.size), SPAN(large, sizeof(large))));
	ipc_free(&packet);
	close(ends[0]);
	assert_int_equal(ipc_receive(ends[1], &packet), 0);
	close(ends[1]);
}

static void test_a_descriptor_travels(void **state)
{
	struct stat sent, received;
	struct ipc_packet packet;
	int ends[2], file = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(ipc_pair(ends), 0);
	assert_int_equal(ipc_send(ends[0], SPAN("x", 1), file), 0);
	assert_int_equal(ipc_receive(ends[1], &packet), 1);
	assert_true(packet.passed >= 0 && packet.passed != file);
	assert_int_equal(fstat(file, &sent), 0);
	assert_int_equal(fstat(packet.passed, &received), 0);
	assert_int_equal(sent.st_rdev, received.st_rdev);
	assert_int_equal(fcntl(packet.passed, F_GETFD), FD_CLOEXEC);
	ipc_free(&packet);
	close(file);
	close(ends[0]);
	close(ends[1]);
}

/* No descriptor stays open that nobody knows of. */
static void test_a_second_descriptor_is_closed(void **state)
{
	int ends[2], files[2], before, after;
	char control[CMSG_SPACE(sizeof(files))] __attribute__((aligned(8))) = { 0 };
	struct iovec part = { (void *)(uintptr_t) "x", 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct ipc_packet packet;

	(void)state;
	assert_int_equal(ipc_pair(ends), 0);
	assert_int_equal(pipe(files), 0);
	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(files)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(header), files, sizeof(files));
	assert_int_equal(sendmsg(ends[0], &message, 0), 1);
	before = dup(0);
	close(before);
	ipc_receive(ends[1], &packet);
	ipc_free(&packet);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(files[i]);
	}
}

static void test_full_buffer_is_told(void **state)
{
	static uint8_t large[IPC_PACKET_MAX];
	int ends[2], err = 0, sent = 0;

	(void)state;
	assert_int_equal(ipc_pair(ends), 0);
	while (!err && sent < 1000)
		err = ipc_send(ends[0], SPAN(large, sizeof(large)), -1), sent++;
	assert_int_equal(err, -EAGAIN);
	assert_true(sent > 2);
	close(ends[1]);
	err = ipc_send(ends[0], SPAN(large, 1), -1);
	assert_true(err == -EPIPE || err == -ECONNRESET);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets_stay_apart_and_whole),
		cmocka_unit_test(test_a_descriptor_travels),
		cmocka_unit_test(test_a_second_descriptor_is_closed),
		cmocka_unit_test(test_full_buffer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
