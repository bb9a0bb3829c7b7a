// SPDX-License-Identifier: Apache-2.0
/* What an operator signs: the frame says all of it, and nothing else passes for it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/packet.h"
#include "wire/message.h"
#include "wire/warrant.h"

static struct sign_pair pair_of(uint8_t fill)
{
	uint8_t seed[SIGN_SEED];
	struct sign_pair pair;

	memset(seed, fill, sizeof(seed));
	sign_from_seed(&pair, seed);
	return pair;
}

static struct warrant sample(void)
{
	struct warrant warrant = { .incarnation = 0x1122334455667788,
		.not_after_ms = 1800000000000,
		.tenant = SPAN_TEXT("default"),
		.name = SPAN_TEXT("rediscover"),
		.argument = SPAN_TEXT("listen") };

	memset(warrant.id, 7, sizeof(warrant.id));
	memset(warrant.agent, 9, sizeof(warrant.agent));
	return warrant;
}

static size_t sign(struct warrant *warrant, uint8_t frame[WARRANT_MAX])
{
	struct sign_pair pair = pair_of(1);
	struct writer w = writer_over(frame, WARRANT_MAX);

	assert_int_equal(warrant_sign(warrant, &pair, &w), 0);
	return w.size;
}

static void test_round_trip(void **state)
{
	struct warrant warrant = sample(), read;
	struct sign_pair pair = pair_of(1);
	uint8_t frame[WARRANT_MAX];
	size_t size = sign(&warrant, frame);

	(void)state;
	assert_int_equal(warrant_decode(SPAN(frame, size), &read), 0);
	assert_true(warrant_is_signed(SPAN(frame, size), &read));
	assert_memory_equal(read.id, warrant.id, sizeof(read.id));
	assert_memory_equal(read.agent, warrant.agent, sizeof(read.agent));
	assert_memory_equal(read.operator_key, pair.public, sizeof(pair.public));
	assert_true(read.incarnation == warrant.incarnation);
	assert_true(read.not_after_ms == warrant.not_after_ms);
	assert_true(span_equal(read.tenant, warrant.tenant));
	assert_true(span_equal(read.name, warrant.name));
	assert_true(span_equal(read.argument, warrant.argument));
}

/* Each bit of it is signed: none can be changed on the way. */
static void test_any_changed_bit_shows(void **state)
{
	struct warrant warrant = sample(), read;
	uint8_t frame[WARRANT_MAX];
	size_t size = sign(&warrant, frame);

	(void)state;
	for (size_t bit = 0; bit < 8 * size; bit++) {
		struct span bytes = SPAN(frame, size);

		frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_false(!warrant_decode(bytes, &read) && warrant_is_signed(bytes, &read));
		frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void test_no_prefix_and_nothing_behind(void **state)
{
	struct warrant warrant = sample(), read;
	uint8_t frame[WARRANT_MAX + 1] = { 0 };
	size_t size = sign(&warrant, frame);

	(void)state;
	for (size_t part = 0; part < size; part++) {
		uint8_t *copy autofree = mem_copy(frame, part);

		assert_int_equal(warrant_decode(SPAN(copy, part), &read), -EINVAL);
	}
	assert_int_equal(warrant_decode(SPAN(frame, size + 1), &read), -EINVAL);
}

/* What was signed for something else is no command. */
static void test_label_counts(void **state)
{
	struct warrant warrant = sample(), read;
	struct sign_pair pair = pair_of(1);
	uint8_t frame[WARRANT_MAX];
	size_t size = sign(&warrant, frame);

	(void)state;
	sign_make(&pair, "np1 command 2", SPAN(frame, size - SIGN_SIZE), frame + size - SIGN_SIZE);
	assert_int_equal(warrant_decode(SPAN(frame, size), &read), 0);
	assert_false(warrant_is_signed(SPAN(frame, size), &read));
}

static void assert_not_signed(struct warrant warrant)
{
	struct sign_pair pair = pair_of(1);
	uint8_t frame[2 * WARRANT_MAX];
	struct writer w = writer_over(frame, sizeof(frame));

	assert_int_equal(warrant_sign(&warrant, &pair, &w), -EINVAL);
	assert_int_equal(w.size, 0);
}

static void test_texts_are_bounded_and_plain(void **state)
{
	static const char *const bad_words[] = { "", "a b", "a\n", "\xff", "Upper", "a_b" };
	char text[WARRANT_ARGUMENT_MAX + 1];
	struct warrant warrant;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(bad_words) / sizeof(bad_words[0]); i++) {
		warrant = sample();
		warrant.name = SPAN_TEXT(bad_words[i]);
		assert_not_signed(warrant);
	}
	warrant = sample();
	warrant.name = SPAN(text, WARRANT_NAME_MAX + 1);
	assert_not_signed(warrant);
	warrant = sample();
	warrant.tenant = SPAN(text, WARRANT_TENANT_MAX + 1);
	assert_not_signed(warrant);
	warrant = sample();
	warrant.tenant = SPAN("a\0b", 3);
	assert_not_signed(warrant);
	warrant = sample();
	warrant.argument = SPAN(text, WARRANT_ARGUMENT_MAX + 1);
	assert_not_signed(warrant);
	warrant = sample();
	warrant.argument = SPAN_TEXT("one\nline");
	assert_not_signed(warrant);
	warrant = sample();
	warrant.argument = SPAN_TEXT("\xc3");
	assert_not_signed(warrant);
}

/* The longest one fits one packet. */
static void test_largest_fits_a_packet(void **state)
{
	char text[WARRANT_ARGUMENT_MAX];
	struct warrant warrant = sample(), read;
	uint8_t frame[WARRANT_MAX], plain[PACKET_DATA_MAX];
	struct writer w = writer_over(plain, sizeof(plain));
	struct record record = { .kind = RECORD_COMMAND };

	(void)state;
	memset(text, 'a', sizeof(text));
	warrant.name = SPAN(text, WARRANT_NAME_MAX);
	warrant.tenant = SPAN(text, WARRANT_TENANT_MAX);
	warrant.argument = SPAN(text, WARRANT_ARGUMENT_MAX);
	record.command.warrant = SPAN(frame, sign(&warrant, frame));
	assert_int_equal(record.command.warrant.size, WARRANT_MAX);
	assert_int_equal(warrant_decode(record.command.warrant, &read), 0);
	record_encode(&w, &record);
	assert_false(w.failed);
}

static void test_a_run_is_48_bits(void **state)
{
	(void)state;
	assert_true(warrant_same_run(0x123456789abc0000, 0x123456789abcffff));
	assert_false(warrant_same_run(0x123456789abc0000, 0x123456789abd0000));
}

/* RFC 8032, 7.1, test 1: the key of a seed. And the label is a part of what is signed. */
static void test_ed25519_vectors(void **state)
{
	static const uint8_t seed[SIGN_SEED] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
		0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
		0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };
	static const uint8_t public[SIGN_KEY] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
		0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
		0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
	uint8_t signature[SIGN_SIZE];
	struct sign_pair pair;

	(void)state;
	sign_from_seed(&pair, seed);
	assert_memory_equal(pair.public, public, sizeof(public));
	sign_make(&pair, "one", SPAN_TEXT("data"), signature);
	assert_true(sign_is_good(public, "one", SPAN_TEXT("data"), signature));
	assert_false(sign_is_good(public, "on", SPAN_TEXT("data"), signature));
	assert_false(sign_is_good(public, "one", SPAN_TEXT("dat"), signature));
	/* The same without the NUL between them would be this. */
	assert_false(sign_is_good(public, "oned", SPAN_TEXT("ata"), signature));
}

static void test_no_room(void **state)
{
	struct warrant warrant = sample();
	struct sign_pair pair = pair_of(1);
	uint8_t memory[WARRANT_MAX];

	(void)state;
	for (size_t room = 0; room < sign(&warrant, memory); room++) {
		uint8_t part[WARRANT_MAX];
		struct writer w = writer_over(part, room);

		assert_int_equal(warrant_sign(&warrant, &pair, &w), -ENOBUFS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_any_changed_bit_shows),
		cmocka_unit_test(test_no_prefix_and_nothing_behind),
		cmocka_unit_test(test_label_counts),
		cmocka_unit_test(test_texts_are_bounded_and_plain),
		cmocka_unit_test(test_largest_fits_a_packet),
		cmocka_unit_test(test_a_run_is_48_bits),
		cmocka_unit_test(test_ed25519_vectors),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
