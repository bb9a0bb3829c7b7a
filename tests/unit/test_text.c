// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"

static void test_time(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1795375237123, "2026-11-22T19:20:37.123Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -1000, "1969-12-31T23:59:59.000Z" },
		{ 951782400001, "2000-02-29T00:00:00.001Z" },
		{ -62135596800000, "0001-01-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};
	char text[TEXT_TIME_SIZE];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_time(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(text_parse_time(text, 0, &back), 0);
		assert_true(back == cases[i].ms);
	}
	/* The ends of the type: some text, no overflow. */
	text_time(INT64_MAX, text);
	assert_string_equal(text, "292278994-08-17T07:12:55.807Z");
	text_time(INT64_MIN, text);
	assert_true(strlen(text) < TEXT_TIME_SIZE);
}

static void test_parse_time(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "now", 1000000000 },
		{ "-2h", 1000000000 - 7200000 },
		{ "-0", 1000000000 },
		{ "1970-01-02", 86400000 },
		{ "1970-01-01T00:00:01Z", 1000 },
		{ "1970-01-01t00:00:01z", 1000 },
		{ "1970-01-01 00:00:01Z", 1000 },
		{ "1970-01-01T00:00:00.5Z", 500 },
		{ "1970-01-01T00:00:00.123456789Z", 123 },
		{ "1970-01-01T02:00:00+02:00", 0 },
		{ "1970-01-01T00:00:00-01:30", 5400000 },
		{ "2024-02-29", 1709164800000 },
		{ "1999-12-31T23:59:60Z", 946684800000 },
	};
	static const char *const bad[] = { "", " now", "now ", "yesterday", "2026", "2026-1-1",
		"2026-13-01", "2026-00-01", "2026-02-30", "2023-02-29", "2026-04-31", "2026-01-00",
		" 2026-01-01", "2026-01-01 ", "2026- 1-01", "0000-01-01", "+026-01-01",
		"2026-01-01T", "2026-01-01T10:00:00", "2026-01-01T10:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T10:60:00Z", "2026-01-01T10:00:61Z", "2026-01-01T10:00:00.Z",
		"2026-01-01T10:00:00ZZ", "2026-01-01T10:00:00+2:00", "2026-01-01T10:00:00+0200",
		"2026-01-01T10:00:00+-1:+2", "2026-01-01T10:00:00+24:00",
		"2026-01-01T10:00:00+02:60", "2026-01-01T10:00:00+02:00x", "--2h", "-2w", "-" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (text_parse_time(good[i].text, 1000000000, &ms) || ms != good[i].ms)
			fail_msg("%s: %lld", good[i].text, (long long)ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (text_parse_time(bad[i], 0, &ms) != -EINVAL)
			fail_msg("accepted '%s'", bad[i]);
	}
}

static void test_duration(void **state)
{
	int64_t ms = 0;

	(void)state;
	assert_int_equal(text_parse_duration("90", &ms), 0);
	assert_int_equal(ms, 90000);
	assert_int_equal(text_parse_duration("15m", &ms), 0);
	assert_int_equal(ms, 900000);
	assert_int_equal(text_parse_duration("24h", &ms), 0);
	assert_int_equal(ms, 86400000);
	assert_int_equal(text_parse_duration("7d", &ms), 0);
	assert_int_equal(ms, 604800000);
	assert_int_equal(text_parse_duration("0s", &ms), 0);
	assert_int_equal(ms, 0);
	assert_int_equal(text_parse_duration("36500d", &ms), 0);
	assert_int_equal(text_parse_duration("36501d", &ms), -ERANGE);
	assert_int_equal(text_parse_duration("-5s", &ms), -ERANGE);
	assert_int_equal(text_parse_duration("", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("s", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("5 s", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("1h30m", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("5ms", &ms), -EINVAL);
	assert_int_equal(text_parse_duration("1234567890123456789", &ms), -EINVAL);
}

static void test_number(void **state)
{
	int64_t value = 0;

	(void)state;
	assert_int_equal(text_parse_number("65535", 0, 65535, &value), 0);
	assert_int_equal(value, 65535);
	assert_int_equal(text_parse_number("65536", 0, 65535, &value), -ERANGE);
	assert_int_equal(text_parse_number("-9223372036854775808", INT64_MIN, 0, &value), 0);
	assert_true(value == INT64_MIN);
	assert_int_equal(text_parse_number("9223372036854775808", 0, INT64_MAX, &value), -ERANGE);
	assert_int_equal(text_parse_number("", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_number("-", -9, 9, &value), -EINVAL);
	assert_int_equal(text_parse_number("+1", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_number(" 1", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_number("1 ", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_number("0x1", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_number("- 1", -9, 9, &value), -EINVAL);
}

static void test_hex(void **state)
{
	uint8_t bytes[4] = { 0x00, 0x1f, 0xa0, 0xff }, back[4];
	char text[9];

	(void)state;
	text_hex(bytes, 4, text);
	assert_string_equal(text, "001fa0ff");
	assert_int_equal(text_parse_hex("001FA0fF", back, 4), 0);
	assert_memory_equal(bytes, back, 4);
	assert_int_equal(text_parse_hex("001fa0f", back, 4), -EINVAL);
	assert_int_equal(text_parse_hex("001fa0ff0", back, 4), -EINVAL);
	assert_int_equal(text_parse_hex("001fa0fg", back, 4), -EINVAL);
	for (int c = 1; c < 256; c++) {
		char digits[] = { '0', (char)c, '\0' };

		assert_int_equal(text_parse_hex(digits, back, 1),
			strchr("0123456789abcdefABCDEF", c) ? 0 : -EINVAL);
	}
	text_hex(bytes, 0, text);
	assert_string_equal(text, "");
}

static void test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t size, good;
	} cases[] = {
		{ "", 0, 0 },
		{ "plain", 5, 5 },
		{ "a\0b", 3, 3 }, /* NUL is a character */
		{ "\xc3\xa9", 2, 2 },
		{ "\xe2\x82\xac", 3, 3 },
		{ "\xf0\x9f\x98\x80", 4, 4 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 }, /* U+10FFFF */
		{ "\xf4\x90\x80\x80", 4, 0 }, /* behind it */
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xed\xa0\x80", 3, 0 }, /* a surrogate */
		{ "\xc0\x80", 2, 0 },	  /* overlong forms */
		{ "\xc1\xbf", 2, 0 },
		{ "\xe0\x9f\xbf", 3, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 },
		{ "\x80", 1, 0 },
		{ "\xff", 1, 0 },
		{ "ok\xc3", 3, 2 }, /* cut off */
		{ "ok\xe2\x82", 4, 2 },
		{ "ok\xf0\x9f\x98", 5, 2 },
		{ "a\xc3(", 3, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (text_utf8_prefix(SPAN(cases[i].bytes, cases[i].size)) != cases[i].good)
			fail_msg("case %zu", i);
	}
}

static void test_copy(void **state)
{
	char to[4] = "xxx";

	(void)state;
	text_copy_to(to, sizeof(to), "ab");
	assert_string_equal(to, "ab");
	text_copy_to(to, sizeof(to), "abcdef");
	assert_string_equal(to, "abc");
	text_copy_to(to, 1, "abcdef");
	assert_string_equal(to, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_parse_time),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_copy),
	};

	/* Nothing may depend on where the host is. */
	setenv("TZ", "America/St_Johns", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
