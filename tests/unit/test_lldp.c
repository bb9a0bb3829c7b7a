// SPDX-License-Identifier: Apache-2.0
/* The lldp module against an lldpd that misbehaves; a real one is in tests/system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "discover/lldp.h"
#include "discover/lldpfact.h"
#include "wire/fact.h"

struct bench {
	struct discover_sink sink;
	struct lldp_config config;
	struct lldp *lldp;
	unsigned wanted; /* calls of connect */
	unsigned facts;
};

static void take_fact(void *owner, const struct fact *fact)
{
	(void)fact;
	((struct bench *)owner)->facts++;
}

static void want_socket(void *owner)
{
	((struct bench *)owner)->wanted++;
}

static void bench_start(struct bench *bench)
{
	*bench = (struct bench){ .sink = { .owner = bench, .fact = take_fact } };
	bench->config = (struct lldp_config){ &bench->sink, bench, want_socket };
	bench->lldp = lldp_new(&bench->config);
}

static struct instant at(int64_t seconds)
{
	return (struct instant){ seconds * NS_PER_SEC };
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void assert_id(const char *type, const char *text, const char *expected)
{
	char *id autofree = lldpfact_id(type, text);

	assert_string_equal(id, expected);
}

static void test_ids_have_one_form(void **state)
{
	(void)state;
	assert_id("mac", "00:1A:2B:3C:4D:5E", "00:1a:2b:3c:4d:5e");
	assert_id("mac", "001a.2b3c.4d5e", "00:1a:2b:3c:4d:5e");
	assert_id("mac", "00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e");
	assert_id("mac", "00:1A:2B", "00:1A:2B");
	assert_id("mac", "00:1A:2B:3C:4D:5E:6F", "00:1A:2B:3C:4D:5E:6F");
	assert_id("local", "001a.2b3c.4d5e", "001a.2b3c.4d5e");
	assert_id("ip", "2001:DB8:0::1", "2001:db8::1");
	assert_id("ip", "192.0.2.1", "192.0.2.1");
	assert_id("ip", "not an address", "not an address");
	assert_id("ifname", "  Gi1/0/1 \n", "Gi1/0/1");
	assert_id("", "", "");
}

static void test_absent_lldpd_is_looked_for_again(void **state)
{
	static const int pauses[] = { 5, 10, 20, 40, 60, 60 };
	struct bench bench;
	int64_t now = 100;

	(void)state;
	bench_start(&bench);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		assert_int_equal(bench.wanted, i + 1);
		lldp_connected(bench.lldp, -ENOENT, at(now), 0);
		assert_int_equal(lldp_state(bench.lldp), LLDP_AWAY);
		assert_string_equal(lldp_why(bench.lldp), "lldpd is not running");
		assert_int_equal(lldp_deadline(bench.lldp).ns, at(now + pauses[i]).ns);
		lldp_run(bench.lldp, at(now + pauses[i] - 1), 0);
		assert_int_equal(bench.wanted, i + 1);
		now += pauses[i];
		lldp_run(bench.lldp, at(now), 0);
	}
	lldp_connected(bench.lldp, -EACCES, at(now), 0);
	assert_non_null(strstr(lldp_why(bench.lldp), "not allowed"));
	lldp_free(bench.lldp);
}

/* Connects the watch; returns the far end. */
static int connect_watch(struct bench *bench)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	lldp_connected(bench->lldp, pair[0], at(1), 0);
	return pair[1];
}

static void test_silent_lldpd_is_given_up(void **state)
{
	int before = open_descriptors(), fds[LLDP_DESCRIPTORS], far;
	struct bench bench;

	(void)state;
	bench_start(&bench);
	far = connect_watch(&bench);
	lldp_descriptors(bench.lldp, fds);
	assert_true(fds[0] >= 0);
	assert_int_equal(fds[1], -1);
	assert_int_equal(lldp_state(bench.lldp), LLDP_STARTING);
	lldp_run(bench.lldp, at(10), 0);
	assert_int_equal(lldp_state(bench.lldp), LLDP_STARTING);
	lldp_run(bench.lldp, at(11), 0);
	assert_int_equal(lldp_state(bench.lldp), LLDP_AWAY);
	assert_string_equal(lldp_why(bench.lldp), "lldpd does not answer");
	close(far);
	lldp_free(bench.lldp);
	assert_int_equal(open_descriptors(), before);
}

static void test_garbage_is_no_answer(void **state)
{
	static const uint8_t fills[] = { 0x00, 0x01, 0x7f, 0xff };

	(void)state;
	for (size_t i = 0; i < sizeof(fills); i++) {
		int before = open_descriptors(), far;
		uint8_t bytes[2048];
		struct bench bench;

		bench_start(&bench);
		far = connect_watch(&bench);
		memset(bytes, fills[i], sizeof(bytes));
		assert_int_equal(write(far, bytes, sizeof(bytes)), sizeof(bytes));
		close(far);
		lldp_run(bench.lldp, at(2), 0);
		assert_int_equal(lldp_state(bench.lldp), LLDP_AWAY);
		assert_int_equal(bench.facts, 0);
		lldp_free(bench.lldp);
		assert_int_equal(open_descriptors(), before);
	}
}

static void test_late_socket_is_closed(void **state)
{
	int before = open_descriptors(), far, late[2];
	struct bench bench;

	(void)state;
	bench_start(&bench);
	far = connect_watch(&bench);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, late), 0);
	lldp_connected(bench.lldp, late[0], at(1), 0);
	assert_int_equal(fcntl(late[0], F_GETFD), -1);
	close(late[1]);
	close(far);
	lldp_free(bench.lldp);
	assert_int_equal(open_descriptors(), before);
}

static const char *text_of(const json_t *facts, const char *key, const char *member)
{
	return json_get_text(json_object_get(facts, key), member);
}

/* What neighbours say of themselves becomes one fact each, whatever it is. */
static void test_neighbours(void **state)
{
	json_t *facts autojson = json_object();
	const struct lldpfact silent = { "LLDP", "", "", "", "", "", "", "", { NULL }, 0, 0, 0 };
	struct lldpfact known = { .protocol = "LLDP",
		.port_type = "ifname",
		.port_id = "Gi1/0/1 ",
		.port_descr = "to a",
		.chassis_type = "mac",
		.chassis_id = "00:1A:2B:3C:4D:5E",
		.sysname = "sw1",
		.sysdescr = "\xff",
		.mgmt_ips = { "192.0.2.9", "192.0.2.1" },
		.ip_count = 2,
		.vlan = 7,
		.ttl = 120 };
	const char *key = "eth0 LLDP 00:1a:2b:3c:4d:5e Gi1/0/1";
	char long_id[2 * FACT_KEY_MAX];
	json_t *ips;

	(void)state;
	lldpfact_add(facts, "eth0", &known);
	assert_string_equal(text_of(facts, key, "sysname"), "sw1");
	assert_string_equal(text_of(facts, key, "chassis_id_type"), "mac");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(facts, key), "vlan")), 7);
	ips = json_object_get(json_object_get(facts, key), "mgmt_ips");
	assert_int_equal(json_array_size(ips), 2);
	assert_string_equal(json_string_value(json_array_get(ips, 0)), "192.0.2.1");
	lldpfact_add(facts, "eth0", &silent);
	assert_string_equal(text_of(facts, "eth0 LLDP  ", "protocol"), "LLDP");
	/* A key that would be too long for a fact is cut between two characters. */
	for (size_t i = 0; i + 1 < sizeof(long_id); i++)
		long_id[i] = i % 2 ? '\xa9' : '\xc3';
	long_id[sizeof(long_id) - 1] = '\0';
	known.port_id = long_id;
	json_object_clear(facts);
	lldpfact_add(facts, "eth0", &known);
	key = json_object_iter_key(json_object_iter(facts));
	assert_in_range(strlen(key), FACT_KEY_MAX - 1, FACT_KEY_MAX);
	assert_int_equal(text_utf8_prefix(SPAN_TEXT(key)), strlen(key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_have_one_form),
		cmocka_unit_test(test_absent_lldpd_is_looked_for_again),
		cmocka_unit_test(test_silent_lldpd_is_given_up),
		cmocka_unit_test(test_garbage_is_no_answer),
		cmocka_unit_test(test_late_socket_is_closed),
		cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
