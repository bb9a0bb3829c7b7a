// SPDX-License-Identifier: Apache-2.0
/* The whole process, in a child: what it tells about us, and how it takes requests. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/ipc.h"
#include "agent/sense.h"
#include "base/alloc.h"
#include "base/instant.h"

enum { PATIENCE_MS = 20000, LISTENERS = 200 };

struct fixture {
	pid_t child;
	int peer;
	struct sockaddr_un lldpd;
	int lldpd_server;
	bool ready, ended;
	uint8_t *new_key;	/* shared with the child: a certificate that it was given */
	int passed, passed_err; /* of the last SENSE_FD; -1, 1: none came */
};

static void discover(void *user, sense_emit_fn *emit, void *owner)
{
	const struct fact fact = { .section = SECTION_HOST,
		.key = SPAN_TEXT("os"),
		.value = SPAN_TEXT("{\"nodename\":\"here\"}") };

	(void)user;
	emit(owner, &fact);
}

static int take_new_key(void *user, const uint8_t certificate[CERTIFICATE_SIZE])
{
	const struct fixture *f = user;

	memcpy(f->new_key, certificate, CERTIFICATE_SIZE);
	return *certificate ? 0 : -EPROTO;
}

static void run_child(const struct fixture *f, int peer)
{
	struct log log = log_open("test");
	const struct sense_config config = { .lldpd_socket = f->lldpd.sun_path,
		.own_netns = true,
		.discover = discover,
		.new_key = take_new_key,
		.user = (void *)f,
		.log = &log };

	_exit(-sense_run(&config, peer));
}

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));
	int ends[2];

	f->new_key = mmap(
		NULL, CERTIFICATE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(f->new_key != MAP_FAILED);
	f->passed = -1;
	f->passed_err = 1;
	f->lldpd.sun_family = AF_UNIX;
	snprintf(f->lldpd.sun_path, sizeof(f->lldpd.sun_path), "/tmp/test-sense-%d", (int)getpid());
	f->lldpd_server = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(f->lldpd_server, (struct sockaddr *)&f->lldpd, sizeof(f->lldpd)), 0);
	assert_int_equal(listen(f->lldpd_server, 1), 0);
	assert_int_equal(ipc_pair(ends), 0);
	f->child = fork();
	assert_true(f->child >= 0);
	if (!f->child) {
		close(ends[0]);
		run_child(f, ends[1]);
	}
	close(ends[1]);
	f->peer = ends[0];
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->child > 0) {
		kill(f->child, SIGKILL);
		waitpid(f->child, NULL, 0);
	}
	munmap(f->new_key, CERTIFICATE_SIZE);
	close(f->peer);
	close(f->lldpd_server);
	unlink(f->lldpd.sun_path);
	free(f);
	return 0;
}

/* Waits for the child to end and returns its exit code. */
static int end_of(struct fixture *f)
{
	struct instant until = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	int status;

	while (waitpid(f->child, &status, WNOHANG) == 0) {
		assert_true(instant_before(instant_now(), until));
		poll(NULL, 0, 5);
	}
	f->child = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Takes the next packet in; true when a fact in it (a PUT unless gone) starts with "section key".
 */
static bool next_packet(struct fixture *f, const char *wanted)
{
	struct pollfd wait = { .fd = f->peer, .events = POLLIN };
	struct ipc_packet packet;
	struct fact fact;
	struct reader r;
	bool found = false;
	uint8_t kind;

	assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
	assert_int_equal(ipc_receive(f->peer, &packet), 1);
	r = reader_of(SPAN(packet.data, packet.size));
	kind = get_u8(&r);
	if (kind == SENSE_FD) {
		f->passed = packet.passed;
		packet.passed = -1;
		f->passed_err = (int)get_u32(&r);
	}
	if (kind == SENSE_READY) {
		f->ready = true;
		assert_int_equal(get_u8(&r), 0); /* there is no reflector */
	}
	f->ended |= kind == SENSE_END;
	while (kind == SENSE_FACTS && fact_get(&r, &fact)) {
		char *text autofree = text_format("%s %.*s = %.*s", section_name(fact.section),
			(int)fact.key.size, (const char *)fact.key.data, (int)fact.value.size,
			fact.value.size ? (const char *)fact.value.data : "");

		found |= wanted && !strncmp(text, wanted, strlen(wanted));
	}
	assert_true(reader_done(&r));
	ipc_free(&packet);
	return found;
}

static void wait_ready(struct fixture *f)
{
	while (!f->ready)
		next_packet(f, NULL);
}

static void wait_fact(struct fixture *f, const char *wanted)
{
	struct instant until = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);

	while (!next_packet(f, wanted))
		assert_true(instant_before(instant_now(), until));
}

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void request(const struct fixture *f, uint32_t op)
{
	const struct sense_request bytes = { .op = op };

	assert_int_equal(ipc_send(f->peer, SPAN(&bytes, sizeof(bytes)), -1), 0);
}

static void test_tells_the_host_and_what_is_there(void **state)
{
	struct fixture *f = *state;

	assert_false(f->ready);
	wait_fact(f, "host os = {\"nodename\":\"here\"}");
	wait_ready(f);
}

static void test_tells_a_new_listener_and_its_end(void **state)
{
	struct fixture *f = *state;
	char *wanted autofree = NULL, *gone autofree = NULL;
	uint16_t port;
	int fd;

	wait_ready(f);
	fd = listen_somewhere(&port);
	wanted = text_format("listen tcp 127.0.0.1:%u = {\"addr\":\"127.0.0.1\",\"port\":%u,"
			     "\"process\":[\"test_sense:",
		port, port);
	wait_fact(f, wanted);
	close(fd);
	gone = text_format("listen tcp 127.0.0.1:%u = ", port);
	wait_fact(f, gone);
}

/* Nobody reads for a while: nothing is lost, and nothing blocks. */
static void test_slow_reader_gets_all(void **state)
{
	struct fixture *f = *state;
	int fds[LISTENERS];
	char *last autofree = NULL;
	uint16_t port = 0;

	wait_ready(f);
	for (int i = 0; i < LISTENERS; i++)
		fds[i] = listen_somewhere(&port);
	last = text_format("listen tcp 127.0.0.1:%u = {", port);
	wait_fact(f, last);
	for (int i = 0; i < LISTENERS; i++)
		close(fds[i]);
	last[strlen(last) - 1] = '\0';
	wait_fact(f, last);
}

static void test_passes_the_socket_of_lldpd(void **state)
{
	struct fixture *f = *state;
	int accepted;
	char byte = 'x';

	request(f, SENSE_CONNECT_LLDPD);
	while (f->passed_err > 0)
		next_packet(f, NULL);
	assert_int_equal(f->passed_err, 0);
	assert_true(f->passed >= 0);
	accepted = accept(f->lldpd_server, NULL, NULL);
	assert_int_equal(write(f->passed, &byte, 1), 1);
	assert_int_equal(read(accepted, &byte, 1), 1);
	close(accepted);
	close(f->passed);
	unlink(f->lldpd.sun_path);
	f->passed_err = 1;
	request(f, SENSE_CONNECT_LLDPD);
	while (f->passed_err > 0)
		next_packet(f, NULL);
	assert_int_equal(f->passed_err, -ENOENT);
}

static void test_hands_on_a_certificate(void **state)
{
	struct fixture *f = *state;
	struct sense_request asked = { .op = SENSE_NEW_KEY };

	assert_int_equal(sizeof(asked), 128);
	memset(asked.certificate, 0x5a, sizeof(asked.certificate));
	assert_int_equal(ipc_send(f->peer, SPAN(&asked, sizeof(asked)), -1), 0);
	request(f, SENSE_CONNECT_LLDPD); /* whose answer comes after it was acted on */
	while (f->passed_err > 0)
		next_packet(f, NULL);
	close(f->passed);
	assert_memory_equal(f->new_key, asked.certificate, CERTIFICATE_SIZE);
}

static void test_made_up_certificate_ends_it(void **state)
{
	request(*state, SENSE_NEW_KEY);
	assert_int_equal(end_of(*state), EPROTO);
}

static void test_certificate_with_an_argument_ends_it(void **state)
{
	struct fixture *f = *state;
	struct sense_request asked = { .op = SENSE_NEW_KEY, .certificate = { 1 }, .zero = { 1 } };

	assert_int_equal(ipc_send(f->peer, SPAN(&asked, sizeof(asked)), -1), 0);
	assert_int_equal(end_of(f), EPROTO);
}

/* Without a reflector it is for nothing. */
static void test_takes_a_tag(void **state)
{
	struct fixture *f = *state;
	struct sense_request asked = { .op = SENSE_ECHO, .argument = 65535, .value = UINT64_MAX };

	assert_int_equal(ipc_send(f->peer, SPAN(&asked, sizeof(asked)), -1), 0);
	request(f, SENSE_CONNECT_LLDPD); /* whose answer comes after it was acted on */
	while (f->passed_err > 0)
		next_packet(f, NULL);
	close(f->passed);
}

static void test_tag_for_no_port_ends_it(void **state)
{
	struct fixture *f = *state;
	struct sense_request asked = { .op = SENSE_ECHO, .argument = 65536, .value = 1 };

	assert_int_equal(ipc_send(f->peer, SPAN(&asked, sizeof(asked)), -1), 0);
	assert_int_equal(end_of(f), EPROTO);
}

static void test_tag_with_more_ends_it(void **state)
{
	struct fixture *f = *state;
	struct sense_request asked = { .op = SENSE_ECHO, .argument = 1, .zero = { 1 } };

	assert_int_equal(ipc_send(f->peer, SPAN(&asked, sizeof(asked)), -1), 0);
	assert_int_equal(end_of(f), EPROTO);
}

static void test_odd_request_ends_it(void **state)
{
	struct fixture *f = *state;

	request(f, 99);
	assert_int_equal(end_of(f), EPROTO);
}

static void test_short_request_ends_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ipc_send(f->peer, SPAN("abc", 3), -1), 0);
	assert_int_equal(end_of(f), EPROTO);
}

static void test_ends_with_its_peer(void **state)
{
	struct fixture *f = *state;

	wait_ready(f);
	shutdown(f->peer, SHUT_RDWR);
	assert_int_equal(end_of(f), 0);
}

static void test_ends_at_sigterm(void **state)
{
	struct fixture *f = *state;

	wait_ready(f);
	kill(f->child, SIGTERM);
	while (!f->ended)
		next_packet(f, NULL);
	assert_int_equal(end_of(f), 0);
}

static void remember(void *owner, const struct fact *fact)
{
	char **told = owner, *before = *told;

	*told = text_format("%s%s %.*s\n", before ? before : "", section_name(fact->section),
		(int)fact->key.size, (const char *)fact->key.data);
	free(before);
}

static void test_once(void **state)
{
	struct log log = log_open("test");
	const struct sense_config config = { .own_netns = true, .discover = discover, .log = &log };
	char *told autofree = NULL, *wanted autofree = NULL;
	uint16_t port;
	int fd = listen_somewhere(&port);

	(void)state;
	assert_int_equal(sense_once(&config, remember, &told), 0);
	wanted = text_format("listen tcp 127.0.0.1:%u\n", port);
	assert_non_null(strstr(told, wanted));
	assert_non_null(strstr(told, "host os\n"));
	assert_non_null(strstr(told, "coverage tcp\n"));
	assert_non_null(strstr(told, "process test_sense:"));
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_tells_the_host_and_what_is_there),
		TEST(test_tells_a_new_listener_and_its_end),
		TEST(test_slow_reader_gets_all),
		TEST(test_passes_the_socket_of_lldpd),
		TEST(test_hands_on_a_certificate),
		TEST(test_made_up_certificate_ends_it),
		TEST(test_certificate_with_an_argument_ends_it),
		TEST(test_takes_a_tag),
		TEST(test_tag_for_no_port_ends_it),
		TEST(test_tag_with_more_ends_it),
		TEST(test_odd_request_ends_it),
		TEST(test_short_request_ends_it),
		TEST(test_ends_with_its_peer),
		TEST(test_ends_at_sigterm),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
