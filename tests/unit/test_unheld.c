// SPDX-License-Identifier: Apache-2.0
/* Services that no snapshot named, among real ones of this process. */
#include <liburing.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sense.h"
#include "agent/unheld.h"
#include "base/text.h"
#include "base/alloc.h"

enum { NETNS = 7 };

static int service(int family, int type, uint16_t *port)
{
	struct sockaddr_in6 to = { .sin6_family = (sa_family_t)family };
	socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(to);
	int fd = socket(family, type, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&to, size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &size), 0);
	*port = ntohs(to.sin6_port);
	return fd;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	return cookie;
}

struct wanted {
	uint64_t cookie;
	uint16_t port;
	unsigned int found;
};

static void on_row(void *owner, const struct event_row *row)
{
	struct wanted *wanted = owner;

	if (row->cookie != wanted->cookie)
		return;
	wanted->found++;
	assert_int_equal(row->local_port, wanted->port);
	assert_int_equal(row->netns, NETNS);
	assert_int_equal(row->tgid, 0);
	assert_int_equal(row->flags & SOCKET_BOUND, SOCKET_BOUND);
}

static void test_what_was_not_named(void **state)
{
	static const struct {
		int family, type;
	} kinds[] = { { AF_INET, SOCK_STREAM }, { AF_INET6, SOCK_STREAM }, { AF_INET, SOCK_DGRAM },
		{ AF_INET6, SOCK_DGRAM } };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct wanted wanted = { .found = 0 };
		struct unheld *unheld;
		int fd = service(kinds[i].family, kinds[i].type, &wanted.port);

		wanted.cookie = cookie_of(fd);
		assert_int_equal(unheld_begin(&unheld, NETNS), 0);
		assert_int_equal(unheld_end(unheld, on_row, &wanted), 0);
		assert_int_equal(wanted.found, 1);
		assert_int_equal(unheld_begin(&unheld, NETNS), 0);
		unheld_named(unheld, wanted.cookie);
		assert_int_equal(unheld_end(unheld, on_row, &wanted), 0);
		assert_int_equal(unheld_begin(&unheld, NETNS), 0);
		assert_int_equal(unheld_end(unheld, NULL, NULL), 0);
		assert_int_equal(unheld_begin(&unheld, NETNS), 0);
		close(fd); /* during the snapshot */
		assert_int_equal(unheld_end(unheld, on_row, &wanted), 0);
		assert_int_equal(wanted.found, 1);
	}
}

static void test_opened_during_the_snapshot(void **state)
{
	struct wanted wanted = { .found = 0 };
	struct unheld *unheld;
	int fd;

	(void)state;
	assert_int_equal(unheld_begin(&unheld, NETNS), 0);
	fd = service(AF_INET, SOCK_STREAM, &wanted.port);
	wanted.cookie = cookie_of(fd);
	assert_int_equal(unheld_end(unheld, on_row, &wanted), 0);
	assert_int_equal(wanted.found, 0);
	close(fd);
}

struct told {
	char *key;
	bool empty, covered;
};

static void on_fact(void *owner, const struct fact *fact)
{
	struct told *told = owner;

	told->covered |= fact->section == SECTION_COVERAGE && fact->key.size == strlen("unheld") &&
		!memcmp(fact->key.data, "unheld", fact->key.size);
	if (fact->section != SECTION_LISTEN || fact->key.size != strlen(told->key) ||
		memcmp(fact->key.data, told->key, fact->key.size))
		return;
	told->empty = memmem(fact->value.data, fact->value.size, "\"process\":[]", 12);
}

/* io_uring keeps it; no descriptor is left. */
static void test_registered_with_io_uring(void **state)
{
	struct log log = log_open("test");
	const struct sense_config config = { .own_netns = true, .log = &log };
	struct io_uring ring;
	struct told told = { .empty = false };
	uint16_t port;
	int fd;

	(void)state;
	if (io_uring_queue_init(2, &ring, 0))
		skip();
	fd = service(AF_INET, SOCK_STREAM, &port);
	told.key = text_format("tcp 0.0.0.0:%u", port);
	assert_int_equal(io_uring_register_files(&ring, &fd, 1), 0);
	close(fd);
	assert_int_equal(sense_once(&config, on_fact, &told), 0);
	assert_true(told.empty);
	assert_true(told.covered);
	io_uring_queue_exit(&ring);
	free(told.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_not_named),
		cmocka_unit_test(test_opened_during_the_snapshot),
		cmocka_unit_test(test_registered_with_io_uring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
