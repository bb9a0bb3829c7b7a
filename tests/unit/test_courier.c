// SPDX-License-Identifier: Apache-2.0
/*
 * The process that hands alerts over: what programs are given, and that nothing of them is left,
 * whatever they do.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/instant.h"
#include "base/json.h"
#include "cma/alert/courier.h"

enum { PATIENCE_MS = 20000, SHORT_MS = 1000 };

static const char alert[] = "{\"held\":0,\"incident\":7,\"kind\":\"host\",\"node\":\"we\\nb\","
			    "\"hosts\":[\"a\"],\"severity\":\"critical\",\"cleared\":null,"
			    "\"state\":\"open\",\"text\":\"it is $(dead)\",\"what\":\"open\"}";

struct rig {
	char directory[32];
	char *program, *out;
	int fd, stop;
	char why[COURIER_WHY_MAX];
};

static int setup(void **state)
{
	struct rig *rig = mem_alloc(1, sizeof(*rig));

	strcpy(rig->directory, "/tmp/test_courier.XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	chmod(rig->directory, 0777);
	rig->program = text_format("%s/program", rig->directory);
	rig->out = text_format("%s/out", rig->directory);
	rig->stop = eventfd(0, EFD_CLOEXEC);
	rig->fd = -1;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	close(rig->fd);
	close(rig->stop);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	unlink(rig->program);
	unlink(rig->out);
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig->program);
	free(rig->out);
	free(rig);
	return 0;
}

/* A courier for a shell script; $out is a file that it may write. */
static void start(struct rig *rig, int64_t time_ms, const char *script)
{
	const struct privilege_user nobody = { 65534, 65534 };
	char *text autofree = text_format("#!/bin/sh\nout=%s\n%s\n", rig->out, script);
	const struct courier_config config = { sink_find("exec"), rig->program, time_ms, &nobody };
	int fd = open(rig->program, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fchmod(fd, 0755);
	close(fd);
	assert_int_equal(courier_start(&config, &rig->fd), 0);
}

static int deliver(struct rig *rig)
{
	return courier_deliver(rig->fd, alert, rig->stop, rig->why);
}

static char *written(const struct rig *rig)
{
	return file_read(AT_FDCWD, rig->out, 1 << 20, NULL);
}

static bool is_alive(pid_t pid)
{
	char *path autofree = text_format("/proc/%d/stat", (int)pid);
	char *text autofree = file_read(AT_FDCWD, path, 4096, NULL);

	return text && !strstr(text, ") Z ");
}

/* The processes whose numbers the script wrote are gone. */
static void assert_gone(const struct rig *rig, size_t count)
{
	char *text autofree = written(rig), *next;
	size_t found = 0;

	assert_non_null(text);
	for (char *at = text;; at = next) {
		pid_t pid = (pid_t)strtol(at, &next, 10);

		if (next == at)
			break;
		found++;
		assert_true(pid > 1);
		assert_false(is_alive(pid));
	}
	assert_int_equal(found, count);
}

static void test_input_and_environment(void **state)
{
	struct rig *rig = *state;
	char *text autofree = NULL;

	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	start(rig, PATIENCE_MS, "{ cat; echo; env | grep -v '^_=\\|PWD=\\|SHLVL='; } >$out");
	assert_int_equal(deliver(rig), 0);
	assert_string_equal(rig->why, "");
	text = written(rig);
	assert_memory_equal(text, alert, strlen(alert));
	assert_non_null(strstr(text, "\nASSIM_INCIDENT=7\n"));
	assert_non_null(strstr(text, "\nASSIM_NODE=we b\n"));
	assert_non_null(strstr(text, "\nASSIM_TEXT=it is $(dead)\n"));
	assert_non_null(strstr(text, "\nPATH=/usr/"));
	assert_null(strstr(text, "ASSIM_HOSTS"));
	assert_null(strstr(text, "ASSIM_CLEARED"));
	assert_null(strstr(text, "NOTIFY_SOCKET"));
	unsetenv("NOTIFY_SOCKET");
}

static void test_unprivileged(void **state)
{
	struct rig *rig = *state;
	char *text autofree = NULL;

	start(rig, PATIENCE_MS,
		"{ id -u; id -G; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status;"
		" ls /proc/self/fd; } >$out");
	assert_int_equal(deliver(rig), 0);
	text = written(rig);
	if (!geteuid())
		assert_non_null(strstr(text,
			"65534\n65534\nCapEff:\t0000000000000000\n"
			"CapBnd:\t0000000000000000\nNoNewPrivs:\t1\n"));
	/* Its own three, and that of the directory that is listed. */
	assert_non_null(strstr(text, "\n0\n1\n2\n3\n"));
	assert_null(strstr(text, "\n3\n4\n"));
}

static void test_why_it_failed(void **state)
{
	struct rig *rig = *state;

	start(rig, PATIENCE_MS, "echo first; echo 'no route' >&2; exit 3");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(deliver(rig), -EIO);
		assert_string_equal(rig->why, "exit code 3: no route");
	}
	unlink(rig->program);
	assert_int_equal(deliver(rig), -EIO);
	assert_non_null(strstr(rig->why, "No such file"));
}

static void test_what_it_says(void **state)
{
	struct rig *rig = *state;

	start(rig, PATIENCE_MS, "echo sent to 3");
	assert_int_equal(deliver(rig), 0);
	assert_string_equal(rig->why, "sent to 3");
}

static void test_hangs(void **state)
{
	struct rig *rig = *state;
	struct instant began = instant_now();

	start(rig, SHORT_MS, "trap '' TERM; sleep 1000 & echo $$ $! >$out; echo busy; wait");
	assert_int_equal(deliver(rig), -EIO);
	assert_string_equal(rig->why, "it took longer than 1.0 s: busy");
	assert_true(instant_sub(instant_now(), began) >= SHORT_MS * NS_PER_MS);
	assert_gone(rig, 2);
}

/* One in its group, one in a session of its own, and one that is nobody's child any more. */
static void test_leaves_processes(void **state)
{
	struct rig *rig = *state;

	start(rig, PATIENCE_MS,
		"sleep 1000 & echo $! >>$out\n"
		"setsid sh -c 'echo $$ >>'$out'; exec sleep 1000' &\n"
		"(setsid sh -c 'setsid sleep 1000 & echo $! >>'$out) \n"
		"while [ $(wc -l <$out) -lt 3 ]; do sleep 0.01; done");
	assert_int_equal(deliver(rig), 0);
	assert_gone(rig, 3);
}

static void test_talks_without_end(void **state)
{
	struct rig *rig = *state;

	start(rig, PATIENCE_MS, "head -c 100000000 /dev/zero | tr '\\0' 'x'; echo; exit 1");
	assert_int_equal(deliver(rig), -EIO);
	assert_memory_equal(rig->why, "exit code 1: xxxx", 17);
	assert_true(strlen(rig->why) < COURIER_WHY_MAX);
}

/* We end, and nothing goes on. */
static void test_cma_ends(void **state)
{
	struct rig *rig = *state;
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	char *text autofree = NULL;
	int fd;

	start(rig, PATIENCE_MS, "echo $$ >$out; exec sleep 1000");
	fd = dup(rig->fd);
	assert_true(send(rig->fd, alert, strlen(alert), 0) > 0);
	while (instant_before(instant_now(), end) && (!text || !*text)) {
		free(text);
		text = written(rig);
		poll(NULL, 0, 5);
	}
	assert_non_null(text);
	eventfd_write(rig->stop, 1);
	assert_int_equal(courier_deliver(fd, alert, rig->stop, rig->why), -ECANCELED);
	close(fd);
	close(rig->fd);
	while (instant_before(instant_now(), end) && is_alive((pid_t)atoi(text)))
		poll(NULL, 0, 5);
	assert_gone(rig, 1);
	assert_true(wait(NULL) > 0); /* the courier */
}

static void test_courier_is_gone(void **state)
{
	struct rig *rig = *state;
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	char *text autofree = NULL;

	start(rig, PATIENCE_MS, "echo $$ >$out; kill -9 $PPID; exec sleep 1000");
	assert_int_equal(deliver(rig), -EPIPE);
	assert_int_equal(deliver(rig), -EPIPE);
	text = written(rig);
	while (instant_before(instant_now(), end) && is_alive((pid_t)atoi(text)))
		poll(NULL, 0, 5);
	assert_gone(rig, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_input_and_environment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unprivileged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_why_it_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_it_says, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaves_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_talks_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cma_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_courier_is_gone, setup, teardown),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
