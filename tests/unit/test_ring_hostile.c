// SPDX-License-Identifier: Apache-2.0
/* Somebody who hears every beat, and says it again, holds it back, changes it or makes one up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rings.h"

enum { LONG_MS = 60 * 1000 };

static bool loses_from_a(struct rings *rings, int from)
{
	(void)rings;
	return from == RINGS_A;
}

static bool loses_from_b(struct rings *rings, int from)
{
	(void)rings;
	return from == RINGS_B;
}

/*
 * Everything that B ever said is said again, all the time, from the moment that B is dead: it is
 * found dead as if it were not; what was held back helps for as long as it is fresh.
 */
static void test_recorded(void **state)
{
	struct rings *rings = *state;
	int said, held;

	rings_run(rings, LONG_MS);
	rings_restart(rings, RINGS_B); /* recordings of two runs */
	rings_run(rings, LONG_MS);
	said = rings->kept_count;
	/* Five are held back on their way. */
	rings->loses = loses_from_a;
	rings_run(rings, 1);
	rings->loses = NULL;
	rings->dead[RINGS_B] = true;
	held = said;
	for (int64_t ms = 0; ms < 5300; ms += 100) {
		for (int i = 0; i < held; i++) {
			if (rings->kept[i].from == RINGS_B)
				rings_give(rings, RINGS_A, rings->kept[i].bytes);
		}
		rings_run(rings, 100);
	}
	assert_int_not_equal(rings_sight(rings, RINGS_A), SIGHT_HEARD);
	assert_true(ring_counters(rings->ring[RINGS_A])->repeated > 1000);
}

/* Whoever holds beats back and lets them through one by one gains k intervals, and no more. */
static void test_held_back(void **state)
{
	struct rings *rings = *state;
	int next, given = 0;
	struct instant died;

	rings_run(rings, LONG_MS);
	next = rings->kept_count;
	rings->loses = loses_from_b;
	rings_run(rings, 4000);
	rings->dead[RINGS_B] = true;
	died = rings->now;
	for (int64_t ms = 0; ms < 20000; ms += 1000) {
		while (next < rings->kept_count && rings->kept[next].from != RINGS_B)
			next++;
		if (next < rings->kept_count) {
			rings_give(rings, RINGS_A, rings->kept[next++].bytes);
			given++;
		}
		rings_run(rings, 1000);
	}
	assert_int_equal(given, 4);
	assert_int_not_equal(rings_sight(rings, RINGS_A), SIGHT_HEARD);
	assert_in_range(instant_sub(rings->sight_at[RINGS_A][0], died) / NS_PER_MS, 5200, 2 * 5200);
}

/* One recording of an earlier run, again and again, is no neighbour that does not hear us. */
static void test_one_recording(void **state)
{
	struct rings *rings = *state;
	int i = 0;

	rings_run(rings, LONG_MS);
	while (rings->kept[i].from != RINGS_B)
		i++;
	rings_restart(rings, RINGS_B);
	rings_run(rings, LONG_MS);
	rings->dead[RINGS_B] = true;
	for (int64_t ms = 0; ms < 10000; ms += 100) {
		rings_give(rings, RINGS_A, rings->kept[i].bytes);
		rings_run(rings, 100);
	}
	assert_int_equal(rings->sight_count[RINGS_A], 1);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_SILENT);
}

/* Recordings of an earlier run do not keep a neighbour from being answered. */
static void test_recorded_run(void **state)
{
	struct rings *rings = *state;
	int said;

	rings_run(rings, LONG_MS);
	said = rings->kept_count;
	rings_restart(rings, RINGS_B);
	rings_run(rings, 5000);
	for (int64_t ms = 0; ms < LONG_MS; ms += 100) {
		int i = (int)rings_below(rings, (uint32_t)said);

		if (rings->kept[i].from == RINGS_B)
			rings_give(rings, RINGS_A, rings->kept[i].bytes);
		rings_run(rings, 100);
	}
	assert_int_equal(rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B], 0);
}

/* What A sent comes back to it, and what somebody made up: counted, and it proves nothing. */
static void test_forged(void **state)
{
	struct rings *rings = *state;
	const struct ring_counters *counters = ring_counters(rings->ring[RINGS_A]);
	static const uint8_t other[BEAT_KEY] = { 1 };
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct beat beat = { .edge = RINGS_EDGE, .state = BEAT_HIGH };

	rings_run(rings, LONG_MS);
	rings->dead[RINGS_B] = true;
	for (int64_t ms = 0; ms < 5300; ms += 50) {
		const struct rings_datagram *last = &rings->kept[rings->kept_count - 1];

		if (last->from == RINGS_A)
			rings_give(rings, RINGS_A, last->bytes);
		beat.challenge = (uint64_t)ms;
		beat.edge = RINGS_EDGE;
		beat_encode(&beat, other, datagram);
		rings_give(rings, RINGS_A, datagram);
		beat.edge = RINGS_EDGE + 1;
		beat_encode(&beat, rings_key, datagram);
		rings_give(rings, RINGS_A, datagram);
		rings_run(rings, 50);
	}
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_SILENT);
	assert_int_equal(counters->forged, 106);
	assert_int_equal(counters->unknown_edge, 106);
	assert_true(counters->reflected > 90);
	assert_int_equal(counters->unproven, 0);
	ring_input(rings->ring[RINGS_A], rings->now, &rings->at[RINGS_B], SPAN_TEXT("?"));
	assert_int_equal(counters->malformed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rings_setup, rings_teardown)

static int start(void **state)
{
	(void)state;
	return seal_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_recorded),
		TEST(test_held_back),
		TEST(test_one_recording),
		TEST(test_recorded_run),
		TEST(test_forged),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
