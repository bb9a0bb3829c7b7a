// SPDX-License-Identifier: Apache-2.0
/* Our own sockets, as they are found without kernel programs. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/fallback.h"
#include "base/addr.h"

enum { ROWS_MAX = 64 };

struct found {
	struct event_row rows[ROWS_MAX]; /* ours */
	char paths[ROWS_MAX][108];
	size_t count;
};

static void on_row(void *owner, const struct event_row *row, const char *path)
{
	struct found *found = owner;

	if (row->tgid != (uint32_t)getpid() || found->count == ROWS_MAX)
		return;
	memcpy(found->paths[found->count], path, sizeof(found->paths[0]));
	found->rows[found->count++] = *row;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	return cookie;
}

static const struct event_row *row_of(const struct found *found, int fd)
{
	for (size_t i = 0; i < found->count; i++) {
		if (found->rows[i].cookie == cookie_of(fd))
			return &found->rows[i];
	}
	fail_msg("no row");
	return NULL;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin6_port);
}

static void look(struct found *found)
{
	struct process_view view;
	unsigned int missing = 1;

	memset(found, 0, sizeof(*found));
	assert_int_equal(process_view_open(&view), 0);
	assert_int_equal(fallback_snapshot(&view, on_row, found, &missing), 0);
	assert_int_equal(missing, 0);
	process_view_close(&view);
}

static void test_tcp(void **state)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int server = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0),
	    one;
	const struct event_row *row;
	struct found found;
	uint8_t loopback[16];

	(void)state;
	assert_int_equal(bind(server, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(server, 4), 0);
	to.sin_port = htons(port_of(server));
	assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	one = accept(server, NULL, NULL);
	assert_true(one >= 0);
	look(&found);
	row = row_of(&found, server);
	assert_int_equal(row->state, TCP_LISTEN);
	assert_int_equal(row->local_port, port_of(server));
	assert_int_equal(row->flags & SOCKET_DUAL, SOCKET_DUAL);
	row = row_of(&found, client);
	assert_int_equal(row->state, TCP_ESTABLISHED);
	assert_int_equal(row->peer_port, port_of(server));
	assert_int_equal(row->flags & SOCKET_ACCEPTED, 0);
	assert_int_equal(addr_parse_ip("127.0.0.1", loopback), 0);
	assert_memory_equal(row->peer, loopback, 16);
	row = row_of(&found, one);
	assert_int_equal(row->flags & SOCKET_ACCEPTED, SOCKET_ACCEPTED);
	assert_memory_equal(row->local, loopback, 16); /* v4-mapped on an IPv6 socket */
	close(one);
	close(client);
	close(server);
}

static void test_udp(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int service = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
	struct found found;

	(void)state;
	for (int port = 20000; port < 20100; port++) {
		to.sin_port = htons((uint16_t)port);
		if (!bind(service, (struct sockaddr *)&to, sizeof(to)))
			break;
	}
	assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	look(&found);
	assert_int_equal(row_of(&found, service)->flags & SOCKET_BOUND, SOCKET_BOUND);
	assert_int_equal(row_of(&found, service)->peer_port, 0);
	assert_int_equal(row_of(&found, client)->flags & SOCKET_BOUND, 0);
	assert_int_equal(row_of(&found, client)->peer_port, ntohs(to.sin_port));
	close(client);
	close(service);
}

static void test_unix(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	const struct event_row *row;
	struct found found;
	int length;

	(void)state;
	length = snprintf(
		name.sun_path + 1, sizeof(name.sun_path) - 1, "test-fallback-%d", (int)getpid());
	assert_int_equal(
		bind(server, (struct sockaddr *)&name,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)),
		0);
	assert_int_equal(listen(server, 4), 0);
	look(&found);
	row = row_of(&found, server);
	assert_int_equal(row->family, AF_UNIX);
	assert_int_equal(row->state, TCP_LISTEN);
	assert_int_equal(row->path_size, length + 1);
	assert_memory_equal(found.paths[row - found.rows], name.sun_path, (size_t)length + 1);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
