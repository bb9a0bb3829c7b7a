// SPDX-License-Identifier: Apache-2.0
/* The control socket against peers that ask right, ask wrong, go away, or read slowly. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/instant.h"
#include "cma/control.h"

enum { PATIENCE_MS = 10000, MANY_ROWS = 20000 };

struct fixture {
	char directory[32], path[64];
	struct control *control;
	pthread_t acceptor;
	int stop[2];
	_Atomic bool cancelled; /* a request noticed that nobody reads any more */
};

static void run_echo(void *user, const json_t *request, struct answer *answer)
{
	(void)user;
	answer_columns(answer, json_pack("[s]", "text"), NULL);
	answer_row(answer, json_pack("[s]", json_get_text(request, "text")));
}

static void run_fail(void *user, const json_t *request, struct answer *answer)
{
	(void)user;
	(void)request;
	answer_error(answer, true, "no such thing: '%s'", "x\"y");
}

static void run_many(void *user, const json_t *request, struct answer *answer)
{
	(void)user;
	(void)request;
	answer_columns(answer, json_pack("[s]", "n"), "n -> n");
	for (int i = 0; i < MANY_ROWS; i++)
		answer_row(answer, json_pack("[i]", i));
}

/* Works until it is told that it need not. */
static void run_forever(void *user, const json_t *request, struct answer *answer)
{
	struct fixture *f = user;

	(void)request;
	answer_columns(answer, json_pack("[s]", "n"), NULL);
	answer_flush(answer);
	answer->deadline = INSTANT_NEVER;
	while (!answer_cancelled(answer))
		poll(NULL, 0, 1);
	f->cancelled = true;
}

static const struct control_request test_requests[] = {
	{ "echo", run_echo },
	{ "fail", run_fail },
	{ "many", run_many },
	{ "forever", run_forever },
	{ .name = NULL },
};

static void *accept_thread(void *user)
{
	struct fixture *f = user;

	for (;;) {
		struct pollfd ready[] = {
			{ .fd = control_fd(f->control), .events = POLLIN },
			{ .fd = f->stop[0], .events = POLLIN },
		};

		poll(ready, 2, -1);
		if (ready[1].revents)
			return NULL;
		control_accept(f->control);
	}
}

static int open_at(struct fixture *f, const char *group, char *error, size_t size)
{
	const struct control_config config = {
		.path = f->path,
		.group = group,
		.requests = test_requests,
		.user = f,
	};

	return control_open(&config, &f->control, error, size);
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));
	char why[256] = "";

	strcpy(f->directory, "/tmp/test_control.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/s", f->directory);
	assert_int_equal(open_at(f, NULL, why, sizeof(why)), 0);
	assert_int_equal(pipe(f->stop), 0);
	assert_int_equal(pthread_create(&f->acceptor, NULL, accept_thread, f), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(write(f->stop[1], "", 1), 1);
	pthread_join(f->acceptor, NULL);
	control_close(f->control);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(rmdir(f->directory), 0);
	close(f->stop[0]);
	close(f->stop[1]);
	free(f);
	return 0;
}

static int dial(const struct fixture *f)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(to.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void say(int fd, const char *text, size_t size)
{
	/* The CMA may refuse before it has read all: that is no failure of the test. */
	while (size) {
		ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		text += sent;
		size -= (size_t)sent;
	}
}

/* Everything until a line with "done" or "error", or until the peer ends. The caller frees. */
static char *hear(int fd)
{
	size_t used = 0, capacity = 4 << 20;
	char *text = mem_alloc(capacity + 1, 1);

	for (;;) {
		ssize_t got = recv(fd, text + used, capacity - used, 0);

		if (got <= 0)
			return text;
		used += (size_t)got;
		text[used] = '\0';
		if (text[used - 1] == '\n' &&
			(strstr(text, "{\"done\"") || strstr(text, "\"error\"")))
			return text;
	}
}

static void test_answers(void **state)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{ "{\"do\":\"echo\",\"text\":\"a\\nb\"}\n",
			"{\"columns\":[\"text\"]}\n{\"row\":[\"a\\nb\"]}\n"
			"{\"done\":{\"rows\":1}}\n" },
		{ "{\"do\":\"fail\"}\n",
			"{\"error\":\"no such thing: 'x\\\"y'\",\"usage\":true}\n" },
		{ "{\"do\":\"ecko\"}\n",
			"{\"error\":\"unknown request 'ecko', did you mean 'echo'?\","
			"\"usage\":true}\n" },
		{ "{\"do\":\"reboot\"}\n",
			"{\"error\":\"unknown request 'reboot'\",\"usage\":true}\n" },
		{ "{\"do\":7}\n",
			"{\"error\":\"the request has no \\\"do\\\"\",\"usage\":true}\n" },
		{ "[]\n", "{\"error\":\"the request has no \\\"do\\\"\",\"usage\":true}\n" },
		{ "{\"do\":\"echo\",\"do\":\"fail\"}\n", "{\"error\":\"the request is not JSON: " },
		{ "\n", "{\"error\":\"the request is not JSON: " },
		{ "nonsense\n", "{\"error\":\"the request is not JSON: " },
		{ "{\"do\":\"echo\",\"text\":\"\xff\"}\n",
			"{\"error\":\"the request is not JSON: " },
		{ "{\"do\":\"echo\",\"text\":\"\\u0000\"}\n",
			"{\"error\":\"the request is not JSON: " },
	};
	int fd = dial(*state); /* one connection takes any number of requests, good or bad */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text autofree = NULL;

		say(fd, cases[i].request, strlen(cases[i].request));
		text = hear(fd);
		assert_memory_equal(text, cases[i].answer, strlen(cases[i].answer));
	}
	close(fd);
}

static void test_bytes_one_by_one(void **state)
{
	const char *request = "{\"do\":\"echo\",\"text\":\"slow\"}\n{\"do\":\"fail\"}\n";
	int fd = dial(*state);
	char *first autofree = NULL, *second autofree = NULL;

	for (const char *c = request; *c; c++)
		say(fd, c, 1);
	first = hear(fd);
	if (!strstr(first, "no such thing"))
		second = hear(fd);
	assert_non_null(strstr(first, "\"slow\""));
	assert_non_null(strstr(second ? second : first, "no such thing"));
	close(fd);
}

static void test_too_long(void **state)
{
	char *junk autofree = mem_alloc(2 * CONTROL_REQUEST_MAX, 1);
	char *text autofree = NULL;
	char byte;
	int fd = dial(*state);

	memset(junk, 'x', 2 * CONTROL_REQUEST_MAX);
	say(fd, junk, 2 * CONTROL_REQUEST_MAX);
	text = hear(fd);
	assert_string_equal(
		text, "{\"error\":\"the request is longer than 65536 bytes\",\"usage\":true}\n");
	assert_true(recv(fd, &byte, 1, 0) <= 0); /* and it hung up */
	close(fd);
}

static void test_longest_request(void **state)
{
	char *request autofree = mem_alloc(CONTROL_REQUEST_MAX + 2, 1);
	char *text autofree = NULL;
	int fd = dial(*state);
	int length = sprintf(request, "{\"do\":\"echo\",\"text\":\"");

	memset(request + length, 'y', (size_t)(CONTROL_REQUEST_MAX - length - 2));
	memcpy(request + CONTROL_REQUEST_MAX - 2, "\"}\n", 3);
	say(fd, request, CONTROL_REQUEST_MAX + 1);
	text = hear(fd);
	assert_non_null(strstr(text, "{\"done\":{\"rows\":1}}\n"));
	close(fd);
}

static void test_peer_goes_away(void **state)
{
	struct fixture *f = *state;
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	int fd = dial(f);
	char byte;

	say(fd, "{\"do\":\"forever\"}\n", 17);
	assert_int_equal(recv(fd, &byte, 1, 0), 1); /* it has begun */
	close(fd);
	while (!f->cancelled && instant_before(instant_now(), end))
		poll(NULL, 0, 1);
	assert_true(f->cancelled);
}

static void test_half_closed_peer_still_reads(void **state)
{
	int fd = dial(*state);
	char *text autofree = NULL;

	say(fd, "{\"do\":\"many\"}\n", 14);
	shutdown(fd, SHUT_WR);
	text = hear(fd);
	assert_non_null(strstr(text, "\"edges\":\"n -> n\""));
	assert_non_null(strstr(text, "{\"row\":[19999]}\n{\"done\":{\"rows\":20000}}\n"));
	close(fd);
}

static void test_slow_reader_blocks_nobody(void **state)
{
	int slow = dial(*state), quick = dial(*state);
	char *text autofree = NULL, *late autofree = NULL;

	say(slow, "{\"do\":\"many\"}\n", 14);
	say(quick, "{\"do\":\"echo\",\"text\":\"hi\"}\n", 26);
	text = hear(quick);
	assert_non_null(strstr(text, "\"hi\""));
	late = hear(slow);
	assert_non_null(strstr(late, "{\"done\":{\"rows\":20000}}\n"));
	close(slow);
	close(quick);
}

static void test_too_many_connections(void **state)
{
	int fds[CONTROL_CONNECTIONS_MAX + 1];
	char *text autofree = NULL;

	for (size_t i = 0; i <= CONTROL_CONNECTIONS_MAX; i++)
		fds[i] = dial(*state);
	text = hear(fds[CONTROL_CONNECTIONS_MAX]);
	assert_string_equal(text,
		"{\"error\":\"too many connections to the control socket\",\"usage\":false}\n");
	for (size_t i = 0; i <= CONTROL_CONNECTIONS_MAX; i++)
		close(fds[i]);
}

/* control_close (in teardown) ends it although its request never would. */
static void test_close_ends_requests(void **state)
{
	int fd = dial(*state);
	char byte;

	say(fd, "{\"do\":\"forever\"}\n", 17);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
}

static void test_opening(void **state)
{
	struct fixture *running = *state;
	struct fixture other = *running;
	char error[256];
	struct stat info;

	assert_int_equal(stat(running->path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0660);
	assert_int_equal(open_at(&other, NULL, error, sizeof(error)), -EADDRINUSE);
	assert_non_null(strstr(error, running->path));

	snprintf(other.path, sizeof(other.path), "%s/other", running->directory);
	assert_int_equal(open_at(&other, "nosuchgroup", error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "'nosuchgroup'"));
	close(open(other.path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(open_at(&other, NULL, error, sizeof(error)), -EEXIST);
	assert_non_null(strstr(error, other.path));
	unlink(other.path);
}

static void test_left_over_socket_is_replaced(void **state)
{
	struct fixture *running = *state;
	struct fixture other = *running;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char error[256] = "";

	snprintf(other.path, sizeof(other.path), "%s/left", running->directory);
	strcpy(at.sun_path, other.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd); /* as after kill -9: the name is there, nobody listens */
	assert_int_equal(open_at(&other, NULL, error, sizeof(error)), 0);
	control_close(other.control);
	assert_int_equal(access(other.path, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers),
		TEST(test_bytes_one_by_one),
		TEST(test_too_long),
		TEST(test_longest_request),
		TEST(test_peer_goes_away),
		TEST(test_half_closed_peer_still_reads),
		TEST(test_slow_reader_blocks_nobody),
		TEST(test_too_many_connections),
		TEST(test_close_ends_requests),
		TEST(test_opening),
		TEST(test_left_over_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
