// SPDX-License-Identifier: Apache-2.0
/*
 * Sweep, coverage and the printing of changes; and rtnetlink as it is, in a network namespace of
 * its own (as root; else those tests are skipped).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/coverage.h"
#include "agent/dryrun.h"
#include "agent/observe.h"
#include "agent/sweep.h"
#include "base/alloc.h"
#include "base/json.h"

static const uint8_t no_key[16];

static struct fact fact_of(enum section section, const char *key, const char *value)
{
	return (struct fact){ section, SPAN_TEXT(key), SPAN_TEXT(value) };
}

static void put(struct tracker *tracker, enum section section, const char *key, const char *value)
{
	struct fact fact = fact_of(section, key, value);

	tracker_apply(tracker, &fact);
}

static void saw(struct sweep *sweep, enum section section, const char *key, const char *value)
{
	struct fact fact = fact_of(section, key, value);

	sweep_saw(sweep, &fact);
}

static bool has(const struct tracker *tracker, enum section section, const char *key)
{
	return tracker_value(tracker, section, SPAN_TEXT(key)).size > 0;
}

static void test_sweep_takes_out_what_was_not_seen(void **state)
{
	struct tracker *tracker = tracker_new(no_key);
	struct sweep sweep = { .unseen = NULL };

	(void)state;
	put(tracker, SECTION_ROUTE, "kept", "{}");
	put(tracker, SECTION_ROUTE, "gone", "{}");
	put(tracker, SECTION_ROUTE, "deleted meanwhile", "{}");
	put(tracker, SECTION_LINK, "gone", "{}");
	sweep_begin(&sweep, tracker, SECTION_ROUTE);
	saw(&sweep, SECTION_ROUTE, "kept", "{}");
	saw(&sweep, SECTION_LINK, "gone", "{}");
	saw(&sweep, SECTION_ROUTE, "deleted meanwhile", "");
	put(tracker, SECTION_ROUTE, "new", "{}");
	sweep_end(&sweep, tracker);
	assert_true(has(tracker, SECTION_ROUTE, "kept"));
	assert_true(has(tracker, SECTION_ROUTE, "new"));
	assert_true(has(tracker, SECTION_LINK, "gone"));
	assert_false(has(tracker, SECTION_ROUTE, "gone"));
	assert_false(has(tracker, SECTION_ROUTE, "deleted meanwhile"));
	assert_null(sweep.unseen);
	tracker_free(tracker);
}

/* The record of a feature; why is NULL when it must not be there. */
static void assert_coverage(
	struct tracker *tracker, const char *feature, const char *state, const char *why)
{
	json_t *value autojson =
		json_parse(tracker_value(tracker, SECTION_COVERAGE, SPAN_TEXT(feature)),
			FACT_VALUE_MAX, NULL, 0);

	assert_string_equal(json_get_text(value, "state"), state);
	assert_string_equal(json_get_text(value, "why"), why ? why : "");
	assert_int_equal(json_object_get(value, "why") != NULL, why != NULL);
}

static void test_coverage(void **state)
{
	struct coverage lldp = { "lldp", "unavailable", "not running", "lldpd" };
	struct tracker *tracker = tracker_new(no_key);

	(void)state;
	coverage_set(tracker, &lldp);
	assert_coverage(tracker, "lldp", "unavailable", "not running");
	lldp.why = "not allowed";
	coverage_set(tracker, &lldp);
	assert_coverage(tracker, "lldp", "unavailable", "not allowed");
	lldp = (struct coverage){ "lldp", "complete", NULL, "lldpd" };
	coverage_set(tracker, &lldp);
	assert_coverage(tracker, "lldp", "complete", NULL);
	tracker_free(tracker);
}

static void test_dry_run_prints_each_change_once(void **state)
{
	struct tracker *tracker = tracker_new(no_key);
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	put(tracker, SECTION_LISTEN, "tcp 0.0.0.0:80", "{\"port\":80}");
	dryrun_print(tracker, false, to);
	dryrun_print(tracker, false, to);
	put(tracker, SECTION_LISTEN, "tcp 0.0.0.0:80", "");
	dryrun_print(tracker, false, to);
	fclose(to);
	assert_string_equal(
		text, "PUT listen tcp 0.0.0.0:80 {\"port\":80}\nDELETE listen tcp 0.0.0.0:80\n");
	free(text);
	tracker_free(tracker);
}

/* ---- the kernel ------------------------------------------------------------------------------ */

struct bench {
	struct tracker *tracker;
	struct observe *observe;
	unsigned wanted; /* times lldpd was wanted */
};

static void want_lldpd(void *owner)
{
	((struct bench *)owner)->wanted++;
}

static int setup(void **state)
{
	struct bench *bench = mem_alloc(1, sizeof(*bench));
	struct observe_config config = { .owner = bench, .connect_lldpd = want_lldpd };

	*state = bench;
	if (unshare(CLONE_NEWNET))
		return 0;
	bench->tracker = config.tracker = tracker_new(no_key);
	bench->observe = observe_new(&config, instant_now(), 0);
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	observe_free(bench->observe);
	if (bench->tracker)
		tracker_free(bench->tracker);
	free(bench);
	return 0;
}

static void run_command(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

/* Runs the loop until the fact is there (or is not there), for at most 5 s. */
static void wait_for(struct bench *bench, enum section section, const char *key, bool there)
{
	struct instant end = instant_add(instant_now(), 5 * NS_PER_SEC);

	while (has(bench->tracker, section, key) != there) {
		struct pollfd wait[OBSERVE_DESCRIPTORS];
		int fds[OBSERVE_DESCRIPTORS];

		if (!instant_before(instant_now(), end))
			fail_msg("%s '%s' did not %s", section_name(section), key,
				there ? "come" : "go");
		observe_descriptors(bench->observe, fds);
		for (int i = 0; i < OBSERVE_DESCRIPTORS; i++)
			wait[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		poll(wait, OBSERVE_DESCRIPTORS, 100);
		observe_run(bench->observe, instant_now(), 0);
	}
}

#define NEEDS_ROOT(bench)      \
	if (!(bench)->observe) \
	skip()

static void test_changes_come_as_they_happen(void **state)
{
	struct bench *bench = *state;

	NEEDS_ROOT(bench);
	wait_for(bench, SECTION_LINK, "lo", true);
	run_command("ip link add t0 type veth peer name t1 && ip link set t0 up && "
		    "ip link set t1 up && ip addr add 192.0.2.1/24 dev t0");
	wait_for(bench, SECTION_ADDRESS, "t0 192.0.2.1/24", true);
	wait_for(bench, SECTION_ROUTE, "192.0.2.0/24 dev t0", true);
	run_command("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev t0");
	wait_for(bench, SECTION_NEIGHBOUR, "t0 192.0.2.9", true);
	run_command("ip addr del 192.0.2.1/24 dev t0");
	wait_for(bench, SECTION_ADDRESS, "t0 192.0.2.1/24", false);
	wait_for(bench, SECTION_ROUTE, "192.0.2.0/24 dev t0", false);
}

/* The kernel does not say by messages what else goes with these: a list does. */
static void test_what_the_kernel_does_not_tell(void **state)
{
	struct bench *bench = *state;

	NEEDS_ROOT(bench);
	run_command("ip link add t0 type veth peer name t1 && ip link set t0 up && "
		    "ip link set t1 up && ip addr add 192.0.2.1/24 dev t0 && "
		    "ip route add 10.0.0.0/8 via 192.0.2.2");
	wait_for(bench, SECTION_ROUTE, "10.0.0.0/8 via 192.0.2.2 dev t0", true);
	run_command("ip route replace 10.0.0.0/8 via 192.0.2.3");
	wait_for(bench, SECTION_ROUTE, "10.0.0.0/8 via 192.0.2.3 dev t0", true);
	wait_for(bench, SECTION_ROUTE, "10.0.0.0/8 via 192.0.2.2 dev t0", false);
	run_command("ip link set t0 down");
	wait_for(bench, SECTION_ROUTE, "10.0.0.0/8 via 192.0.2.3 dev t0", false);
	run_command("ip link set t0 name uplink");
	wait_for(bench, SECTION_ADDRESS, "uplink 192.0.2.1/24", true);
	wait_for(bench, SECTION_ADDRESS, "t0 192.0.2.1/24", false);
	wait_for(bench, SECTION_LINK, "t0", false);
	run_command("ip link del uplink");
	wait_for(bench, SECTION_LINK, "uplink", false);
	wait_for(bench, SECTION_ADDRESS, "uplink 192.0.2.1/24", false);
}

/* More messages than the socket holds, unread: everything is listed again, and it is said. */
static void test_an_overrun_is_made_good(void **state)
{
	struct bench *bench = *state;
	struct span told;
	FILE *batch;

	NEEDS_ROOT(bench);
	wait_for(bench, SECTION_LINK, "lo", true);
	run_command("ip link add t0 type veth peer name t1 && ip link set t0 up && "
		    "ip link set t1 up && ip addr add 192.0.2.1/24 dev t0");
	batch = popen("ip -batch -", "w");
	for (int i = 0; i < 20000; i++)
		fprintf(batch, "route add 10.%d.%d.0/24 via 192.0.2.2\n", i / 200, i % 200);
	for (int i = 1000; i < 20000; i++)
		fprintf(batch, "route del 10.%d.%d.0/24 via 192.0.2.2\n", i / 200, i % 200);
	assert_int_equal(pclose(batch), 0);
	wait_for(bench, SECTION_ROUTE, "10.4.199.0/24 via 192.0.2.2 dev t0", true);
	wait_for(bench, SECTION_ROUTE, "10.5.0.0/24 via 192.0.2.2 dev t0", false);
	told = tracker_value(bench->tracker, SECTION_COVERAGE, SPAN_TEXT("net"));
	assert_non_null(memmem(told.data, told.size, "the kernel dropped messages", 27));
}

static void test_too_long_a_list_is_cut_and_said(void **state)
{
	struct bench *bench = *state;
	struct span told;

	NEEDS_ROOT(bench);
	for (int i = 0; i < 20000; i++) {
		char *key autofree = text_format("10.0.0.0/8 via 192.0.2.1 metric %d", i);
		struct fact fact = fact_of(SECTION_ROUTE, key, "{}");

		observe_fact(bench->observe, &fact);
	}
	assert_int_equal(tracker_count(bench->tracker, SECTION_ROUTE), 16384);
	observe_run(bench->observe, instant_now(), 0);
	told = tracker_value(bench->tracker, SECTION_COVERAGE, SPAN_TEXT("net"));
	assert_non_null(memmem(told.data, told.size, "\"partial\"", 9));
}

static void test_it_settles_once_lldpd_is_known_to_be_away(void **state)
{
	struct bench *bench = *state;

	NEEDS_ROOT(bench);
	wait_for(bench, SECTION_LINK, "lo", true);
	assert_int_equal(bench->wanted, 1);
	assert_false(observe_settled(bench->observe));
	observe_lldp_connected(bench->observe, -ECONNREFUSED, instant_now(), 0);
	assert_true(observe_settled(bench->observe));
	assert_coverage(bench->tracker, "lldp", "unavailable", "lldpd is not running");
}

int main(void)
{
#define LIVE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sweep_takes_out_what_was_not_seen),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_dry_run_prints_each_change_once),
		LIVE(test_changes_come_as_they_happen),
		LIVE(test_what_the_kernel_does_not_tell),
		LIVE(test_an_overrun_is_made_good),
		LIVE(test_too_long_a_list_is_cut_and_said),
		LIVE(test_it_settles_once_lldpd_is_known_to_be_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
