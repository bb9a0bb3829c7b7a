// SPDX-License-Identifier: Apache-2.0
/* The process without privileges, with the test as its sense; and what is left of its rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/ipc.h"
#include "agent/net.h"
#include "base/privilege.h"
#include "agent/sense.h"
#include "base/alloc.h"

struct bench {
	int sense; /* our end */
	FILE *output;
	pid_t net;
};

static int setup(void **state)
{
	struct bench *bench = mem_alloc(1, sizeof(*bench));
	int ends[2], out[2];

	assert_int_equal(ipc_pair(ends), 0);
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	bench->net = fork();
	if (!bench->net) {
		struct log log = log_open("net");
		struct net_config config = { .dry_run = true, .sense = ends[1], .log = &log };
		struct net *net;

		dup2(out[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		close(ends[0]);
		_exit(net_new(&config, &net) ? 99 : net_run(net));
	}
	close(ends[1]);
	close(out[1]);
	bench->sense = ends[0];
	bench->output = fdopen(out[0], "r");
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	if (bench->net) {
		kill(bench->net, SIGKILL);
		waitpid(bench->net, NULL, 0);
	}
	if (bench->sense >= 0)
		close(bench->sense);
	fclose(bench->output);
	free(bench);
	return 0;
}

/* Its exit code; it has 5 s. */
static int exit_code(struct bench *bench)
{
	int status = 0;

	alarm(5);
	assert_int_equal(waitpid(bench->net, &status, 0), bench->net);
	alarm(0);
	bench->net = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void send_fact(struct bench *bench, const char *key, const char *value)
{
	struct fact fact = { SECTION_LISTEN, SPAN_TEXT(key), SPAN_TEXT(value) };
	uint8_t bytes[256];
	struct writer packet = writer_over(bytes, sizeof(bytes));

	put_u8(&packet, SENSE_FACTS);
	fact_put(&packet, &fact);
	assert_int_equal(ipc_send(bench->sense, writer_span(&packet), -1), 0);
}

/* Reads what is printed up to the line. */
static void expect_line(struct bench *bench, const char *expected)
{
	char line[4096] = "";

	alarm(5);
	while (fgets(line, sizeof(line), bench->output) && strcmp(line, expected))
		;
	alarm(0);
	assert_string_equal(line, expected);
}

static void test_facts_of_sense_are_told(void **state)
{
	struct bench *bench = *state;

	send_fact(bench, "tcp 10.0.0.1:80", "{\"port\":80}");
	expect_line(bench, "PUT listen tcp 10.0.0.1:80 {\"port\":80}\n");
	send_fact(bench, "tcp 10.0.0.1:80", "");
	expect_line(bench, "DELETE listen tcp 10.0.0.1:80\n");
}

/* The first thing it asks for; the answer may be anything that sense.h allows. */
static void test_lldpd_is_asked_for(void **state)
{
	struct bench *bench = *state;
	struct pollfd wait = { .fd = bench->sense, .events = POLLIN };
	uint8_t refused[] = { SENSE_FD, 0, 0, 0, 0 };
	int32_t err = -ENOENT;
	struct ipc_packet packet;
	struct sense_request request;

	assert_int_equal(poll(&wait, 1, 5000), 1);
	assert_int_equal(ipc_receive(bench->sense, &packet), 1);
	assert_int_equal(packet.size, sizeof(request));
	memcpy(&request, packet.data, sizeof(request));
	ipc_free(&packet);
	assert_int_equal(request.op, SENSE_CONNECT_LLDPD);
	memcpy(refused + 1, &err, sizeof(err));
	assert_int_equal(ipc_send(bench->sense, SPAN(refused, sizeof(refused)), -1), 0);
	send_fact(bench, "tcp 10.0.0.1:81", "{}");
	expect_line(bench, "PUT listen tcp 10.0.0.1:81 {}\n");
}

/* Its first request is left unread in both cases. */
static void test_it_ends_with_sense(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(ipc_send(bench->sense, SPAN("\x04", 1), -1), 0);
	close(bench->sense);
	bench->sense = -1;
	assert_int_equal(exit_code(bench), 0);
}

static void test_sense_that_crashes_is_a_failure(void **state)
{
	struct bench *bench = *state;

	close(bench->sense);
	bench->sense = -1;
	assert_int_equal(exit_code(bench), 1);
}

static void test_it_ends_when_told_to(void **state)
{
	struct bench *bench = *state;

	send_fact(bench, "tcp 10.0.0.1:80", "{}");
	expect_line(bench, "PUT listen tcp 10.0.0.1:80 {}\n"); /* its handlers are there now */
	kill(bench->net, SIGTERM);
	assert_int_equal(exit_code(bench), 0);
}

static void end_after(struct bench *bench, struct span packet)
{
	assert_int_equal(ipc_send(bench->sense, packet, -1), 0);
	assert_int_equal(exit_code(bench), 1);
}

static void test_unknown_kind_ends_it(void **state)
{
	end_after(*state, SPAN("\x09", 1));
}

static void test_broken_facts_end_it(void **state)
{
	end_after(*state, SPAN("\x01\x05\xff\xff", 4));
}

static void test_descriptor_without_one_ends_it(void **state)
{
	end_after(*state, SPAN("\x03\0\0\0\0", 5));
}

static void check_dropped(void)
{
	char probe[8];

	capng_get_caps_process();
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0)
		_exit(1);
	if (capng_have_capabilities(CAPNG_SELECT_BOTH) != CAPNG_NONE)
		_exit(2);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
		_exit(3);
	if (setuid(0) != -1 || open("/proc/1/environ", O_RDONLY) >= 0)
		_exit(4);
	if (getgroups(0, NULL) != 0)
		_exit(5);
	privilege_missing(probe, sizeof(probe));
	_exit(*probe ? 0 : 6);
}

static void test_nothing_is_left_after_the_drop(void **state)
{
	struct privilege_user user;
	int status;
	pid_t child;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(privilege_user("nobody", &user), 0);
	child = fork();
	if (!child) {
		static const gid_t group = 4;

		if (setgroups(1, &group) || privilege_drop(&user))
			_exit(7);
		check_dropped();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_unknown_user_is_an_error(void **state)
{
	struct privilege_user user;

	(void)state;
	assert_int_equal(privilege_user("no-such-user-here", &user), -ENOENT);
	assert_int_equal(privilege_user(NULL, &user), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_facts_of_sense_are_told),
		CASE(test_lldpd_is_asked_for),
		CASE(test_it_ends_with_sense),
		CASE(test_sense_that_crashes_is_a_failure),
		CASE(test_it_ends_when_told_to),
		CASE(test_unknown_kind_ends_it),
		CASE(test_broken_facts_end_it),
		CASE(test_descriptor_without_one_ends_it),
		cmocka_unit_test(test_nothing_is_left_after_the_drop),
		cmocka_unit_test(test_unknown_user_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
