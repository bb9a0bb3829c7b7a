// SPDX-License-Identifier: Apache-2.0
/*
 * The reflector between two network namespaces: a process that has it attached and is stopped, and
 * us, on the other end of a cable, who ask. What the kernel does not answer comes to a socket of
 * that process, which then says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sensor_rig.h"
#include "wire/packet.h"

#define TAG 0x8877665544330000U /* its first 16 bits are 0, the hardest to take something from */
enum { PORT = 1985, PATIENCE_MS = 20000, AGAIN_MS = 1000, CAME_UP = 1 };

struct pair {
	pid_t child;
	int namespace; /* of the child, which it outlives */
	char why[200]; /* of the feature, what it said */
	bool attached;
	int sockets[2]; /* ours, connected to its port over IPv4 and IPv6 */
};

struct report {
	bool attached;
	char why[200];
};

static const struct packet request = {
	.type = PACKET_ECHO, .receiver = 0x12345678, .echo = TAG, .challenge = 0x1122334455667788
};

static void run_command(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* Says of each datagram that it came up here: a 'U' before it. */
static void answer_what_comes_up(int fd)
{
	for (;;) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		char bytes[1 + PACKET_MAX] = "U";
		ssize_t got =
			recvfrom(fd, bytes + 1, PACKET_MAX, 0, (struct sockaddr *)&from, &size);

		if (got >= 0)
			sendto(fd, bytes, 1 + (size_t)got, 0, (struct sockaddr *)&from, size);
	}
}

/* The host that is asked; the cable is there when cable says so. */
static void be_host(const struct sensor_config *config, int cable, int ready)
{
	struct report report = { .attached = false };
	struct sensor *sensor;
	char byte;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) || write(ready, "n", 1) != 1 || read(cable, &byte, 1) != 1)
		_exit(1);
	if (sensor_open(config, &sensor, report.why, sizeof(report.why)) == 0) {
		const struct sensor_feature *feature = sensor_feature(sensor,
			config->reflector == SENSOR_REFLECTOR_TC ? SENSOR_REFLECT_TC
								 : SENSOR_REFLECT_XDP);

		report.attached = feature->attached;
		memcpy(report.why, feature->why, sizeof(report.why));
		sensor_reflect(sensor, PORT, TAG);
	}
	fd = rig_socket(SOCK_DGRAM, "::", PORT);
	if (write(ready, &report, sizeof(report)) != sizeof(report))
		_exit(1);
	answer_what_comes_up(fd);
}

/* A card that leaves checksums to us: wrong ones are then seen. */
static void compute_checksums(const char *interface)
{
	struct ethtool_value value = { .cmd = ETHTOOL_STXCSUM };
	struct ifreq call = { .ifr_data = (char *)&value };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(call.ifr_name, interface);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &call), 0);
	close(fd);
}

static void lay_cable(const struct pair *pair)
{
	char command[512];

	snprintf(command, sizeof(command),
		"ip link del t0 2>/dev/null; "
		"ip link add t0 type veth peer name t1 netns /proc/%d/ns/net && "
		"ip addr add 192.0.2.1/24 dev t0 && ip addr add fd00::1/64 dev t0 nodad && "
		"ip link set t0 up && nsenter --net=/proc/%d/ns/net sh -c '"
		"ip addr add 192.0.2.2/24 dev t1 && ip addr add fd00::2/64 dev t1 nodad && "
		"ip link set t1 up && ip link set lo up'",
		pair->child, pair->child);
	run_command(command);
}

static void close_pair(struct pair *pair)
{
	kill(pair->child, SIGKILL);
	waitpid(pair->child, NULL, 0);
	for (int i = 0; i < 2; i++)
		close(pair->sockets[i]);
	run_command("ip link del t0");
	close(pair->namespace);
}

/* Skips where the kernel has no tcx. */
static void open_pair(struct pair *pair, const struct sensor_config *config)
{
	int cable[2], ready[2];
	struct report report;
	char path[64], byte;

	rig_enter();
	assert_int_equal(pipe(cable) | pipe(ready), 0);
	pair->child = fork();
	if (!pair->child)
		be_host(config, cable[0], ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pair->child);
	pair->namespace = open(path, O_RDONLY | O_CLOEXEC);
	lay_cable(pair);
	compute_checksums("t0");
	assert_int_equal(write(cable[1], "c", 1), 1);
	assert_int_equal(read(ready[0], &report, sizeof(report)), sizeof(report));
	pair->attached = report.attached;
	memcpy(pair->why, report.why, sizeof(pair->why));
	for (int i = 0; i < 2; i++) {
		close(cable[i]);
		close(ready[i]);
		pair->sockets[i] = rig_connect(SOCK_DGRAM, i ? "fd00::2" : "192.0.2.2", PORT);
		assert_true(pair->sockets[i] >= 0);
	}
	if (strstr(pair->why, "needs Linux 6.6")) {
		close_pair(pair);
		skip();
	}
}

/* Of these bytes, and not of what was asked before: either they came up, or it has their nonce. */
static bool answers(const uint8_t *answer, size_t got, const uint8_t *bytes, size_t size)
{
	if (got == 1 + size && answer[0] == 'U')
		return !memcmp(answer + 1, bytes, size);
	return got == PACKET_ECHO_SIZE && !memcmp(answer + got - 8, bytes + got - 8, 8);
}

/* What came back: CAME_UP, the size, or -errno (-ECONNREFUSED: there is nobody). A busy machine
 * loses datagrams: it is asked again until it answers. */
static ssize_t ask_bytes(int fd, const uint8_t *bytes, size_t size, uint8_t answer[1 + PACKET_MAX])
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	for (int ms = 0; ms < PATIENCE_MS; ms += AGAIN_MS) {
		if (send(fd, bytes, size, 0) < 0)
			return -errno;
		while (poll(&ready, 1, AGAIN_MS) == 1) {
			ssize_t got = recv(fd, answer, 1 + PACKET_MAX, 0);

			if (got < 0)
				return -errno;
			if (answers(answer, (size_t)got, bytes, size))
				return answer[0] == 'U' ? CAME_UP : got;
		}
	}
	fail_msg("no answer to %zu bytes", size);
	return 0;
}

static size_t encoded(const struct packet *packet, uint8_t bytes[PACKET_MAX])
{
	struct writer w = writer_over(bytes, PACKET_MAX);

	packet_encode(&w, packet);
	assert_false(w.failed);
	return w.size;
}

static ssize_t ask(int fd, const struct packet *packet, struct packet *answer)
{
	uint8_t bytes[PACKET_MAX], back[1 + PACKET_MAX];
	ssize_t got = ask_bytes(fd, bytes, encoded(packet, bytes), back);

	if (got == PACKET_ECHO_SIZE)
		assert_int_equal(packet_decode(SPAN(back, (size_t)got), answer), 0);
	return got;
}

static void assert_answered(int fd, uint64_t challenge)
{
	struct packet question = request, answer;

	question.challenge = challenge;
	assert_int_equal(ask(fd, &question, &answer), PACKET_ECHO_SIZE);
	assert_int_equal(answer.type, PACKET_ECHO);
	assert_int_equal(answer.flags, PACKET_FLAG_ANSWER);
	assert_int_equal(answer.receiver, request.receiver);
	assert_int_equal(answer.challenge, challenge);
	assert_int_equal(answer.echo, packet_answer_tag(TAG));
}

/* A process that is stopped answers all the same, and with the right checksum. */
static void check_stopped(enum sensor_reflector how)
{
	struct sensor_config config = { .own_netns_only = true, .reflector = how };
	struct pair pair;

	open_pair(&pair, &config);
	if (!pair.attached)
		fail_msg("%s", pair.why);
	assert_string_equal(pair.why, "on t1");
	assert_int_equal(kill(pair.child, SIGSTOP), 0);
	for (int i = 0; i < 2; i++) {
		assert_answered(pair.sockets[i], 1);
		assert_answered(pair.sockets[i], 0x1122334455667788);
	}
	kill(pair.child, SIGCONT);
	close_pair(&pair);
}

/* All that is no request with the tag is for the process; so is an answer. */
static void check_others(enum sensor_reflector how)
{
	struct sensor_config config = { .own_netns_only = true, .reflector = how };
	uint8_t bytes[PACKET_MAX] = { 0 }, back[1 + PACKET_MAX];
	struct pair pair;

	open_pair(&pair, &config);
	assert_true(pair.attached);
	for (int i = 0; i < 2; i++) {
		struct packet others[] = { request, request, request, request, request };
		struct packet answer;

		others[0].echo ^= (uint64_t)1 << 63;
		others[1].echo = 0;
		others[2].echo ^= 1;
		others[3].flags = PACKET_FLAG_ANSWER;
		others[4].flags = 0x8000;
		for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++)
			assert_int_equal(ask(pair.sockets[i], &others[j], &answer), CAME_UP);
		encoded(&request, bytes);
		for (int at = 0; at < 2; at++) { /* another type, another version */
			bytes[at]++;
			assert_int_equal(
				ask_bytes(pair.sockets[i], bytes, PACKET_ECHO_SIZE, back), CAME_UP);
			bytes[at]--;
		}
		for (size_t size = 1; size < 2 * PACKET_ECHO_SIZE + 24; size++) {
			if (size != PACKET_ECHO_SIZE)
				assert_int_equal(
					ask_bytes(pair.sockets[i], bytes, size, back), CAME_UP);
		}
		assert_answered(pair.sockets[i], 1);
	}
	close_pair(&pair);
}

/* Nothing is left behind, however the process ends. */
static void check_end(enum sensor_reflector how)
{
	struct sensor_config config = { .own_netns_only = true, .reflector = how };
	struct packet answer;
	struct pair pair;

	open_pair(&pair, &config);
	assert_answered(pair.sockets[0], 1);
	kill(pair.child, SIGKILL);
	assert_int_equal(waitpid(pair.child, NULL, 0), pair.child);
	assert_int_equal(ask(pair.sockets[0], &request, &answer), -ECONNREFUSED);
	assert_int_equal(ask(pair.sockets[1], &request, &answer), -ECONNREFUSED);
	pair.child = fork();
	if (!pair.child)
		_exit(0);
	close_pair(&pair);
}

static void test_stopped_process_answers_by_tc(void **state)
{
	(void)state;
	check_stopped(SENSOR_REFLECTOR_TC);
}

static void test_stopped_process_answers_by_xdp(void **state)
{
	(void)state;
	check_stopped(SENSOR_REFLECTOR_XDP);
}

static void test_tc_leaves_all_else_alone(void **state)
{
	(void)state;
	check_others(SENSOR_REFLECTOR_TC);
}

static void test_xdp_leaves_all_else_alone(void **state)
{
	(void)state;
	check_others(SENSOR_REFLECTOR_XDP);
}

static void test_tc_ends_with_its_process(void **state)
{
	(void)state;
	check_end(SENSOR_REFLECTOR_TC);
}

static void test_xdp_ends_with_its_process(void **state)
{
	(void)state;
	check_end(SENSOR_REFLECTOR_XDP);
}

static void test_interfaces_that_are_named(void **state)
{
	struct sensor_config config = {
		.own_netns_only = true, .reflector = SENSOR_REFLECTOR_TC, .interfaces = "t9, t1"
	};
	struct pair pair;

	(void)state;
	open_pair(&pair, &config);
	assert_true(pair.attached);
	assert_string_equal(pair.why, "on t1; not on t9: No such device");
	assert_answered(pair.sockets[0], 1);
	close_pair(&pair);
	config.interfaces = "t9";
	open_pair(&pair, &config);
	assert_false(pair.attached);
	assert_string_equal(pair.why, "not on t9: No such device");
	close_pair(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopped_process_answers_by_tc),
		cmocka_unit_test(test_stopped_process_answers_by_xdp),
		cmocka_unit_test(test_tc_leaves_all_else_alone),
		cmocka_unit_test(test_xdp_leaves_all_else_alone),
		cmocka_unit_test(test_tc_ends_with_its_process),
		cmocka_unit_test(test_xdp_ends_with_its_process),
		cmocka_unit_test(test_interfaces_that_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
