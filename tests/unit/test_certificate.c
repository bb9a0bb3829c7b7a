// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/root.h"
#include "wire/certificate.h"

static const struct certificate sample = { .serial = 0x01020304, .key = { 5, 6, 7 } };

static void test_round_trip(void **state)
{
	static const uint8_t start[] = { 1, 0, 0, 0, 4, 3, 2, 1, 5, 6, 7, 0 };
	struct sign_pair root = root_of(1);
	uint8_t bytes[CERTIFICATE_SIZE], again[CERTIFICATE_SIZE];
	char text[CERTIFICATE_TEXT_SIZE];
	struct certificate back;

	(void)state;
	certificate_sign(&sample, &root, bytes);
	assert_memory_equal(bytes, start, sizeof(start));
	assert_int_equal(certificate_open(bytes, root.public, &back), 0);
	assert_int_equal(back.serial, sample.serial);
	assert_memory_equal(back.key, sample.key, SEAL_KEY);
	certificate_text(bytes, text);
	assert_int_equal(strlen(text), CERTIFICATE_TEXT_SIZE - 1);
	assert_int_equal(certificate_parse(text, again), 0);
	assert_memory_equal(again, bytes, sizeof(bytes));
	text[7] = '=';
	assert_int_equal(certificate_parse(text, again), -EINVAL);
}

static void test_every_changed_bit_is_refused(void **state)
{
	struct sign_pair root = root_of(1);
	uint8_t bytes[CERTIFICATE_SIZE];
	struct certificate back = { .serial = 99 };

	(void)state;
	certificate_sign(&sample, &root, bytes);
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(certificate_open(bytes, root.public, &back) < 0);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(back.serial, 99);
}

static void test_what_is_wrong(void **state)
{
	struct sign_pair root = root_of(1), other = root_of(2);
	struct certificate none = { .serial = 0 }, back;
	uint8_t bytes[CERTIFICATE_SIZE];

	(void)state;
	certificate_sign(&sample, &other, bytes);
	assert_int_equal(certificate_open(bytes, root.public, &back), -EACCES);
	certificate_sign(&none, &root, bytes);
	assert_int_equal(certificate_open(bytes, root.public, &back), -EINVAL);
	bytes[0] = 2;
	assert_int_equal(certificate_open(bytes, root.public, &back), -EPROTONOSUPPORT);
}

/* What root signed for another use is no certificate. */
static void test_the_label_counts(void **state)
{
	struct sign_pair root = root_of(1);
	uint8_t bytes[CERTIFICATE_SIZE];
	struct certificate back;

	(void)state;
	certificate_sign(&sample, &root, bytes);
	sign_make(&root, "np1 command 1", SPAN(bytes, 40), bytes + 40);
	assert_int_equal(certificate_open(bytes, root.public, &back), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_changed_bit_is_refused),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_the_label_counts),
	};

	if (seal_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
