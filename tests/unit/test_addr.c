// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"

static void test_round_trip(void **state)
{
	static const struct {
		const char *text, *again;
	} cases[] = {
		{ "10.0.0.1:1984", "10.0.0.1:1984" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "255.255.255.255:65535", "255.255.255.255:65535" },
		{ "[::]:53", "[::]:53" },
		{ "[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443" },
		{ "[::ffff:10.1.2.3]:22", "10.1.2.3:22" },
		{ "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
			"[1111:2222:3333:4444:5555:6666:7777:8888]:65535" },
		{ "[::10.1.2.3]:22", "[::10.1.2.3]:22" },
	};
	char text[ADDR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr addr, again;

		assert_int_equal(addr_parse(cases[i].text, &addr), 0);
		addr_text(&addr, text);
		assert_string_equal(text, cases[i].again);
		assert_int_equal(addr_parse(text, &again), 0);
		assert_memory_equal(&addr, &again, sizeof(addr));
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "", ":", ":80", "10.0.0.1", "10.0.0.1:", "10.0.0.1:x",
		"10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1: 80", "10.0.0.1:80 ", "10.0.0:80",
		"10.0.0.256:80", "::1:80", "[::1]", "[::1]80", "[::1:80", "::1]:80", "[:80",
		"[]:80", "[10.0.0.1]:80", "[fe80::1%eth0]:80", "localhost:80", "[[::1]]:80",
		"[11111111111111111111111111111111111111111111111111111111111111]:80" };
	struct addr addr;
	uint8_t ip[16];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (addr_parse(bad[i], &addr) != -EINVAL)
			fail_msg("accepted '%s'", bad[i]);
	}
	assert_int_equal(addr_parse_ip("10.0.0.1:80", ip), -EINVAL);
	assert_int_equal(addr_parse_ip("[::1]", ip), -EINVAL);
	assert_int_equal(addr_parse_ip("", ip), -EINVAL);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		bool v4, any, loopback, link_local;
	} cases[] = {
		{ "0.0.0.0", true, true, false, false },
		{ "::", false, true, false, false },
		{ "127.0.0.1", true, false, true, false },
		{ "127.255.0.9", true, false, true, false },
		{ "::1", false, false, true, false },
		{ "169.254.1.1", true, false, false, true },
		{ "fe80::1", false, false, false, true },
		{ "febf::1", false, false, false, true },
		{ "fec0::1", false, false, false, false },
		{ "10.0.0.1", true, false, false, false },
		{ "::ffff:127.0.0.1", true, false, true, false },
		{ "::127.0.0.1", false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t ip[16];

		assert_int_equal(addr_parse_ip(cases[i].text, ip), 0);
		assert_int_equal(addr_is_v4(ip), cases[i].v4);
		assert_int_equal(addr_is_any(ip), cases[i].any);
		assert_int_equal(addr_is_loopback(ip), cases[i].loopback);
		assert_int_equal(addr_is_link_local(ip), cases[i].link_local);
	}
}

static void test_sockaddr(void **state)
{
	struct sockaddr_storage storage;
	struct addr v4, v6, back;

	(void)state;
	assert_int_equal(addr_parse("10.0.0.1:1984", &v4), 0);
	assert_int_equal(addr_parse("[2001:db8::1]:1984", &v6), 0);

	assert_int_equal(addr_to_sockaddr(&v4, AF_INET, &storage), sizeof(struct sockaddr_in));
	assert_int_equal(((struct sockaddr_in *)&storage)->sin_port, htons(1984));
	assert_int_equal(((struct sockaddr_in *)&storage)->sin_addr.s_addr, htonl(0x0a000001));
	assert_int_equal(addr_from_sockaddr(&storage, &back), 0);
	assert_memory_equal(&back, &v4, sizeof(back));

	/* The same peer through an IPv6 socket is the same address. */
	assert_int_equal(addr_to_sockaddr(&v4, AF_INET6, &storage), sizeof(struct sockaddr_in6));
	assert_int_equal(storage.ss_family, AF_INET6);
	assert_int_equal(addr_from_sockaddr(&storage, &back), 0);
	assert_memory_equal(&back, &v4, sizeof(back));

	assert_int_equal(addr_to_sockaddr(&v6, AF_INET6, &storage), sizeof(struct sockaddr_in6));
	assert_int_equal(addr_from_sockaddr(&storage, &back), 0);
	assert_memory_equal(&back, &v6, sizeof(back));
	assert_int_equal(addr_to_sockaddr(&v6, AF_INET, &storage), 0);

	storage.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr(&storage, &back), -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
