// SPDX-License-Identifier: Apache-2.0
/* The order in which a CMA starts. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cma/server.h"

static const struct option_def options[] = {
	{ "state-dir", OPTION_TEXT, "DIR", NULL, "", false },
	{ "listen", OPTION_ADDRESS, "ADDR:PORT", NULL, "", false },
	{ "public-address", OPTION_ADDRESS, "ADDR:PORT", NULL, "", false },
	{ "root-key", OPTION_TEXT, "KEY", NULL, "", false },
	{ "ring-degree", OPTION_CHOICE, "2|4|off", "2", "", false },
	{ "heartbeat-interval", OPTION_DURATION, "TIME", "1s", "", false },
	{ "control", OPTION_TEXT, "PATH", "", "", false },
	{ "control-group", OPTION_TEXT, "GROUP", NULL, "", false },
	{ "user", OPTION_TEXT, "USER", NULL, "", false },
	{ "queries-dir", OPTION_TEXT, "DIR", "/nonexistent", "", false },
	{ "rules-dir", OPTION_TEXT, "DIR", "/nonexistent", "", false },
	{ "alert", OPTION_LIST, "SINK", NULL, "", false },
	{ "alert-user", OPTION_TEXT, "USER", "nobody", "", false },
	{ .name = NULL },
};

/* A UDP socket on a port that the kernel chooses; the port. */
static int take_port(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static uint64_t epoch_in(const char *directory)
{
	struct graph_options graph_options = { .directory = directory };
	struct graph *graph;
	uint64_t epoch;

	assert_int_equal(graph_open(&graph_options, &graph, NULL, 0), 0);
	epoch = graph_epoch(graph);
	graph_close(graph);
	return epoch;
}

/* A cma that cannot open its socket: by then its epoch was on the disk, each time a new one. */
static void test_epoch_before_socket(void **state)
{
	char directory[] = "/tmp/test_server.XXXXXX";
	char *remove autofree = NULL, *listen autofree = NULL;
	struct log log = { .name = "test_server", .level = LOG_LEVEL_ERROR };
	uint16_t port;
	int taken = take_port(&port);

	(void)state;
	assert_non_null(mkdtemp(directory));
	listen = text_format("--listen=127.0.0.1:%u", port);
	for (uint64_t i = 1; i <= 2; i++) {
		char *state_dir autofree = text_format("--state-dir=%s", directory);
		char *argv[] = { "test", state_dir, listen, NULL };
		struct config config;
		struct server server;
		int operands;

		config_init(&config, options);
		assert_int_equal(config_parse_args(&config, 3, argv, true, &operands), 0);
		assert_int_equal(server_open(&server, &config, &log), -EADDRINUSE);
		server_close(&server);
		config_free(&config);
		assert_int_equal(epoch_in(directory), i);
	}
	close(taken);
	remove = text_format("rm -rf %s", directory);
	assert_int_equal(system(remove), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_epoch_before_socket) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
