// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/receiver.h"
#include "wire/sender.h"

struct fixture {
	struct receiver receiver;
	struct pack *pack;
	struct writer message;
	uint64_t sequence;
	bool damaged;
	unsigned dropped;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));

	receiver_init(&f->receiver, 0);
	f->pack = pack_new();
	f->message = writer_growing(MESSAGE_SIZE_MAX);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	receiver_deinit(&f->receiver);
	pack_free(f->pack);
	writer_free(&f->message);
	free(f);
	return 0;
}

static int put(
	struct fixture *f, uint64_t sequence, uint16_t index, uint16_t count, const char *bytes)
{
	struct record_fragment fragment = {
		.sequence = sequence, .index = index, .count = count, .bytes = SPAN_TEXT(bytes)
	};

	return receiver_input(&f->receiver, &fragment);
}

/* The next message and the sequence it ends with; NULL: there is none. */
static void assert_take(struct fixture *f, const char *expected, uint64_t sequence)
{
	bool taken;

	writer_reset(&f->message);
	taken = receiver_take(
		&f->receiver, f->pack, &f->message, &f->sequence, &f->damaged, &f->dropped);
	assert_int_equal(taken, expected != NULL);
	if (!expected)
		return;
	assert_true(span_equal(writer_span(&f->message), SPAN_TEXT(expected)));
	assert_int_equal(f->sequence, sequence);
}

/* Ranges as "offset+count offset+count". */
static void assert_ack(struct fixture *f, uint64_t durable, const char *expected)
{
	uint8_t memory[STREAM_RANGES_MAX * STREAM_RANGE_SIZE];
	struct record_ack ack = receiver_ack(&f->receiver, memory);
	struct reader r = reader_of(ack.ranges);
	char text[100] = "";

	while (r.left.size) {
		uint16_t offset = get_u16(&r);
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%u+%u", used ? " " : "", offset,
			get_u16(&r));
	}
	assert_false(r.failed);
	assert_string_equal(text, expected);
	assert_int_equal(ack.durable, durable);
}

static void test_order(void **state)
{
	struct fixture *f = *state;

	assert_true(receiver_idle(&f->receiver));
	assert_int_equal(put(f, 3, 0, 1, "three"), RECEIVER_NEW);
	assert_int_equal(put(f, 2, 1, 2, "-two"), RECEIVER_NEW);
	assert_take(f, NULL, 0);
	assert_ack(f, 0, "2+2");
	assert_int_equal(put(f, 1, 0, 2, "one"), RECEIVER_NEW);
	assert_take(f, "one-two", 2);
	assert_take(f, "three", 3);
	assert_take(f, NULL, 0);
	assert_ack(f, 0, "1+3");
	assert_false(receiver_idle(&f->receiver));
	assert_int_equal(f->receiver.bytes, 0);
	receiver_commit(&f->receiver, 2);
	assert_ack(f, 2, "1+1");
	receiver_commit(&f->receiver, 3);
	assert_ack(f, 3, "");
	assert_true(receiver_idle(&f->receiver));
}

static void test_duplicates(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, 2, 0, 1, "b"), RECEIVER_NEW);
	assert_int_equal(put(f, 2, 0, 1, "b"), RECEIVER_DUPLICATE);
	assert_int_equal(put(f, 1, 0, 1, "a"), RECEIVER_NEW);
	assert_take(f, "a", 1);
	assert_take(f, "b", 2);
	assert_int_equal(put(f, 1, 0, 1, "a"), RECEIVER_DUPLICATE);
	receiver_commit(&f->receiver, 2);
	assert_int_equal(put(f, 2, 0, 1, "b"), RECEIVER_DUPLICATE);
	assert_take(f, NULL, 0);
}

static void test_resumed(void **state)
{
	struct fixture *f = *state;

	receiver_init(&f->receiver, 41);
	assert_int_equal(put(f, 41, 0, 1, "old"), RECEIVER_DUPLICATE);
	assert_int_equal(put(f, 42, 0, 1, "new"), RECEIVER_NEW);
	assert_take(f, "new", 42);
}

static void test_nonsense(void **state)
{
	struct fixture *f = *state;
	struct record_fragment fragment = {
		.sequence = 1, .count = 1, .raw_size = MESSAGE_SIZE_MAX + 1, .bytes = SPAN_TEXT("x")
	};

	assert_int_equal(put(f, 0, 0, 1, "x"), -EPROTO);
	assert_int_equal(put(f, 1, 0, 0, "x"), -EPROTO);
	assert_int_equal(put(f, 1, 1, 1, "x"), -EPROTO);
	assert_int_equal(put(f, 1, 1, 2, "x"), -EPROTO); /* its message began before 1 */
	assert_int_equal(put(f, 1, 0, 1, ""), -EPROTO);
	assert_int_equal(put(f, 1, 0, STREAM_FRAGMENTS_MAX + 1, "x"), -EPROTO);
	assert_int_equal(receiver_input(&f->receiver, &fragment), -EPROTO);
	assert_true(receiver_idle(&f->receiver));
}

/* The window is 64, and as long as a message that is longer. */
static void test_window(void **state)
{
	struct fixture *f = *state;
	uint8_t memory[STREAM_RANGES_MAX * STREAM_RANGE_SIZE];

	assert_int_equal(put(f, RECEIVER_WINDOW, 0, 1, "x"), RECEIVER_NEW);
	assert_int_equal(put(f, RECEIVER_WINDOW + 1, 0, 1, "x"), -ERANGE);
	assert_int_equal(put(f, UINT64_MAX, 0, 1, "x"), -ERANGE);
	receiver_drop(&f->receiver);
	assert_int_equal(receiver_ack(&f->receiver, memory).credit, RECEIVER_WINDOW);
	assert_int_equal(put(f, 3, 2, 200, "x"), RECEIVER_NEW);
	assert_int_equal(receiver_ack(&f->receiver, memory).credit, 200);
	assert_int_equal(put(f, 200, 199, 200, "x"), RECEIVER_NEW);
	assert_int_equal(put(f, 201, 0, 1, "x"), -ERANGE);
}

static void test_four_ranges(void **state)
{
	struct fixture *f = *state;

	for (uint64_t sequence = 12; sequence; sequence -= 2)
		assert_int_equal(put(f, sequence, 0, 1, "x"), RECEIVER_NEW);
	assert_ack(f, 0, "2+1 4+1 6+1 8+1");
	assert_int_equal(put(f, 3, 0, 1, "x"), RECEIVER_NEW);
	assert_ack(f, 0, "2+3 6+1 8+1 10+1");
}

static void test_contradiction(void **state)
{
	struct fixture *f = *state;

	put(f, 1, 0, 2, "a");
	put(f, 2, 0, 1, "b"); /* but 2 is the rest of the message that 1 begins */
	assert_take(f, NULL, 0);
	assert_int_equal(f->dropped, 2);
	assert_int_equal(put(f, 1, 0, 2, "c"), RECEIVER_NEW);
	assert_int_equal(put(f, 2, 1, 2, "d"), RECEIVER_NEW);
	assert_take(f, "cd", 2);
}

/* The longest message finds its place, and nothing much beside it. */
static void test_memory(void **state)
{
	struct fixture *f = *state;
	static const char bytes[STREAM_FRAGMENT_MAX];
	struct record_fragment fragment = { .bytes = SPAN(bytes, sizeof(bytes)),
		.count = STREAM_FRAGMENTS_MAX };

	for (fragment.index = 1; fragment.index < STREAM_FRAGMENTS_MAX; fragment.index++) {
		fragment.sequence = fragment.index + 1U;
		assert_int_equal(receiver_input(&f->receiver, &fragment), RECEIVER_NEW);
	}
	assert_take(f, NULL, 0);
	assert_true(f->receiver.bytes <= RECEIVER_BYTES_MAX);
	receiver_drop(&f->receiver);
	assert_int_equal(f->receiver.bytes, 0);
	assert_true(receiver_idle(&f->receiver));
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	struct record_fragment fragment = {
		.sequence = 1, .count = 1, .raw_size = 100, .bytes = SPAN_TEXT("\377 not deflate")
	};

	assert_int_equal(receiver_input(&f->receiver, &fragment), RECEIVER_NEW);
	assert_take(f, "\377 not deflate", 1);
	assert_true(f->damaged);
}

static void test_roll_back(void **state)
{
	struct fixture *f = *state;

	put(f, 1, 0, 1, "a");
	put(f, 2, 0, 1, "b");
	assert_take(f, "a", 1);
	assert_take(f, "b", 2);
	receiver_commit(&f->receiver, 1);
	receiver_roll_back(&f->receiver);
	assert_ack(f, 1, "");
	assert_int_equal(put(f, 2, 0, 1, "b"), RECEIVER_NEW);
	assert_take(f, "b", 2);
}

/* The store knew more than was expected: what it has is not handed out. */
static void test_commit_ahead(void **state)
{
	struct fixture *f = *state;

	put(f, 2, 0, 1, "b");
	put(f, 4, 0, 1, "d");
	receiver_commit(&f->receiver, 3);
	receiver_commit(&f->receiver, 1); /* late */
	assert_ack(f, 3, "1+1");
	assert_take(f, "d", 4);
}

static void no_random(void *owner, void *to, size_t size)
{
	(void)owner;
	memset(to, 1, size);
}

/* A sender and a receiver, and messages of every size between them. */
static void test_round_trip(void **state)
{
	static const size_t sizes[] = { 1, 511, 512, 1180, 1181, 2360, 50000, 1 << 20 };
	struct fixture *f = *state;
	struct sender *sender = sender_new(STREAM_STATE, no_random, NULL);
	uint8_t *bytes autofree = mem_alloc(1 << 20, 1);
	uint8_t memory[PACKET_DATA_MAX];
	struct instant now = { NS_PER_SEC };
	uint64_t state_of_noise = 5;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t at = 0; at < sizes[i]; at++) {
			state_of_noise = state_of_noise * 6364136223846793005U + 1;
			bytes[at] =
				i % 2 ? (uint8_t)(state_of_noise >> 56) : (uint8_t)('a' + at % 7);
		}
		assert_int_equal(sender_push(sender, SPAN(bytes, sizes[i])), 0);
		writer_reset(&f->message);
		while (!receiver_take(&f->receiver, f->pack, &f->message, &f->sequence, &f->damaged,
			&f->dropped)) {
			struct writer w = writer_over(memory, sizeof(memory));
			uint8_t ranges[STREAM_RANGES_MAX * STREAM_RANGE_SIZE];
			struct record record;
			struct record_ack ack;
			struct reader r;

			assert_true(sender_output(sender, now, &w));
			r = reader_of(writer_span(&w));
			assert_true(record_next(&r, &record));
			assert_int_equal(
				receiver_input(&f->receiver, &record.fragment), RECEIVER_NEW);
			ack = receiver_ack(&f->receiver, ranges);
			assert_int_equal(sender_ack(sender, now, &ack), 0);
		}
		assert_int_equal(f->message.size, sizes[i]);
		assert_memory_equal(f->message.data, bytes, sizes[i]);
		receiver_commit(&f->receiver, f->sequence);
	}
	sender_free(sender);
}

static int put_full(struct fixture *f, uint64_t sequence, uint16_t index, uint16_t count)
{
	static const uint8_t bytes[STREAM_FRAGMENT_MAX];
	struct record_fragment fragment = { .sequence = sequence,
		.index = index,
		.count = count,
		.bytes = SPAN(bytes, sizeof(bytes)) };

	return receiver_input(&f->receiver, &fragment);
}

/*
 * A message was handed out, the next one, of the longest, waits for its last fragment, and the
 * first comes again after the store rolled back: memory has its limit all the same.
 */
static void test_memory_is_bounded(void **state)
{
	enum { FIRST = RECEIVER_WINDOW - 1, LONGEST = STREAM_FRAGMENTS_MAX };
	struct fixture *f = *state;
	uint16_t i;

	for (i = 0; i < FIRST; i++)
		assert_int_equal(put_full(f, 1U + i, i, FIRST), RECEIVER_NEW);
	writer_reset(&f->message);
	assert_true(receiver_take(
		&f->receiver, f->pack, &f->message, &f->sequence, &f->damaged, &f->dropped));
	for (i = 0; i + 1 < LONGEST; i++)
		assert_int_equal(put_full(f, 1U + FIRST + i, i, LONGEST), RECEIVER_NEW);
	receiver_roll_back(&f->receiver);
	for (i = 0; i < FIRST && put_full(f, 1U + i, i, FIRST) == RECEIVER_NEW; i++)
		assert_true(f->receiver.bytes <= RECEIVER_BYTES_MAX);
	assert_true(i > 0 && i < FIRST);
	assert_int_equal(put_full(f, 1U + i, i, FIRST), -ENOBUFS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_duplicates),
		TEST(test_resumed),
		TEST(test_nonsense),
		TEST(test_window),
		TEST(test_four_ranges),
		TEST(test_contradiction),
		TEST(test_memory),
		TEST(test_damaged),
		TEST(test_roll_back),
		TEST(test_commit_ahead),
		TEST(test_round_trip),
		cmocka_unit_test_setup_teardown(test_memory_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
