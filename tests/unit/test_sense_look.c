// SPDX-License-Identifier: Apache-2.0
/* What is left, and what is said of it, when the kernel refuses one of the kernel programs. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/sense_look.h"
#include "base/json.h"
#include "tests/unit/sensor_rig.h"

#define REFUSED "TEST_REFUSED_PROGRAM"
#define REASON	"refused by the test"

static bool refuses(const union bpf_attr *attr)
{
	const char *name = getenv(REFUSED);

	if (!name || strncmp(attr->prog_name, name, sizeof(attr->prog_name)) != 0)
		return false;
	if (attr->log_level && attr->log_size > sizeof(REASON))
		memcpy((void *)(uintptr_t)attr->log_buf, REASON, sizeof(REASON)); /* NOLINT */
	return true;
}

/* In place of the C library's: the way that libbpf talks to the kernel. */
long syscall(long number, ...)
{
	long (*real)(long, ...), given[6];
	va_list arguments;

	*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		given[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_bpf && given[0] == BPF_PROG_LOAD && refuses((const void *)given[1])) {
		errno = EINVAL;
		return -1;
	}
	return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

static const struct {
	const char *name;
	enum sensor_feature_id feature;
	const char *coverage; /* the key */
} programs[] = {
	{ "tcp_state", SENSOR_TCP, "tcp" },
	{ "snapshot", SENSOR_SNAPSHOT, "tcp" },
	{ "udp_bind4", SENSOR_UDP_SERVICE, "udp" },
	{ "udp_bind6", SENSOR_UDP_SERVICE, "udp" },
	{ "udp_bound4", SENSOR_UDP_SERVICE, "udp" },
	{ "udp_bound6", SENSOR_UDP_SERVICE, "udp" },
	{ "udp_released", SENSOR_UDP_SERVICE, "udp" },
	{ "udp_connect4", SENSOR_UDP_EDGE, "udp" },
	{ "udp_connect6", SENSOR_UDP_EDGE, "udp" },
	{ "udp_asks4", SENSOR_UDP_EDGE, "udp" },
	{ "udp_asks6", SENSOR_UDP_EDGE, "udp" },
	{ "udp_send4", SENSOR_UDP_EDGE, "udp" },
	{ "udp_send6", SENSOR_UDP_EDGE, "udp" },
	{ "udp_receive4", SENSOR_UDP_EDGE, "udp" },
	{ "udp_receive6", SENSOR_UDP_EDGE, "udp" },
	{ "process_exec", SENSOR_EXEC, "exec" },
	{ "process_exit", SENSOR_EXIT, "exec" },
};
enum { PROGRAM_COUNT = sizeof(programs) / sizeof(programs[0]) };

/* "section key" -> value, of all that is told; a fact that is gone is null. */
static void collect(struct look *look, json_t *told)
{
	struct fact fact;
	char id[FACT_KEY_MAX + 64];

	while (watch_next(look->watch, &fact)) {
		snprintf(id, sizeof(id), "%s %.*s", section_name(fact.section), (int)fact.key.size,
			(const char *)fact.key.data);
		json_object_set_new(told, id,
			json_loadb((const char *)fact.value.data, fact.value.size, 0, NULL)
				?: json_null());
	}
}

static const char *field(const json_t *told, const char *id, const char *name)
{
	return json_string_value(json_object_get(json_object_get(told, id), name)) ?: "";
}

static bool is_service(const json_t *told, const char *protocol, int port)
{
	char id[64];

	snprintf(id, sizeof(id), "listen %s 127.0.0.1:%d", protocol, port);
	return json_is_object(json_object_get(told, id));
}

/* The coverage record of each feature: complete but for the one that has a program refused. */
static void check_coverage(const struct look *look, const json_t *told, int refused)
{
	static const char *const keys[] = { "tcp", "udp", "exec" };
	char id[32];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		bool missing = strcmp(keys[i], programs[refused].coverage) == 0;

		snprintf(id, sizeof(id), "coverage %s", keys[i]);
		assert_string_equal(field(told, id, "state"), missing ? "partial" : "complete");
		if (!missing)
			continue;
		assert_string_equal(field(told, id, "hook"),
			sensor_feature(look->sensor, programs[refused].feature)->hook);
		assert_non_null(strstr(field(told, id, "why"), REASON));
	}
}

static void check_features(const struct look *look, int refused)
{
	enum sensor_feature_id lost = programs[refused].feature;

	for (int i = 0; i < SENSOR_FEATURE_COUNT; i++) {
		const struct sensor_feature *feature = sensor_feature(look->sensor, i);
		bool needs = lost == SENSOR_UDP_SERVICE && i == SENSOR_UDP_EDGE;

		if (i == SENSOR_REFLECT_TC || i == SENSOR_REFLECT_XDP)
			assert_string_equal(feature->why, "off");
		else if (feature->attached == (i == (int)lost || needs))
			fail_msg("without %s: %s is %s", programs[refused].name, feature->name,
				feature->attached ? "attached" : feature->why);
	}
}

/*
 * Services that come after the first look: told at once by what is left of the sensor, or at the
 * next look, which is soon where a program of sockets is missing.
 */
static void check_services(struct look *look, json_t *told)
{
	int tcp = rig_listener("127.0.0.1", 0), udp = rig_socket(SOCK_DGRAM, "127.0.0.1", 900);
	int port = rig_port(tcp);
	struct instant now = instant_now(), soon = instant_add(now, 6 * NS_PER_SEC);

	look_drain(look, now);
	collect(look, told);
	assert_int_equal(
		is_service(told, "tcp", port), sensor_feature(look->sensor, SENSOR_TCP)->attached);
	assert_int_equal(is_service(told, "udp", 900),
		sensor_feature(look->sensor, SENSOR_UDP_SERVICE)->attached);
	look_tick(look, soon);
	collect(look, told);
	assert_true(is_service(told, "tcp", port));
	assert_true(is_service(told, "udp", 900));
	close(tcp);
	close(udp);
}

static void test_each_refused(void **state)
{
	struct log log = log_open("test");
	struct sense_config config = { .own_netns = true, .log = &log };

	(void)state;
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		json_t *told = json_object();
		struct instant soon;
		struct look look;

		setenv(REFUSED, programs[i].name, 1);
		assert_int_equal(look_open(&look, &config, true), 0);
		unsetenv(REFUSED);
		assert_non_null(look.sensor);
		check_features(&look, i);
		assert_int_equal(look.polls, programs[i].feature == SENSOR_SNAPSHOT);
		assert_int_equal(look.watches, strcmp(programs[i].coverage, "exec") == 0);
		look_tick(&look, instant_now());
		soon = instant_add(instant_now(), 6 * NS_PER_SEC);
		assert_int_equal(watch_wants_snapshot(look.watch, soon), !look.watches);
		collect(&look, told);
		check_coverage(&look, told, i);
		check_services(&look, told);
		json_decref(told);
		look_close(&look);
	}
}

static void test_none_refused(void **state)
{
	struct log log = log_open("test");
	struct sense_config config = { .own_netns = true, .log = &log };
	struct instant now = instant_now();
	struct look look;

	(void)state;
	assert_int_equal(look_open(&look, &config, true), 0);
	assert_true(look.watches);
	assert_false(look.polls);
	look_tick(&look, now);
	assert_false(watch_wants_snapshot(look.watch, instant_add(now, 50 * NS_PER_SEC)));
	look_close(&look);
}

static void look_for_reflector(const char *how, const char *state, const char *why)
{
	struct log log = log_open("test");
	struct sense_config config = { .own_netns = true, .log = &log, .reflector = how };
	json_t *told = json_object();
	struct look look;

	assert_int_equal(look_open(&look, &config, true), 0);
	assert_true(look.watches);
	look_tick(&look, instant_now());
	collect(&look, told);
	assert_string_equal(field(told, "coverage tcp", "state"), "complete");
	assert_string_equal(field(told, "coverage reflector", "state"), state);
	if (!strstr(field(told, "coverage reflector", "why"), why))
		fail_msg("%s: %s", how, field(told, "coverage reflector", "why"));
	assert_int_equal(look_reflects(&look), !strcmp(state, "complete"));
	json_decref(told);
	look_close(&look);
}

/* It takes nothing else with it where it cannot be had, and the coverage record says so. */
static void test_reflector(void **state)
{
	(void)state;
	look_for_reflector("off", "", "");
	look_for_reflector("tc", "unavailable", "no Ethernet interface has an address");
	assert_int_equal(system("ip link add r0 type veth peer name r1 && ip link set r1 up && "
				"ip link set r0 up && ip addr add 192.0.2.1/24 dev r0"),
		0);
	look_for_reflector("tc", "complete", "on r0");
	look_for_reflector("xdp", "complete", "on r0");
	setenv(REFUSED, "reflect_tc", 1);
	look_for_reflector("tc", "unavailable", REASON);
	unsetenv(REFUSED);
	assert_int_equal(system("ip link del r0"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_none_refused, rig_setup_namespace),
		cmocka_unit_test_setup(test_each_refused, rig_setup_namespace),
		cmocka_unit_test_setup(test_reflector, rig_setup_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
