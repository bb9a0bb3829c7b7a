// SPDX-License-Identifier: Apache-2.0
/* When a sink is told what: limits for each cause and in all, retries, and what is told already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cma/alert/pace.h"

/* A sink, its clock and its events. */
struct desk {
	struct pace *pace;
	struct instant now;
	int64_t event;
};

static int setup(void **state)
{
	struct desk *d = mem_alloc(1, sizeof(*d));

	d->now = (struct instant){ 1000 * NS_PER_SEC };
	d->event = 100;
	d->pace = pace_new(d->event);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct desk *d = *state;

	pace_free(d->pace);
	free(d);
	return 0;
}

static void wait_ms(struct desk *d, int64_t ms)
{
	d->now = instant_add(d->now, ms * NS_PER_MS);
}

/* An event about an incident, of a cause of the same number unless one is named. */
static void tell_as(struct desk *d, int64_t incident, int64_t cause, const char *text)
{
	json_t *alert autojson =
		json_pack("{s:I,s:s}", "incident", (json_int_t)incident, "text", text);
	char name[32];

	snprintf(name, sizeof(name), "%lld", (long long)cause);
	pace_offer(d->pace, ++d->event, incident, name, alert);
}

static void tell(struct desk *d, int64_t incident, const char *text)
{
	tell_as(d, incident, incident, text);
}

/* How many alerts come together now; the first one's text and count go to text (32 bytes). */
static size_t take(struct desk *d, bool taken, char *text)
{
	json_t *alerts autojson = pace_next(d->pace, d->now);
	const json_t *first = json_array_get(alerts, 0);

	if (text)
		snprintf(text, 32, "%s/%d", json_get_text(first, "text"),
			(int)json_integer_value(json_object_get(first, "held")));
	if (alerts)
		pace_done(d->pace, d->now, taken);
	return json_array_size(alerts);
}

static void assert_takes(struct desk *d, const char *wanted)
{
	char text[32];

	assert_int_equal(take(d, true, text), 1);
	assert_string_equal(text, wanted);
}

static int64_t deadline_ms(const struct desk *d)
{
	struct instant at = pace_deadline(d->pace);

	return at.ns == INT64_MAX ? -1 : instant_sub(at, d->now) / NS_PER_MS;
}

static void test_first_at_once_then_the_latest(void **state)
{
	struct desk *d = *state;

	assert_int_equal(take(d, true, NULL), 0);
	assert_int_equal(deadline_ms(d), -1);
	tell(d, 1, "a");
	assert_true(deadline_ms(d) <= 0);
	assert_takes(d, "a/0");
	for (int i = 0; i < 5; i++)
		tell(d, 1, i < 4 ? "b" : "c");
	assert_int_equal(pace_waiting(d->pace), 1);
	assert_int_equal(deadline_ms(d), PACE_CAUSE_MS);
	wait_ms(d, PACE_CAUSE_MS - 1);
	assert_int_equal(take(d, true, NULL), 0);
	wait_ms(d, 1);
	assert_takes(d, "c/4");
	assert_int_equal(pace_waiting(d->pace), 0);
}

static void test_other_causes_do_not_wait(void **state)
{
	struct desk *d = *state;

	tell(d, 1, "a");
	assert_takes(d, "a/0");
	tell(d, 1, "later");
	tell(d, 2, "b");
	assert_takes(d, "b/0");
	assert_int_equal(take(d, true, NULL), 0);
	wait_ms(d, PACE_CAUSE_MS);
	assert_takes(d, "later/0");
}

/* What comes and goes all the time is new incidents of one cause. */
static void test_flapping(void **state)
{
	struct desk *d = *state;
	size_t told = 0;

	for (int second = 0; second < 100; second++) {
		tell_as(d, 2 * second, 7, "open");
		tell_as(d, 2 * second, 7, "clear");
		told += take(d, true, NULL);
		wait_ms(d, 1000);
	}
	assert_int_equal(told, 10);
}

static void test_reclassified_makes_way(void **state)
{
	struct desk *d = *state;

	tell_as(d, 5, 1, "host");
	assert_takes(d, "host/0");
	tell_as(d, 5, 1, "host again");
	tell_as(d, 5, 2, "switch");
	assert_int_equal(pace_waiting(d->pace), 1);
	assert_int_equal(pace_told(d->pace), 101);
	assert_takes(d, "switch/1");
	assert_int_equal(pace_told(d->pace), 103);
}

/* 1, 2, 4 ... seconds, and five minutes for ever. */
static void test_retries(void **state)
{
	static const int64_t wanted[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
	struct desk *d = *state;

	tell(d, 1, "a");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		assert_int_equal(take(d, false, NULL), 1);
		assert_int_equal(deadline_ms(d), wanted[i] * 1000);
		tell(d, 2, "b"); /* what is new does not make it sooner */
		assert_int_equal(deadline_ms(d), wanted[i] * 1000);
		wait_ms(d, wanted[i] * 1000 - 1);
		assert_int_equal(take(d, true, NULL), 0);
		wait_ms(d, 1);
	}
	assert_takes(d, "a/0");
	assert_takes(d, "b/11");
	tell(d, 3, "c");
	assert_int_equal(take(d, false, NULL), 1);
	assert_int_equal(deadline_ms(d), 1000);
}

static void test_told_is_behind_what_waits(void **state)
{
	struct desk *d = *state;

	assert_int_equal(pace_told(d->pace), 100);
	tell(d, 1, "a"); /* 101 */
	pace_skip(d->pace, ++d->event);
	assert_int_equal(pace_told(d->pace), 100);
	assert_takes(d, "a/0");
	assert_int_equal(pace_told(d->pace), 102);
	tell(d, 1, "a"); /* 103, waits */
	tell(d, 2, "b"); /* 104 */
	assert_takes(d, "b/0");
	assert_int_equal(pace_told(d->pace), 102);
	wait_ms(d, PACE_CAUSE_MS);
	assert_int_equal(take(d, false, NULL), 1);
	assert_int_equal(pace_told(d->pace), 102);
	wait_ms(d, PACE_RETRY_FIRST_MS);
	assert_takes(d, "a/0");
	assert_int_equal(pace_told(d->pace), 104);
}

/* A thousand at once: the first on their own, the others together, so many at a time. */
static void test_thousand(void **state)
{
	struct desk *d = *state;
	size_t single = 0, together = 0, summaries = 0, got;
	struct instant end = instant_add(d->now, 3 * PACE_SUMMARY_MS * NS_PER_MS);

	for (int i = 0; i < 1000; i++)
		tell(d, i, "a");
	for (; instant_before(d->now, end); wait_ms(d, 100)) {
		while ((got = take(d, true, NULL))) {
			single += got == 1;
			together += got > 1 ? got : 0;
			summaries += got > 1;
			assert_true(got <= PACE_TOGETHER);
		}
	}
	assert_int_equal(single + together, 1000);
	assert_int_equal(summaries, 3);
	assert_true(single <= PACE_BURST + 3 * PACE_SUMMARY_MS / PACE_RATE_MS);
	assert_int_equal(pace_waiting(d->pace), 0);
	assert_int_equal(pace_told(d->pace), 1100);
}

/* A flood that goes on: what the sink has to take is bounded, and nothing is lost. */
static void test_flood(void **state)
{
	enum { SECONDS = 300, EACH = 20 };
	struct desk *d = *state;
	size_t told = 0, calls = 0, got;

	for (int second = 0; second < SECONDS; second++) {
		for (int i = 0; i < EACH; i++)
			tell(d, second * EACH + i, "a");
		while ((got = take(d, true, NULL))) {
			told += got;
			calls++;
		}
		wait_ms(d, 1000);
	}
	assert_true(calls <= PACE_BURST + SECONDS + SECONDS * 1000 / PACE_SUMMARY_MS + 1);
	wait_ms(d, PACE_SUMMARY_MS);
	while ((got = take(d, true, NULL)))
		told += got;
	assert_int_equal(told, SECONDS * EACH);
	assert_int_equal(pace_told(d->pace), d->event);
}

static void test_full(void **state)
{
	struct desk *d = *state;

	for (int i = 0; i < PACE_FULL; i++) {
		assert_false(pace_is_full(d->pace));
		tell(d, i, "a");
	}
	assert_true(pace_is_full(d->pace));
	assert_takes(d, "a/0");
	assert_false(pace_is_full(d->pace));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_first_at_once_then_the_latest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_causes_do_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flapping, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reclassified_makes_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told_is_behind_what_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thousand, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
