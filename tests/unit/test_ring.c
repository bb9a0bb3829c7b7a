// SPDX-License-Identifier: Apache-2.0
/* What the ends of an edge see of each other: death, loss, one way, stalls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rings.h"

enum { LONG_MS = 60 * 1000, DAY_MS = 24 * 3600 * 1000 };

static int64_t since_ms(const struct rings *rings, struct instant since)
{
	return instant_sub(rings->now, since) / NS_PER_MS;
}

/* A beat a second from each end, none of which comes before or after its tenth. */
static void test_beats(void **state)
{
	struct rings *rings = *state;
	int64_t last[RINGS_COUNT] = { 0 };

	rings_run(rings, LONG_MS);
	assert_in_range(rings->kept_count, 2 * 59, 2 * 61);
	for (int i = 0; i < rings->kept_count; i++) {
		const struct rings_datagram *kept = &rings->kept[i];

		if (last[kept->from])
			assert_in_range(kept->sent.ns - last[kept->from], 800 * NS_PER_MS,
				1200 * NS_PER_MS);
		last[kept->from] = kept->sent.ns;
	}
	assert_int_equal(rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B], 0);
	assert_true(ring_counters(rings->ring[RINGS_A])->heard >= 57);
}

/* Within 5 beats and 0.2 s, and not before 4. */
static void test_death(void **state)
{
	struct rings *rings = *state;
	const struct message_sight *sight = &rings->sights[RINGS_A][0];
	struct instant died;

	rings_run(rings, LONG_MS);
	rings->dead[RINGS_B] = true;
	died = rings->now;
	rings_run(rings, LONG_MS);
	assert_int_equal(rings->sight_count[RINGS_A], 1);
	assert_int_equal(sight->sight, SIGHT_SILENT);
	assert_int_equal(sight->misses, 5);
	assert_int_equal(sight->loss, 0);
	assert_int_equal(sight->health, 0);
	assert_in_range(sight->quiet_ms, 5200, 5210);
	assert_in_range(instant_sub(rings->sight_at[RINGS_A][0], died) / NS_PER_MS, 3900, 5210);
	assert_true(sight->clock_ms == (uint64_t)rings->sight_at[RINGS_A][0].ns / NS_PER_MS);
	/* Its nanoprobe is there again: two beats, one to be heard and one to be answered. */
	rings->dead[RINGS_B] = false;
	rings_restart(rings, RINGS_B);
	rings_run(rings, 2200);
	assert_int_equal(rings->sight_count[RINGS_A], 2);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_HEARD);
}

/* A host that starts again within its five beats is not missed. */
static void test_restart(void **state)
{
	struct rings *rings = *state;

	for (int i = 0; i < 20; i++) {
		rings_run(rings, LONG_MS / 10);
		rings->dead[RINGS_B] = true;
		rings_run(rings, 2000);
		rings->dead[RINGS_B] = false;
		rings_restart(rings, RINGS_B);
	}
	rings_run(rings, LONG_MS);
	assert_int_equal(rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B], 0);
}

/* Who was never heard is not accused before his time, counted from our start. */
static void test_never_heard(void **state)
{
	struct rings *rings = *state;
	struct instant start;

	rings->dead[RINGS_B] = true;
	rings_run(rings, LONG_MS);
	rings_restart(rings, RINGS_A);
	rings->sight_count[RINGS_A] = 0;
	start = rings->now;
	rings_run(rings, 5190);
	assert_int_equal(rings->sight_count[RINGS_A], 0);
	rings_run(rings, 20);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_SILENT);
	assert_in_range(since_ms(rings, start), 5200, 5220);
}

static bool loses_tenth(struct rings *rings, int from)
{
	(void)from;
	return rings_below(rings, 10) == 0;
}

static bool loses_quarter(struct rings *rings, int from)
{
	(void)from;
	return rings_below(rings, 4) == 0;
}

/* Four in a row, each fourth of the time. */
static bool loses_bursts(struct rings *rings, int from)
{
	if (!rings->burst[from] && rings_below(rings, 16) == 0)
		rings->burst[from] = 4;
	return rings->burst[from] && rings->burst[from]--;
}

static void lose(struct rings *rings, bool (*loses)(struct rings *rings, int from), int minutes)
{
	rings->loses = loses;
	for (int i = 0; i < minutes; i++) {
		rings_run(rings, LONG_MS);
		rings->kept_count = rings->pending = 0;
	}
}

/* k follows the loss: false accusations stay rare, death is still seen in its time. */
static void test_loss(void **state)
{
	static const struct {
		bool (*loses)(struct rings *rings, int from);
		int sights; /* at most, of both ends in a day */
		int low, high;
	} cases[] = {
		{ loses_tenth, 12, 5, 5 },
		{ loses_quarter, 40, 6, 10 },
		{ loses_bursts, 48, 9, 20 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rings *rings;
		int sights;

		rings_teardown(state);
		rings_setup(state);
		rings = *state;
		lose(rings, cases[i].loses, 60);
		rings->sight_count[RINGS_A] = rings->sight_count[RINGS_B] = 0;
		lose(rings, cases[i].loses, DAY_MS / LONG_MS);
		sights = rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B];
		print_message("case %zu: %d sights in a day\n", i, sights);
		assert_true(sights <= cases[i].sights);
		rings->dead[RINGS_B] = true;
		rings_run(rings, LONG_MS);
		assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_SILENT);
		assert_in_range(rings->sights[RINGS_A][rings->sight_count[RINGS_A] - 1].misses,
			cases[i].low, cases[i].high);
	}
}

static bool loses_from_a(struct rings *rings, int from)
{
	(void)rings;
	return from == RINGS_A;
}

/* B hears nothing of A; A hears B, who does not echo what A says. */
static void test_one_way(void **state)
{
	struct rings *rings = *state;

	rings_run(rings, LONG_MS);
	rings->loses = loses_from_a;
	rings_run(rings, 15000);
	assert_int_equal(rings_sight(rings, RINGS_B), SIGHT_SILENT);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_ONE_WAY);
	assert_int_equal(rings->sight_count[RINGS_A], 1);
	rings->loses = NULL;
	rings_run(rings, 2400);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_HEARD);
	assert_int_equal(rings_sight(rings, RINGS_B), SIGHT_HEARD);
	/* The same from the beginning of both. */
	rings->loses = loses_from_a;
	rings_restart(rings, RINGS_A);
	rings_restart(rings, RINGS_B);
	rings_run(rings, 15000);
	assert_int_equal(rings_sight(rings, RINGS_B), SIGHT_SILENT);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_ONE_WAY);
}

/* Nobody listens, and its kernel says so: two beats, and silence when that dies too. */
static void test_refused(void **state)
{
	struct rings *rings = *state;

	rings_run(rings, LONG_MS);
	rings->refuses[RINGS_B] = true;
	rings_run(rings, 2300);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_REFUSED);
	rings_run(rings, LONG_MS);
	assert_int_equal(rings->sight_count[RINGS_A], 1);
	rings->refuses[RINGS_B] = false;
	rings->dead[RINGS_B] = true;
	rings_run(rings, 6000);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_SILENT);
	rings->dead[RINGS_B] = false;
	rings_restart(rings, RINGS_B);
	rings_run(rings, 2200);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_HEARD);
}

/* One ICMP error is no accusation, nor are many for one beat, nor those about somebody else. */
static void test_refused_once(void **state)
{
	struct rings *rings = *state;
	struct addr other = rings->at[RINGS_B];

	rings_run(rings, LONG_MS);
	other.port++;
	for (int i = 0; i < 100; i++) {
		ring_refused(rings->ring[RINGS_A], rings->now, &rings->at[RINGS_B]);
		ring_refused(rings->ring[RINGS_A], rings->now, &other);
	}
	rings_run(rings, LONG_MS);
	assert_int_equal(rings->sight_count[RINGS_A], 0);
	assert_int_equal(ring_counters(rings->ring[RINGS_A])->refused, 100);
}

static bool loses_from_b(struct rings *rings, int from)
{
	(void)rings;
	return from == RINGS_B;
}

/* Stopped for a minute: A accuses nobody, says how late it was, and that is forgotten. */
static void test_stopped(void **state)
{
	struct rings *rings = *state;
	const struct message_sight *sight = &rings->sights[RINGS_A][0];

	rings_run(rings, LONG_MS);
	rings->stopped[RINGS_A] = true;
	rings_run(rings, LONG_MS);
	assert_int_equal(rings_sight(rings, RINGS_B), SIGHT_SILENT);
	rings_continue(rings, RINGS_A);
	rings_run(rings, 2000);
	assert_int_equal(rings_sight(rings, RINGS_B), SIGHT_HEARD);
	assert_int_equal(rings->sight_count[RINGS_A], 0);
	assert_int_equal(ring_counters(rings->ring[RINGS_A])->stalls, 1);
	/* B died while A was stopped: A finds that out in its own time. */
	rings->stopped[RINGS_A] = true;
	rings_run(rings, 2000);
	rings->dead[RINGS_B] = true;
	rings_run(rings, LONG_MS);
	rings_continue(rings, RINGS_A);
	rings_run(rings, 5100);
	assert_int_equal(rings->sight_count[RINGS_A], 0);
	rings_run(rings, 200);
	assert_int_equal(rings->sight_count[RINGS_A], 1);
	assert_int_equal(sight->sight, SIGHT_SILENT);
	assert_true(sight->health > 100);
	rings->dead[RINGS_B] = false;
	rings_restart(rings, RINGS_B);
	rings_run(rings, LONG_MS);
	rings->dead[RINGS_B] = true;
	rings_run(rings, 6000);
	assert_int_equal(rings->sights[RINGS_A][2].sight, SIGHT_SILENT);
	assert_int_equal(rings->sights[RINGS_A][2].health, 0);
	assert_int_equal(rings->sights[RINGS_A][2].misses, 5);
}

/* Stopped, and what came meanwhile found no room: who did not listen has not heard that nobody
 * spoke. */
static void test_deaf(void **state)
{
	struct rings *rings = *state;

	rings_run(rings, LONG_MS);
	rings->stopped[RINGS_A] = true;
	rings->loses = loses_from_b;
	rings_run(rings, 20000);
	rings_continue(rings, RINGS_A);
	rings_run(rings, 4000);
	rings->loses = NULL;
	rings_run(rings, LONG_MS);
	assert_int_equal(rings->sight_count[RINGS_A], 0);
	/* Nothing of that was loss. */
	rings->dead[RINGS_B] = true;
	rings_run(rings, 5300);
	assert_int_equal(rings->sights[RINGS_A][0].misses, 5);
	assert_int_equal(rings->sights[RINGS_A][0].loss, 0);
}

static bool loses_all(struct rings *rings, int from)
{
	(void)rings;
	(void)from;
	return true;
}

/* Cut off for a minute: both say so, once, and it is no loss either. */
static void test_cut_off(void **state)
{
	struct rings *rings = *state;

	rings_run(rings, LONG_MS);
	rings->loses = loses_all;
	rings_run(rings, LONG_MS);
	rings->loses = NULL;
	rings_run(rings, LONG_MS);
	for (int i = 0; i < RINGS_COUNT; i++) {
		assert_int_equal(rings->sight_count[i], 2);
		assert_int_equal(rings_sight(rings, i), SIGHT_HEARD);
		assert_int_equal(rings->sights[i][1].loss, 0);
		assert_int_equal(rings->sights[i][1].misses, 5);
	}
}

static void cut_off(struct rings *rings, int64_t ms)
{
	rings->loses = loses_all;
	rings_run(rings, ms);
	rings->loses = NULL;
	rings_run(rings, LONG_MS);
}

/* How many beats A misses until it calls B silent, which dies now. */
static uint8_t misses_of_death(struct rings *rings)
{
	rings->dead[RINGS_B] = true;
	rings_run(rings, LONG_MS);
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_SILENT);
	return rings->sights[RINGS_A][rings->sight_count[RINGS_A] - 1].misses;
}

/* Not as long an absence as some losses last, but one: the next death is told as fast. */
static void test_cut_off_short(void **state)
{
	for (int64_t ms = 6100; ms <= 22100; ms += 1000) {
		struct rings *rings;

		rings_teardown(state);
		rings_setup(state);
		rings = *state;
		rings_run(rings, LONG_MS);
		cut_off(rings, ms);
		assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_HEARD);
		assert_int_equal(misses_of_death(rings), 5);
		assert_int_equal(rings->sights[RINGS_A][rings->sight_count[RINGS_A] - 1].loss, 0);
	}
}

/* What happens again and again is waited for, until it has not happened for half an hour. */
static void test_cut_off_often(void **state)
{
	struct rings *rings = *state;

	rings_run(rings, LONG_MS);
	for (int i = 0; i < 4; i++)
		cut_off(rings, 9000);
	rings->sight_count[RINGS_A] = 0;
	cut_off(rings, 9000);
	assert_int_equal(rings->sight_count[RINGS_A], 0);
	lose(rings, NULL, 31);
	assert_int_equal(misses_of_death(rings), 5);
}

static bool loses_third_from_a(struct rings *rings, int from)
{
	return from == RINGS_A && rings_below(rings, 3) == 0;
}

/* What B misses of A is what A has to be patient for: its beats cannot echo what did not come. */
static void test_loss_of_the_other_way(void **state)
{
	struct rings *rings = *state;

	lose(rings, loses_third_from_a, 30);
	rings->dead[RINGS_B] = true;
	rings_run(rings, LONG_MS);
	assert_in_range(rings->sights[RINGS_A][rings->sight_count[RINGS_A] - 1].misses, 7, 11);
	assert_int_equal(rings->sights[RINGS_A][rings->sight_count[RINGS_A] - 1].loss, 0);
}

/* Starved: it runs only every 0.9 s, and hears all that came in between. */
static void test_starved(void **state)
{
	struct rings *rings = *state;

	for (int i = 0; i < 200; i++) {
		rings->stopped[RINGS_A] = true;
		rings_run(rings, 900);
		rings_continue(rings, RINGS_A);
	}
	assert_int_equal(rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B], 0);
}

/* The neighbour has another address: whoever proves to be it is it. */
static void test_roams(void **state)
{
	struct rings *rings = *state;
	const struct addr before = rings->at[RINGS_B];

	rings_run(rings, LONG_MS);
	rings->at[RINGS_B].ip[15] = 77;
	rings_run(rings, LONG_MS);
	assert_int_equal(rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B], 0);
	assert_true(ring_counters(rings->ring[RINGS_B])->heard > 110);
	/* Recordings from elsewhere move nobody. */
	rings->at[RINGS_B] = before;
	for (int i = 0; i < rings->kept_count; i++)
		rings_give(rings, RINGS_A, rings->kept[i].bytes);
	rings->at[RINGS_B].ip[15] = 77;
	rings_run(rings, LONG_MS);
	assert_int_equal(rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B], 0);
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
		TEST(test_beats),
		TEST(test_death),
		TEST(test_restart),
		TEST(test_never_heard),
		TEST(test_loss),
		TEST(test_one_way),
		TEST(test_refused),
		TEST(test_refused_once),
		TEST(test_stopped),
		TEST(test_deaf),
		TEST(test_cut_off),
		TEST(test_cut_off_short),
		TEST(test_cut_off_often),
		TEST(test_loss_of_the_other_way),
		TEST(test_starved),
		TEST(test_roams),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
