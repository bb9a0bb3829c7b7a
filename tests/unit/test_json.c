// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static void test_canonical(void **state)
{
	json_t *value autojson = NULL;
	char *text autofree = NULL;

	(void)state;
	value = json_parse(
		SPAN_TEXT(" {\"b\" : [1, 2.5, true, null], \"a\":\"\\u00e9\\n\" } "), 100, NULL, 0);
	assert_non_null(value);
	text = json_text(value);
	assert_string_equal(text, "{\"a\":\"\xc3\xa9\\n\",\"b\":[1,2.5,true,null]}");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "1:" },
		{ "{", "1:1:" },
		{ "{\n\"a\":1,\n\"a\":2}", "3:3: duplicate object key" },
		{ "{} {}", "end of file expected" },
		{ "{\"a\":\"\\u0000\"}", "\\u0000" },
		{ "[\"\xff\"]", "0xff" },
		{ "1234567890123456789012345678901234567890", "too big" },
		{ "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]", "the limit is 50" },
	};
	static char deep[5000];
	char error[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(json_parse(SPAN_TEXT(cases[i].text), 50, error, sizeof(error)));
		if (!strstr(error, cases[i].why))
			fail_msg("'%s' does not say '%s'", error, cases[i].why);
	}
	assert_null(json_parse(SPAN(NULL, 0), 50, error, sizeof(error)));
	memset(deep, '[', sizeof(deep));
	assert_null(json_parse(SPAN(deep, sizeof(deep)), sizeof(deep), error, sizeof(error)));
	assert_non_null(strstr(error, "depth"));
}

static void test_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *expect;
	} cases[] = {
		{ "", 0, "" },
		{ "plain", 5, "plain" },
		{ "\xff", 1, "\xef\xbf\xbd" },
		{ "a\xffz", 3, "a\xef\xbf\xbdz" },
		{ "\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "a\0b", 3,
			"a\xef\xbf\xbd"
			"b" },
		{ "\0", 1, "\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *value autojson = json_bytes(SPAN(cases[i].bytes, cases[i].size));
		char *text autofree = json_text(value);
		json_t *back autojson = json_parse(SPAN_TEXT(text), 100, NULL, 0);

		assert_string_equal(json_string_value(value), cases[i].expect);
		assert_non_null(back); /* our own parser takes what we make */
	}
}

static void test_members(void **state)
{
	json_t *object autojson = json_object();

	(void)state;
	json_set_text(object, "a", "text");
	json_set_text(object, "empty", "");
	json_set_text(object, "none", NULL);
	json_object_set_new(object, "number", json_integer(5));
	assert_int_equal(json_object_size(object), 2);
	assert_string_equal(json_get_text(object, "a"), "text");
	assert_string_equal(json_get_text(object, "number"), "");
	assert_string_equal(json_get_text(object, "missing"), "");
	assert_string_equal(json_get_text(NULL, "a"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_members),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
