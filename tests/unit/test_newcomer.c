// SPDX-License-Identifier: Apache-2.0
/* What agents say of themselves before the store knows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cma/newcomer.h"

static void test_says_all_later(void **state)
{
	struct newcomers newcomers = { .by_id = { .size = 0 } };
	const struct hub_agent agent = { .id = 7, .tenant = 3, .incarnation = 99 };
	const struct record_held held = { .version = 0, .port = 1985 };
	const struct addr from = { .port = 5555 };
	struct newcomer newcomer;

	(void)state;
	newcomer_add(&newcomers, &agent);
	assert_true(newcomer_held(&newcomers, 7, &held, &from));
	newcomer_boot(&newcomers, 7, 12);
	newcomer_left(&newcomers, 7);
	assert_true(newcomer_take(&newcomers, 7, &newcomer));
	assert_int_equal(newcomer.agent.id, 7);
	assert_int_equal(newcomer.agent.tenant, 3);
	assert_int_equal(newcomer.agent.incarnation, 99);
	assert_int_equal(newcomer.agent.boot, 12);
	assert_int_equal(newcomer.agent.status, ALIVE_UP);
	assert_true(newcomer.left);
	assert_true(newcomer.has_held);
	assert_int_equal(newcomer.held.port, 1985);
	assert_int_equal(newcomer.from.port, 5555);
	assert_false(newcomer_take(&newcomers, 7, &newcomer));
	newcomer_deinit(&newcomers);
}

/* Its enrolment is handed out again when it could not be committed, maybe by another run of it. */
static void test_enrols_again(void **state)
{
	struct newcomers newcomers = { .by_id = { .size = 0 } };
	struct hub_agent agent = { .id = 7, .incarnation = 1 };
	const struct record_held held = { .port = 1985 };
	const struct addr from = { .port = 5555 };
	struct newcomer newcomer;

	(void)state;
	newcomer_add(&newcomers, &agent);
	newcomer_held(&newcomers, 7, &held, &from);
	newcomer_left(&newcomers, 7);
	agent.incarnation = 2;
	newcomer_add(&newcomers, &agent);
	assert_true(newcomer_take(&newcomers, 7, &newcomer));
	assert_int_equal(newcomer.agent.incarnation, 2);
	assert_false(newcomer.left);
	assert_true(newcomer.has_held);
	newcomer_deinit(&newcomers);
}

static void test_of_nobody(void **state)
{
	struct newcomers newcomers = { .by_id = { .size = 0 } };
	const struct hub_agent agent = { .id = 7 };
	const struct record_held held = { .port = 1985 };
	const struct addr from = { .port = 5555 };
	struct newcomer newcomer;

	(void)state;
	newcomer_add(&newcomers, &agent); /* which the store refuses: it stays until the end */
	assert_false(newcomer_held(&newcomers, 8, &held, &from));
	newcomer_boot(&newcomers, 8, 12);
	newcomer_left(&newcomers, 8);
	assert_false(newcomer_take(&newcomers, 8, &newcomer));
	newcomer_deinit(&newcomers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_all_later),
		cmocka_unit_test(test_enrols_again),
		cmocka_unit_test(test_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
