// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_span(void **state)
{
	struct span none = { NULL, 0 };

	(void)state;
	assert_true(span_equal(SPAN_TEXT("abc"), SPAN("abcd", 3)));
	assert_false(span_equal(SPAN_TEXT("abc"), SPAN_TEXT("abd")));
	assert_false(span_equal(SPAN_TEXT("abc"), SPAN_TEXT("ab")));
	assert_true(span_equal(none, SPAN_TEXT("")));
	assert_int_equal(span_compare(SPAN_TEXT("abc"), SPAN_TEXT("abc")), 0);
	assert_int_equal(span_compare(SPAN_TEXT("ab"), SPAN_TEXT("abc")), -1);
	assert_int_equal(span_compare(SPAN_TEXT("b"), SPAN_TEXT("abc")), 1);
	assert_int_equal(span_compare(SPAN_TEXT("\xff"), SPAN_TEXT("a")), 1);
	assert_int_equal(span_compare(none, none), 0);
	assert_int_equal(span_compare(none, SPAN_TEXT("a")), -1);
}

static void test_round_trip(void **state)
{
	static const uint8_t expect[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e,
		0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 2, 0, 'h', 'i', 3, 0, 0, 0, 'y', 'o', 'u',
		'!' };
	struct writer w = writer_growing(1000);
	struct reader r;
	uint8_t last[1];

	(void)state;
	put_u8(&w, 0x01);
	put_u16(&w, 0x0203);
	put_u32(&w, 0x04050607);
	put_u64(&w, 0x08090a0b0c0d0e0f);
	put_span16(&w, SPAN_TEXT("hi"));
	put_span32(&w, SPAN_TEXT("you"));
	put_bytes(&w, "!", 1);
	assert_int_equal(w.size, sizeof(expect));
	assert_memory_equal(w.data, expect, sizeof(expect));

	r = reader_of(writer_span(&w));
	assert_int_equal(get_u8(&r), 0x01);
	assert_int_equal(get_u16(&r), 0x0203);
	assert_int_equal(get_u32(&r), 0x04050607);
	assert_true(get_u64(&r) == 0x08090a0b0c0d0e0f);
	assert_true(span_equal(get_span16(&r), SPAN_TEXT("hi")));
	assert_true(span_equal(get_span32(&r), SPAN_TEXT("you")));
	assert_false(reader_done(&r));
	get_bytes(&r, last, 1);
	assert_int_equal(last[0], '!');
	assert_true(reader_done(&r));
	assert_int_equal(get_rest(&r).size, 0);
	assert_true(reader_done(&r));
	writer_free(&w);
}

/* Once failed, for ever failed, and only zeroes come out. */
static void test_reader_fails(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct reader r = reader_of(SPAN(bytes, 7));
	uint8_t to[8];

	(void)state;
	assert_true(get_u64(&r) == 0);
	assert_true(r.failed);
	assert_int_equal(get_u8(&r), 0);
	assert_int_equal(get_rest(&r).size, 0);
	assert_false(reader_done(&r));
	memset(to, 0xff, sizeof(to));
	get_bytes(&r, to, sizeof(to));
	for (size_t i = 0; i < sizeof(to); i++)
		assert_int_equal(to[i], 0);

	r = reader_of(SPAN("\x05\x00hell", 6));
	assert_int_equal(get_span16(&r).size, 0);
	assert_true(r.failed);
	r = reader_of(SPAN("\xff\xff\xff\xff!", 5));
	assert_int_equal(get_span32(&r).size, 0);
	assert_true(r.failed);
	r = reader_of(SPAN(bytes, 7));
	assert_null(get_span(&r, SIZE_MAX).data);
	assert_true(r.failed);
	r = reader_of(SPAN(NULL, 0));
	assert_true(reader_done(&r));
	assert_int_equal(get_span(&r, 0).size, 0);
	assert_int_equal(get_u8(&r), 0);
	assert_true(r.failed);
}

static void test_writer_over(void **state)
{
	uint8_t memory[5] = { 9, 9, 9, 9, 9 };
	struct writer w = writer_over(memory, 4);

	(void)state;
	put_u32(&w, 1);
	assert_false(w.failed);
	put_u8(&w, 1);
	assert_true(w.failed);
	assert_int_equal(memory[4], 9);
	assert_int_equal(writer_span(&w).size, 0);
	writer_reset(&w);
	put_u16(&w, 7);
	put_u32(&w, 7); /* does not fit */
	put_u8(&w, 7);	/* would fit, but a part is missing */
	assert_true(w.failed);
	assert_int_equal(w.size, 2);
	writer_free(&w);
	put_u8(&w, 1);
	assert_true(w.failed);
}

static void test_writer_grows(void **state)
{
	struct writer w = writer_growing(10000);

	(void)state;
	put_span(&w, SPAN_TEXT("")); /* nothing, before there is any memory */
	assert_false(w.failed);
	for (uint16_t i = 0; i < 5000; i++)
		put_u16(&w, i);
	assert_false(w.failed);
	assert_int_equal(w.size, 10000);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(w.data[2 * i] | w.data[2 * i + 1] << 8, i);
	assert_non_null(put_room(&w, 0));
	put_u8(&w, 1);
	assert_true(w.failed);
	assert_null(put_room(&w, 0));
	writer_free(&w);

	w = writer_growing(10);
	assert_null(put_room(&w, SIZE_MAX));
	assert_true(w.failed);
	writer_free(&w);
}

static void test_span16_too_long(void **state)
{
	static uint8_t big[UINT16_MAX + 1];
	struct writer w = writer_growing(1 << 20);

	(void)state;
	put_span16(&w, SPAN(big, UINT16_MAX));
	assert_false(w.failed);
	put_span16(&w, SPAN(big, sizeof(big)));
	assert_true(w.failed);
	writer_free(&w);
}

/* A length of 4 GiB is refused before any byte of it is looked at. */
static void test_span32_too_long(void **state)
{
	uint8_t memory[16];
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	put_span32(&w, SPAN(memory, (size_t)UINT32_MAX + 1));
	assert_true(w.failed);
	assert_int_equal(w.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_reader_fails),
		cmocka_unit_test(test_writer_over),
		cmocka_unit_test(test_writer_grows),
		cmocka_unit_test(test_span16_too_long),
		cmocka_unit_test(test_span32_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
