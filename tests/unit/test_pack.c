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
#include "wire/pack_dictionary.h"

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
	static const size_t sizes[] = { 100, 512, 1000, 5000, 65536, 1 << 20, PACK_RAW_MAX };
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
	for (size_t size = 0; size < 4; size++)
		assert_false(pack_deflate(pack, 6, SPAN(noise, size), &out));
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
	assert_true(pack_most(packed.size) < 1 << 20);
	assert_int_equal(pack_inflate(pack, writer_span(&packed), 1 << 20, &raw), -EMSGSIZE);
	/* One that lies about its size gets no further than what it said. */
	assert_int_equal(
		pack_inflate(pack, writer_span(&packed), pack_most(packed.size), &raw), -EBADMSG);
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

static void test_most(void **state)
{
	(void)state;
	assert_int_equal(pack_most(0), 0);
	assert_int_equal(pack_most(1), 0); /* a dictionary alone gives nothing */
	assert_int_equal(pack_most(2), PACK_RATIO_MAX);
	assert_int_equal(pack_most(PACK_RAW_MAX / PACK_RATIO_MAX), 20970 * PACK_RATIO_MAX);
	assert_int_equal(pack_most(PACK_RAW_MAX / PACK_RATIO_MAX + 2), PACK_RAW_MAX);
	assert_int_equal(pack_most(PACK_RAW_MAX), PACK_RAW_MAX);
	assert_int_equal(pack_most(PACK_RAW_MAX + 1), 0);
	assert_int_equal(pack_most(SIZE_MAX), 0);
}

/* A message about a service that is new: its process and its listener. */
static const char service[] =
	"\1\56\1\0\0\6\17\0dhcpd6:04bd1f2e\263\0\0\0{\"cmdline\":[\"/usr/sbin/dhcpd\",\"-6\","
	"\"-cf\",\"/etc/dhcp/dhcpd6.conf\"],\"cwd\":\"/\",\"exe\":\"/usr/sbin/dhcpd\",\"gid\":0,"
	"\"group\":\"root\",\"uid\":0,\"unit\":\"isc-dhcp-server6.service\",\"user\":\"root\"}"
	"\7\22\0udp 10.11.12.7:547L\0\0\0{\"addr\":\"10.11.12.7\",\"port\":547,\"process\":"
	"[\"dhcpd6:04bd1f2e\"],\"proto\":\"udp\"}";

static void test_service(void **state)
{
	struct span text = SPAN(service, sizeof(service) - 1);
	struct pack *pack = pack_new();
	struct writer packed = writer_growing(PACK_RAW_MAX);

	(void)state;
	round_trip(pack, 6, text.data, text.size);
	assert_true(pack_deflate(pack, 6, text, &packed));
	assert_in_range(packed.size, 1, 130);
	writer_free(&packed);
	pack_free(pack);
}

/* Bytes of the first release of this format: those that come later still read them. */
static void test_golden(void **state)
{
	static const char golden[] =
		"\x01\x63\xd4\x03\x05\x2b\x3f\x43\x4a\x46\x72\x41\x8a\x99\x95\x81"
		"\x49\x52\x8a\x61\x9a\x51\xea\x66\xdc\x21\x0c\x56\x09\x0a\x66\x33"
		"\x10\x91\x0c\x0f\x6c\x90\x38\x44\xd2\x4c\x0f\x94\x21\xf1\x07\x3e"
		"\xcc\x14\xe2\x62\x20\xb3\x38\x59\x17\xa4\x43\x17\x14\x13\xa9\x45"
		"\x66\x38\x63\x44\x08\x96\x1d\x0c\x0d\xf5\x0c\x8d\xf4\xcc\xad\x4c"
		"\x4d\xcc\x7d\xd0\x02\x07\x2a\x85\xc8\x19\x26\xe6\x28\x81\x84\x16"
		"\x14\x28\x29\x11\x98\x57\x6a\x01";
	struct pack *pack = pack_new();
	struct writer raw = writer_growing(PACK_RAW_MAX);

	(void)state;
	assert_int_equal(
		pack_inflate(pack, SPAN(golden, sizeof(golden) - 1), sizeof(service) - 1, &raw), 0);
	assert_int_equal(raw.size, sizeof(service) - 1);
	assert_memory_equal(raw.data, service, raw.size);
	writer_free(&raw);
	pack_free(pack);
}

static uint32_t checksum(struct span bytes)
{
	uint32_t sum = 2166136261;

	for (size_t i = 0; i < bytes.size; i++)
		sum = (sum ^ bytes.data[i]) * 16777619;
	return sum;
}

/* Dictionaries of releases do not change: what was packed with them would not inflate. */
static void test_dictionary(void **state)
{
	struct span first = pack_dictionary(1);

	(void)state;
	assert_true(pack_dictionary(PACK_DICTIONARY).size > 0);
	assert_int_equal(pack_dictionary(0).size, 0);
	assert_int_equal(pack_dictionary(PACK_DICTIONARY + 1).size, 0);
	assert_int_equal(first.size, 2017);
	assert_int_equal(checksum(first), 3013242575);
}

static void test_unknown_dictionary(void **state)
{
	struct span text = SPAN(service, sizeof(service) - 1);
	struct pack *pack = pack_new();
	struct writer packed = writer_growing(PACK_RAW_MAX), raw = writer_growing(PACK_RAW_MAX);

	(void)state;
	assert_true(pack_deflate(pack, 6, text, &packed));
	assert_int_equal(packed.data[0], PACK_DICTIONARY);
	for (int number = 0; number <= UINT8_MAX; number++) {
		packed.data[0] = (uint8_t)number;
		if (!pack_dictionary(packed.data[0]).size)
			assert_int_equal(pack_inflate(pack, writer_span(&packed), text.size, &raw),
				-EBADMSG);
	}
	assert_int_equal(raw.size, 0);
	writer_free(&packed);
	writer_free(&raw);
	pack_free(pack);
}

/* One after the other, at another level each. */
static void test_levels(void **state)
{
	static const char text[] = "tcp 10.0.0.1:80 tcp 10.0.0.1:80 tcp 10.0.0.1:80";
	struct pack *pack = pack_new();

	(void)state;
	for (int level = 1; level <= 6; level++) {
		struct writer packed cleanup(writer_free) = writer_growing(4096);
		struct writer raw cleanup(writer_free) = writer_growing(4096);

		assert_true(pack_deflate(pack, level, SPAN_TEXT(text), &packed));
		assert_int_equal(
			pack_inflate(pack, writer_span(&packed), sizeof(text) - 1, &raw), 0);
		assert_true(span_equal(writer_span(&raw), SPAN_TEXT(text)));
	}
	pack_free(pack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_not_worth_it),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_dictionary),
		cmocka_unit_test(test_unknown_dictionary),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
