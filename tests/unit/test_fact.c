// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/fact.h"

static uint8_t big[FACT_VALUE_MAX + 1];

static void assert_fact(const struct fact *got, const struct fact *expect)
{
	assert_int_equal(got->section, expect->section);
	assert_true(span_equal(got->key, expect->key));
	assert_true(span_equal(got->value, expect->value));
}

static void test_round_trip(void **state)
{
	memset(big, 'x', sizeof(big));
	const struct fact facts[] = {
		{ SECTION_HOST, SPAN_TEXT("os"), SPAN_TEXT("{\"nodename\":\"a\"}") },
		{ SECTION_LISTEN, SPAN_TEXT("tcp 10.0.0.1:80"), SPAN(NULL, 0) },
		{ SECTION_COVERAGE, SPAN(big, FACT_KEY_MAX), SPAN(big, FACT_VALUE_MAX) },
		{ SECTION_FILE, SPAN_TEXT("/caf\xc3\xa9"), SPAN_TEXT("{}") },
	};
	enum { COUNT = sizeof(facts) / sizeof(facts[0]) };
	struct writer w = writer_growing(1 << 20);
	struct reader r;
	struct fact fact;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		size_t before = w.size;

		fact_put(&w, &facts[i]);
		assert_int_equal(w.size - before, fact_size(&facts[i]));
	}
	r = reader_of(writer_span(&w));
	for (int i = 0; i < COUNT; i++) {
		assert_true(fact_get(&r, &fact));
		assert_fact(&fact, &facts[i]);
	}
	assert_false(fact_get(&r, &fact));
	assert_true(reader_done(&r));
	writer_free(&w);
}

/* The layout: golden bytes. */
static void test_layout(void **state)
{
	static const uint8_t expect[] = { 7, 1, 0, 'k', 2, 0, 0, 0, '{', '}' };
	struct fact fact = { SECTION_LISTEN, SPAN_TEXT("k"), SPAN_TEXT("{}") };
	uint8_t bytes[64];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	fact_put(&w, &fact);
	assert_int_equal(w.size, sizeof(expect));
	assert_memory_equal(bytes, expect, sizeof(expect));
}

static bool accepted(struct span bytes)
{
	struct reader r = reader_of(bytes);
	struct fact fact;

	while (fact_get(&r, &fact))
		continue;
	return !r.failed;
}

static void test_prefixes(void **state)
{
	struct fact fact = { SECTION_LINK, SPAN_TEXT("eth0"), SPAN_TEXT("{\"mtu\":1500}") };
	uint8_t bytes[128];
	struct writer w = writer_over(bytes, sizeof(bytes));
	size_t one;

	(void)state;
	fact_put(&w, &fact);
	one = w.size;
	fact_put(&w, &fact);
	for (size_t size = 0; size <= w.size; size++)
		assert_int_equal(
			accepted(SPAN(bytes, size)), size == 0 || size == one || size == w.size);
}

/* One fact built from parts that need not fit. */
static bool fact_accepted(uint8_t section, struct span key, struct span value)
{
	struct writer w = writer_growing(1 << 20);
	bool result;

	put_u8(&w, section);
	put_span16(&w, key);
	put_span32(&w, value);
	result = accepted(writer_span(&w));
	writer_free(&w);
	return result;
}

static void test_refused(void **state)
{
	struct span good = SPAN_TEXT("good");

	(void)state;
	memset(big, 'x', sizeof(big));
	for (int section = 0; section < 256; section++)
		assert_int_equal(
			fact_accepted((uint8_t)section, good, good), section < SECTION_COUNT);
	assert_false(fact_accepted(0, SPAN(NULL, 0), good));
	assert_true(fact_accepted(0, SPAN(big, FACT_KEY_MAX), good));
	assert_false(fact_accepted(0, SPAN(big, FACT_KEY_MAX + 1), good));
	assert_true(fact_accepted(0, good, SPAN(big, FACT_VALUE_MAX)));
	assert_false(fact_accepted(0, good, SPAN(big, FACT_VALUE_MAX + 1)));
	assert_false(fact_accepted(0, SPAN("a\0b", 3), good));
	assert_false(fact_accepted(0, good, SPAN("a\0b", 3)));
	assert_false(fact_accepted(0, SPAN_TEXT("\xff"), good));
	assert_false(fact_accepted(0, good, SPAN_TEXT("\xc3")));
}

static void test_put_refuses(void **state)
{
	static uint8_t huge[UINT16_MAX + 1];
	struct fact fact = { SECTION_LINK, SPAN(huge, sizeof(huge)), SPAN_TEXT("{}") };
	struct writer w = writer_growing(1 << 20);

	(void)state;
	fact_put(&w, &fact);
	assert_true(w.failed);
	writer_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_put_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
