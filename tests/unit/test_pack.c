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
	"\"group\":\"root\",\"uid\":0,\"unit\":\"isc-dhcp-server6.service\",\"user\":\"root\"}\7\22\0"
	"udp 10.11.12.7:547L\0\0\0{\"addr\":\"10.11.12.7\",\"port\":547,\"process\":"
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
	static const uint8_t golden[] = {
		0x01,
		0x63,
		0xd4,
		0x03,
		0x05,
		0x2b,
		0x3f,
		0x43,
		0x4a,
		0x46,
		0x72,
		0x41,
		0x8a,
		0x99,
		0x95,
		0x81,
		0x49,
		0x52,
		0x8a,
		0x61,
		0x9a,
		0x51,
		0xea,
		0x66,
		0xdc,
		0x21,
		0x0c,
		0x56,
		0x09,
		0x0a,
		0x66,
		0x33,
		0x10,
		0x91,
		0x0c,
		0x0f,
		0x6c,
		0x90,
		0x38,
		0x44,
		0xd2,
		0x4c,
		0x0f,
		0x94,
		0x21,
		0xf1,
		0x07,
		0x3e,
		0xcc,
		0x14,
		0xe2,
		0x62,
		0x20,
		0xb3,
		0x38,
		0x59,
		0x17,
		0xa4,
		0x43,
		0x17,
		0x14,
		0x13,
		0xa9,
		0x45,
		0x66,
		0x38,
		0x63,
		0x44,
		0x08,
		0x96,
		0x1d,
		0x0c,
		0x0d,
		0xf5,
		0x0c,
		0x8d,
		0xf4,
		0xcc,
		0xad,
		0x4c,
		0x4d,
		0xcc,
		0x7d,
		0xd0,
		0x02,
		0x07,
		0x2a,
		0x85,
		0xc8,
		0x19,
		0x26,
		0xe6,
		0x28,
		0x81,
		0x84,
		0x16,
		0x14,
		0x28,
		0x29,
		0x11,
		0x98,
		0x57,
		0x6a,
		0x01,
	};
	struct pack *pack = pack_new();
	struct writer raw = writer_growing(PACK_RAW_MAX);

	(void)state;
	assert_int_equal(
		pack_inflate(pack, SPAN(golden, sizeof(golden)), sizeof(service) - 1, &raw), 0);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
