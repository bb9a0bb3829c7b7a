// SPDX-License-Identifier: Apache-2.0
/* Turns of what is sent again: in order of time, whatever their waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cma/retry.h"

struct letter {
	int name;
	struct retry retry;
};

static int first(const struct retries *retries)
{
	struct retry *retry = retry_first(retries);

	return retry ? retry_object(retry, struct letter, retry)->name : 0;
}

static void test_waits_grow(void **state)
{
	static const int64_t waits_s[] = { 1, 2, 4, 8, 16, 30, 30 };
	struct letter letter = { .name = 1 };
	struct instant now = { NS_PER_SEC };
	struct retries retries;

	(void)state;
	retry_init(&retries);
	assert_null(retry_first(&retries));
	retry_add(&retries, &letter.retry, now);
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		size_t step = retry_next_step(&letter.retry);
		struct instant due = retry_due(now, step);

		assert_int_equal(instant_sub(due, now), waits_s[i] * NS_PER_SEC);
		retry_move(&retries, &letter.retry, step, due);
		assert_int_equal(retry_first(&retries)->at.ns, due.ns);
	}
	retry_remove(&retries, &letter.retry);
	assert_null(retry_first(&retries));
}

static void test_the_first_in_time_is_first(void **state)
{
	struct letter letters[] = { { .name = 1 }, { .name = 2 }, { .name = 3 }, { .name = 4 } };
	struct retries retries;

	(void)state;
	retry_init(&retries);
	retry_add(&retries, &letters[0].retry, (struct instant){ 30 });
	retry_add(&retries, &letters[1].retry, (struct instant){ 10 });
	retry_add(&retries, &letters[2].retry, (struct instant){ 20 });
	retry_add(&retries, &letters[3].retry, (struct instant){ 40 });
	assert_int_equal(first(&retries), 2);
	retry_move(&retries, &letters[1].retry, 3, (struct instant){ 35 });
	assert_int_equal(first(&retries), 3);
	retry_remove(&retries, &letters[2].retry);
	assert_int_equal(first(&retries), 1);
	retry_remove(&retries, &letters[0].retry);
	assert_int_equal(first(&retries), 2);
	retry_move(&retries, &letters[1].retry, 4, (struct instant){ 50 });
	assert_int_equal(first(&retries), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_grow),
		cmocka_unit_test(test_the_first_in_time_is_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
