// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/pack.h"

/* Text like that of facts: size bytes, the caller frees. */
static uint8_t *make_text(size_t size)
{
	char *text = mem_alloc(size + 128, 1);

	for (size_t at = 0, i = 0; at < size; i++)
		at += (size_t)snprintf(text + at, 128,
			"{\"addr\":\"10.0.%zu.%zu\",\"port\":%zu,\"proto\":\"tcp\"}", i / 7 % 250,
			i * 31 % 250, i * 17 % 65535);
	return (uint8_t *)text;
}

static void round_trip(struct pack *pack, int level, const uint8_t *text, size_t size)
{
	struct writer packed = writer_growing(2 * PACK_RAW_MAX),
		      raw = writer_growing(2 * PACK_RAW_MAX);

	put_u32(&packed, 0xfeedbeef); /* what was there stays */
	assert_true(pack_deflate(pack, level, SPAN(text, size), &packed));
	assert_true(packed.size - 4 < size);
	put_u8(&raw, 7);
	assert_int_equal(pack_inflate(pack, SPAN(packed.data + 4, packed.size - 4), size, &raw), 0);
	assert_int_equal(raw.size, size + 1);
	assert_memory_equal(raw.data + 1, text, size);
	assert_memory_equal(packed.data, "\xef\xbe\xed\xfe", 4);
	writer_free(&packed);
	writer_free(&raw);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = { PACK_MIN, 1000, 5000, 65536, 1 << 20, PACK_RAW_MAX };
	struct pack *pack = pack_new();
	uint8_t *text = make_text(PACK_RAW_MAX);

	(void)state;
	for (int level = 1; level <= 6; level += 5) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			round_trip(pack, level, text, sizes[i]);
		pack_release(pack); /* and from the beginning */
	}
	free(text);
	pack_free(pack);
	pack_free(NULL);
}

static void test_not_worth_it(void **state)
{
	struct pack *pack = pack_new();
	uint8_t *text = make_text(PACK_RAW_MAX + 1), noise[4096], small[64];
	struct writer out = writer_growing(1 << 20), narrow = writer_over(small, sizeof(small));

	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)rand();
	put_u8(&out, 9);
	assert_false(pack_deflate(pack, 6, SPAN(noise, sizeof(noise)), &out));
	assert_false(pack_deflate(pack, 6, SPAN(text, PACK_MIN - 1), &out));
	assert_false(pack_deflate(pack, 6, SPAN(text, 0), &out));
	assert_false(pack_deflate(pack, 6, SPAN(text, PACK_RAW_MAX + 1), &out));
	assert_int_equal(out.size, 1);
	assert_false(out.failed);
	/* No room for what might come out. */
	assert_false(pack_deflate(pack, 6, SPAN(text, 4096), &narrow));
	assert_false(narrow.failed);
	assert_true(pack_deflate(pack, 6, SPAN(text, 4096), &out));
	free(text);
	writer_free(&out);
	pack_free(pack);
}

/* Nothing but the whole text in its exact size. */
static void test_damaged(void **state)
{
	enum { SIZE = 3000 };
	struct pack *pack = pack_new();
	uint8_t *text = make_text(SIZE);
	struct writer packed = writer_growing(PACK_RAW_MAX), raw = writer_growing(PACK_RAW_MAX);
	int passed = 0;

	(void)state;
	assert_true(pack_deflate(pack, 6, SPAN(text, SIZE), &packed));
	for (size_t size = 0; size < packed.size; size++)
		assert_true(pack_inflate(pack, SPAN(packed.data, size), SIZE, &raw) < 0);
	assert_int_equal(pack_inflate(pack, writer_span(&packed), SIZE - 1, &raw), -EBADMSG);
	assert_int_equal(pack_inflate(pack, writer_span(&packed), SIZE + 1, &raw), -EBADMSG);
	put_u8(&packed, 0);
	assert_int_equal(pack_inflate(pack, writer_span(&packed), SIZE, &raw), -EBADMSG);
	packed.size--;
	/* Deflate has no checksum (the seal is ours): a flipped bit may pass, but in bounds. */
	for (size_t bit = 0; bit < packed.size * 8; bit++) {
		packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!pack_inflate(pack, writer_span(&packed), SIZE, &raw)) {
			assert_int_equal(raw.size, SIZE);
			raw.size = 0;
			passed++;
		}
		packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(passed < (int)packed.size * 8);
	assert_int_equal(raw.size, 0);
	assert_false(raw.failed);
	assert_int_equal(pack_inflate(pack, writer_span(&packed), SIZE, &raw), 0);
	assert_memory_equal(raw.data, text, SIZE);
	free(text);
	writer_free(&packed);
	writer_free(&raw);
	pack_free(pack);
}

static void test_bomb(void **state)
{
	struct pack *pack = pack_new();
	uint8_t *zeroes = mem_alloc(1 << 20, 1);
	struct writer packed = writer_growing(PACK_RAW_MAX), raw = writer_growing(PACK_RAW_MAX),
		      narrow = writer_growing(1000);

	(void)state;
	assert_true(pack_deflate(pack, 6, SPAN(zeroes, 1 << 20), &packed));
	assert_true(packed.size * PACK_RATIO_MAX < 1 << 20);
	assert_int_equal(pack_inflate(pack, writer_span(&packed), 1 << 20, &raw), -EMSGSIZE);
	/* One that lies about its size gets no further than what it said. */
	assert_int_equal(
		pack_inflate(pack, writer_span(&packed), packed.size * PACK_RATIO_MAX, &raw),
		-EBADMSG);
	assert_int_equal(
		pack_inflate(pack, SPAN(zeroes, 1 << 20), PACK_RAW_MAX + 1, &raw), -EMSGSIZE);
	assert_int_equal(pack_inflate(pack, SPAN(zeroes, 100), 0, &raw), -EMSGSIZE);
	assert_int_equal(pack_inflate(pack, SPAN(zeroes, 100), SIZE_MAX, &raw), -EMSGSIZE);
	assert_int_equal(pack_inflate(pack, SPAN(zeroes, 100), 1001, &narrow), -EMSGSIZE);
	assert_false(narrow.failed);
	assert_null(narrow.data);
	free(zeroes);
	writer_free(&packed);
	writer_free(&raw);
	pack_free(pack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_not_worth_it),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
