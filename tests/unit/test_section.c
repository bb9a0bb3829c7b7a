// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/section.h"

/* The numbers are on the wire and in the store: this list may only grow. */
static void test_numbers(void **state)
{
	static const char *const names[] = { "host", "link", "address", "neighbour", "route",
		"lldp", "process", "listen", "client", "inbound", "package", "file", "config",
		"check", "script", "coverage" };

	(void)state;
	assert_int_equal(SECTION_COUNT, sizeof(names) / sizeof(names[0]));
	assert_true(SECTION_COUNT <= 16);
	for (int i = 0; i < SECTION_COUNT; i++)
		assert_string_equal(section_name((enum section)i), names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
