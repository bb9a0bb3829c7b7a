// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/sensor_program.h"

/* What the child says; the descriptors that it has come with it, in order. */
struct report {
	int error;
	char text[200];
	bool has[SENSOR_FD_COUNT];
	bool attached[SENSOR_FEATURE_COUNT];
	char why[SENSOR_FEATURE_COUNT][sizeof(((struct sensor_feature *)0)->why)];
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(SENSOR_FD_COUNT * sizeof(int))];
};

static int send_kit(int to, const struct sensor_kit *kit, const struct report *report)
{
	struct iovec data = { .iov_base = (void *)report, .iov_len = sizeof(*report) };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	int fds[SENSOR_FD_COUNT];
	size_t count = 0;

	for (int i = 0; i < SENSOR_FD_COUNT; i++)
		if (report->has[i])
			fds[count++] = kit->fds[i];
	if (count) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void take_fds(struct sensor_kit *kit, const struct report *report, struct cmsghdr *header)
{
	const int *fds = (const int *)CMSG_DATA(header);
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int), next = 0;

	for (int i = 0; i < SENSOR_FD_COUNT && next < count; i++)
		if (report->has[i])
			kit->fds[i] = fds[next++];
}

static int receive_kit(int from, struct sensor_kit *kit, struct report *report)
{
	struct iovec data = { .iov_base = report, .iov_len = sizeof(*report) };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header;
	ssize_t size;

	do
		size = recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (size == sizeof(*report) && header && header->cmsg_type == SCM_RIGHTS)
		take_fds(kit, report, header);
	return size == sizeof(*report) ? 0 : -EPIPE;
}

/* The child: everything it allocates goes with it. */
static void load_and_send(int to, const struct sensor_config *config, struct sensor_kit *kit)
{
	struct report report = { 0 };

	report.error = sensor_program_load(config, kit, report.text, sizeof(report.text));
	for (int i = 0; i < SENSOR_FD_COUNT; i++)
		report.has[i] = kit->fds[i] >= 0;
	for (int i = 0; i < SENSOR_FEATURE_COUNT; i++) {
		report.attached[i] = kit->features[i].attached;
		memcpy(report.why[i], kit->features[i].why, sizeof(report.why[i]));
	}
	_exit(send_kit(to, kit, &report) == 0 ? 0 : 1);
}

static int fail(char *to, size_t size, int error, const char *what)
{
	snprintf(to, size, "%s: %s", what, strerror(-error));
	return error;
}

static void unpack(struct sensor_kit *kit, const struct report *report)
{
	for (int i = 0; i < SENSOR_FEATURE_COUNT; i++) {
		kit->features[i].attached = report->attached[i];
		memcpy(kit->features[i].why, report->why[i], sizeof(report->why[i]));
	}
}

int sensor_load(
	const struct sensor_config *config, struct sensor_kit *kit, char *error, size_t error_size)
{
	struct report report = { 0 };
	int pair[2], result;
	pid_t child;

	sensor_program_init(kit);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(error, error_size, -errno, "socketpair");
	child = fork();
	if (child < 0) {
		result = fail(error, error_size, -errno, "fork of the loader");
		close(pair[0]);
		close(pair[1]);
		return result;
	}
	if (child == 0)
		load_and_send(pair[1], config, kit);
	close(pair[1]);
	result = receive_kit(pair[0], kit, &report);
	close(pair[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (result < 0)
		return fail(error, error_size, result, "the loader of kernel programs ended");
	unpack(kit, &report);
	if (report.error < 0)
		snprintf(error, error_size, "%s", report.text);
	return report.error;
}

void sensor_unload(struct sensor_kit *kit)
{
	for (int i = 0; i < SENSOR_FD_COUNT; i++) {
		if (kit->fds[i] >= 0)
			close(kit->fds[i]);
		kit->fds[i] = -1;
	}
}
