// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "wire/replay.h"

/* The cases of RFC 6479's sample and of WireGuard's description of it. */
static void test_cases(void **state)
{
	static const uint64_t window = REPLAY_WINDOW, top = UINT64_MAX - 1;
	static const struct {
		uint64_t counter;
		bool accepted;
	} steps[] = {
		{ 0, true },
		{ 1, true },
		{ 1, false },
		{ 9, true },
		{ 8, true },
		{ 7, true },
		{ 7, false },
		{ window, true },
		{ window - 1, true },
		{ window - 1, false },
		{ window - 2, true },
		{ 2, true },
		{ 2, false },
		{ window + 16, true },
		{ 3, false },
		{ window + 16, false },
		{ window * 4, true },
		{ window * 4 - (window - 1), true },
		{ 10, false },
		{ window * 4 - window, false },
		{ window * 4 - (window + 1), false },
		{ window * 4 - (window - 2), true },
		{ window * 4 + 1 - window, false },
		{ 0, false },
		{ top, true },
		{ top - 1, true },
		{ top, false },
		{ top - 1, false },
		{ top - 2, true },
		{ top + 1, false },
		{ top - 3, true },
		{ top - window + 1, true },
		{ top - window, false },
		{ 0, false },
	};
	struct replay r = { .next = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(replay_fresh(&r, steps[i].counter), steps[i].accepted);
		if (replay_accept(&r, steps[i].counter) != steps[i].accepted)
			fail_msg("step %zu", i);
	}
}

static void test_whole_window(void **state)
{
	struct replay r = { .next = 0 };

	(void)state;
	for (uint64_t c = 1; c <= REPLAY_WINDOW; c++)
		assert_true(replay_accept(&r, c));
	assert_false(replay_accept(&r, 0));

	/* Downwards from a jump, to the very end of the window. */
	for (uint64_t c = 2 * REPLAY_WINDOW + 40; c > REPLAY_WINDOW + 40; c--)
		assert_true(replay_accept(&r, c));
	assert_false(replay_accept(&r, REPLAY_WINDOW + 40));
	for (uint64_t c = 0; c <= 2 * REPLAY_WINDOW + 40; c++)
		assert_false(replay_accept(&r, c));
}

/* Against a plain table of what was accepted, in random order with jumps. */
static void test_model(void **state)
{
	enum { COUNTERS = 60000, STEPS = 200000 };
	bool *seen = calloc(COUNTERS, sizeof(bool));
	struct replay r = { .next = 0 };
	unsigned int seed = (unsigned int)time(NULL);
	int64_t newest = -1;

	(void)state;
	printf("seed %u\n", seed);
	for (int i = 0; i < STEPS; i++) {
		int64_t around = newest + 60 - rand_r(&seed) % (REPLAY_WINDOW + 200);
		int64_t counter = around < 0 ? 0 : around >= COUNTERS ? COUNTERS - 1 : around;
		bool expect =
			counter > newest || (newest - counter < REPLAY_WINDOW && !seen[counter]);

		if (rand_r(&seed) % 4 && counter > newest)
			continue; /* let the window move slowly */
		assert_int_equal(replay_accept(&r, (uint64_t)counter), expect);
		seen[counter] = true;
		if (counter > newest)
			newest = counter;
	}
	assert_true(newest > REPLAY_WINDOW * 8);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_whole_window),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
