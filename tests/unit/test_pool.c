// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cma/pool.h"

/* Each has memory of its own, zeroed when it is taken, and what is given back is taken again. */
static void test_take_and_give(void **state)
{
	enum { OBJECTS = 200, SIZE = 24 };
	static const uint8_t zeroes[SIZE];
	struct pool pool = { .size = SIZE };
	uint8_t *objects[OBJECTS];
	void *blocks;

	(void)state;
	for (int i = 0; i < OBJECTS; i++) {
		objects[i] = pool_take(&pool);
		assert_memory_equal(objects[i], zeroes, SIZE);
		memset(objects[i], i + 1, SIZE);
	}
	for (int i = 0; i < OBJECTS; i++) {
		for (int at = 0; at < SIZE; at++)
			assert_int_equal(objects[i][at], i + 1);
	}
	blocks = pool.blocks;
	for (int i = 0; i < OBJECTS; i++)
		pool_give(&pool, objects[i]);
	for (int i = 0; i < OBJECTS; i++)
		assert_memory_equal(pool_take(&pool), zeroes, SIZE);
	assert_ptr_equal(pool.blocks, blocks);
	pool_deinit(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_and_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
