// SPDX-License-Identifier: Apache-2.0
/* The first digest waits for the fact that we talk to the CMA, and not for long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/debut.h"

static const struct addr cma = { .ip = { [10] = 0xff, [11] = 0xff, 10, 77, 0, 1 }, .port = 1984 };

static void talks(struct tracker *tracker, const char *key)
{
	const struct fact fact = {
		.section = SECTION_CLIENT, .key = SPAN_TEXT(key), .value = SPAN_TEXT("{}")
	};

	assert_true(tracker_apply(tracker, &fact));
}

static void test_waits(void **state)
{
	static const uint8_t key[16];
	struct tracker *tracker = tracker_new(key);
	struct uplink_status status = { .sessions = 0 };
	struct instant now = { NS_PER_SEC };
	struct debut debut = { .over = false };

	(void)state;
	assert_false(debut_waits(&debut, now, tracker, &status, &cma)); /* the call itself */
	assert_true(debut_deadline(&debut).ns == INSTANT_NEVER.ns);
	status.sessions = 1;
	assert_true(debut_waits(&debut, now, tracker, &status, &cma));
	talks(tracker, "nanoprobe:1 udp 10.77.0.11:1984");
	talks(tracker, "nanoprobe:1 tcp 10.77.0.1:1984");
	now = instant_add(now, (DEBUT_MS - 1) * NS_PER_MS);
	assert_true(debut_waits(&debut, now, tracker, &status, &cma));
	assert_true(debut_deadline(&debut).ns == now.ns + NS_PER_MS);
	talks(tracker, "nanoprobe:1 udp 10.77.0.1:1984");
	assert_false(debut_waits(&debut, now, tracker, &status, &cma));
	assert_true(debut_deadline(&debut).ns == INSTANT_NEVER.ns);
	tracker_free(tracker);
}

static void test_never_comes(void **state)
{
	static const uint8_t key[16];
	struct tracker *tracker = tracker_new(key);
	const struct uplink_status status = { .sessions = 1 };
	struct instant now = { NS_PER_SEC };
	struct debut debut = { .over = false };

	(void)state;
	assert_true(debut_waits(&debut, now, tracker, &status, &cma));
	now = debut_deadline(&debut);
	assert_true(now.ns == NS_PER_SEC + DEBUT_MS * NS_PER_MS);
	assert_false(debut_waits(&debut, now, tracker, &status, &cma));
	assert_false(debut_waits(&debut, now, tracker, &status, &cma));
	tracker_free(tracker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_never_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
