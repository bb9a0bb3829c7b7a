// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cma/table.h"

enum { THINGS = 1000 };

struct thing {
	int value;
	struct table_link link;
};

static void remove_thing(void *table, struct table_link *link)
{
	table_remove(table, link);
	free(table_object(link, struct thing, link));
}

/* Two things for each hash, in a table that grows. */
static void test_table(void **state)
{
	struct table table = { 0 };

	(void)state;
	assert_null(table_find(&table, 7));
	for (int i = 0; i < THINGS; i++) {
		struct thing *thing = mem_alloc(1, sizeof(*thing));

		thing->value = i;
		table_insert(&table, &thing->link, (uint64_t)i / 2);
	}
	assert_int_equal(table.count, THINGS);
	for (int i = 0; i < THINGS; i += 2) {
		struct table_link *one = table_find(&table, (uint64_t)i / 2);
		struct table_link *other = table_find_next(one);

		assert_int_equal(table_object(one, struct thing, link)->value +
				table_object(other, struct thing, link)->value,
			2 * i + 1);
		assert_null(table_find_next(other));
		remove_thing(&table, one);
		assert_ptr_equal(table_find(&table, (uint64_t)i / 2), other);
	}
	assert_int_equal(table.count, THINGS / 2);
	assert_null(table_find(&table, THINGS));
	table_each(&table, remove_thing, &table);
	assert_int_equal(table.count, 0);
	table_deinit(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
