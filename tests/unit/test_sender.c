// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/pack.h"
#include "wire/sender.h"

static const struct instant start = { 1000 * NS_PER_SEC };

/* Noise: it does not compress, and the same call gives the same. */
static void fill(void *owner, void *to, size_t size)
{
	uint64_t *state = owner;
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++) {
		*state = *state * 6364136223846793005U + 1442695040888963407U;
		bytes[i] = (uint8_t)(*state >> 56);
	}
}

static struct instant after(int64_t ms)
{
	return instant_add(start, ms * NS_PER_MS);
}

static void push(struct sender *sender, size_t size)
{
	uint64_t state = size;
	uint8_t *bytes autofree = mem_alloc(size, 1);

	fill(&state, bytes, size);
	assert_int_equal(sender_push(sender, SPAN(bytes, size)), 0);
}

/* One fragment into an empty packet; its bytes are in memory. */
static bool output(struct sender *sender, struct instant now, uint8_t memory[PACKET_DATA_MAX],
	struct record_fragment *fragment)
{
	struct writer w = writer_over(memory, PACKET_DATA_MAX);
	struct record record;
	struct reader r;

	if (!sender_output(sender, now, &w))
		return false;
	r = reader_of(writer_span(&w));
	assert_true(record_next(&r, &record));
	assert_int_equal(record.kind, RECORD_FRAGMENT);
	assert_true(reader_done(&r));
	*fragment = record.fragment;
	return true;
}

/* Sends what there is now: how many fragments, the first and the last. */
static size_t drain(struct sender *sender, struct instant now, uint64_t *first, uint64_t *last)
{
	uint8_t memory[PACKET_DATA_MAX];
	struct record_fragment fragment;
	size_t count = 0;

	while (output(sender, now, memory, &fragment)) {
		if (!count++)
			*first = fragment.sequence;
		*last = fragment.sequence;
	}
	return count;
}

static void assert_drain(
	struct sender *sender, struct instant now, size_t count, uint64_t first, uint64_t last)
{
	uint64_t from = 0;
	uint64_t to = 0;

	assert_int_equal(drain(sender, now, &from, &to), count);
	if (count) {
		assert_int_equal(from, first);
		assert_int_equal(to, last);
	}
}

/* An acknowledgement with up to one range; offset 0: none. */
static int ack(struct sender *sender, struct instant now, uint64_t durable, uint16_t credit,
	uint16_t offset, uint16_t count)
{
	uint8_t memory[4];
	struct writer w = writer_over(memory, sizeof(memory));
	struct record_ack record = { .durable = durable, .credit = credit };

	put_u16(&w, offset);
	put_u16(&w, count);
	if (offset)
		record.ranges = writer_span(&w);
	return sender_ack(sender, now, &record);
}

struct fixture {
	uint64_t seed;
	struct sender *sender;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));

	f->seed = 1;
	f->sender = sender_new(STREAM_STATE, fill, &f->seed);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sender_free(f->sender);
	free(f);
	return 0;
}

static void test_one_message(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;
	uint8_t memory[PACKET_DATA_MAX];
	struct record_fragment fragment;

	assert_int_equal(sender_deadline(s).ns, INSTANT_NEVER.ns);
	assert_int_equal(sender_push(s, SPAN_TEXT("hello")), 0);
	assert_false(instant_before(start, sender_deadline(s)));
	assert_true(output(s, start, memory, &fragment));
	assert_int_equal(fragment.sequence, 1);
	assert_int_equal(fragment.index, 0);
	assert_int_equal(fragment.count, 1);
	assert_int_equal(fragment.raw_size, 0);
	assert_true(span_equal(fragment.bytes, SPAN_TEXT("hello")));
	assert_drain(s, start, 0, 0, 0);
	assert_int_equal(sender_unanswered(s).ns, start.ns);
	assert_int_equal(ack(s, after(3), 1, 64, 0, 0), 0);
	assert_int_equal(sender_durable(s), 1);
	assert_int_equal(sender_messages(s), 0);
	assert_int_equal(sender_bytes(s), 0);
	assert_int_equal(sender_deadline(s).ns, INSTANT_NEVER.ns);
	assert_int_equal(sender_unanswered(s).ns, INSTANT_NEVER.ns);
}

static void test_compression(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;
	struct pack *pack = pack_new();
	struct writer inflated = writer_growing(MESSAGE_SIZE_MAX);
	uint8_t memory[PACKET_DATA_MAX];
	struct record_fragment fragment;
	char text[4000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "addr:port "[i * i % 10];
	assert_int_equal(sender_push(s, SPAN(text, sizeof(text))), 0);
	assert_true(output(s, start, memory, &fragment));
	assert_int_equal(fragment.count, 1);
	assert_int_equal(fragment.raw_size, sizeof(text));
	assert_int_equal(pack_inflate(pack, fragment.bytes, sizeof(text), &inflated), 0);
	assert_memory_equal(inflated.data, text, sizeof(text));
	writer_free(&inflated);
	pack_free(pack);
}

/* One fact is enough: the dictionary knows what facts look like. */
static void test_short(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;
	struct span text =
		SPAN_TEXT("{\"addr\":\"192.0.2.1\",\"port\":25,\"process\":[\"master:1a2b3c4d\"],"
			  "\"proto\":\"tcp\"}");
	uint8_t memory[PACKET_DATA_MAX];
	struct record_fragment fragment;

	assert_int_equal(sender_push(s, text), 0);
	assert_true(output(s, start, memory, &fragment));
	assert_int_equal(fragment.raw_size, text.size);
	assert_true(fragment.bytes.size < text.size);
}

/* What would inflate too well for the receiver travels as it is. */
static void test_too_good(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;
	uint8_t *zeroes autofree = mem_alloc(STREAM_MESSAGE_MAX, 1);
	uint8_t memory[PACKET_DATA_MAX];
	struct record_fragment fragment;

	assert_int_equal(sender_push(s, SPAN(zeroes, STREAM_MESSAGE_MAX)), 0);
	assert_true(output(s, start, memory, &fragment));
	assert_int_equal(fragment.raw_size, 0);
	assert_true(fragment.count <= STREAM_FRAGMENTS_MAX);
}

static void test_sizes(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;
	size_t size = MESSAGE_SIZE_MAX + 1;
	uint8_t *bytes autofree = mem_alloc(size, 1);
	uint64_t noise = 9;

	fill(&noise, bytes, size);
	assert_int_equal(sender_push(s, SPAN(bytes, size)), -EMSGSIZE);
	assert_int_equal(sender_push(s, SPAN(bytes, STREAM_MESSAGE_MAX + 1)), -EMSGSIZE);
	assert_int_equal(sender_push(s, SPAN(bytes, 0)), -EMSGSIZE);
	assert_int_equal(sender_messages(s), 0);
	assert_int_equal(sender_push(s, SPAN(bytes, STREAM_MESSAGE_MAX)), 0);
	assert_int_equal(sender_last(s),
		(STREAM_MESSAGE_MAX + STREAM_FRAGMENT_MAX - 1) / STREAM_FRAGMENT_MAX);
}

/* 8 without credit; then as far as the credit goes, and as the window has grown. */
static void test_window(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;

	push(s, 30 * STREAM_FRAGMENT_MAX);
	assert_drain(s, start, 8, 1, 8);
	assert_int_equal(ack(s, after(5), 0, 64, 1, 8), 0);
	assert_drain(s, after(5), 16, 9, 24);
	assert_int_equal(ack(s, after(9), 0, 64, 1, 24), 0);
	assert_drain(s, after(9), 6, 25, 30);
	assert_int_equal(ack(s, after(12), 30, 64, 0, 0), 0);
	assert_int_equal(sender_messages(s), 0);
}

static void test_no_credit(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;

	push(s, 100);
	push(s, 100);
	push(s, 100);
	assert_drain(s, start, 3, 1, 3);
	assert_int_equal(ack(s, after(1), 1, 0, 0, 0), 0);
	push(s, 100);
	assert_drain(s, after(1), 0, 0, 0);
	assert_int_equal(ack(s, after(2), 3, 0, 0, 0), 0);
	assert_drain(s, after(2), 1, 4, 4); /* one goes always */
}

/* A later one has arrived and this has not: it is sent again at once. */
static void test_hole(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;

	for (int i = 0; i < 4; i++) {
		push(s, 100);
		assert_drain(s, after(10 * i), 1, (uint64_t)i + 1, (uint64_t)i + 1);
	}
	assert_int_equal(ack(s, after(40), 1, 64, 0, 0), 0);
	assert_drain(s, after(40), 0, 0, 0);
	assert_int_equal(ack(s, after(50), 1, 64, 3, 1), 0);
	assert_drain(s, after(50), 1, 2, 2); /* 3 may only have been overtaken */
}

static struct instant wait_for_timeout(struct sender *s, struct instant now, size_t count)
{
	struct instant deadline = sender_deadline(s);

	assert_true(instant_before(now, deadline));
	assert_drain(s, instant_add(deadline, -1), 0, 0, 0);
	assert_drain(s, deadline, count, 1, count);
	return deadline;
}

/* The waits double up to the longest, and differ. */
static void test_patience(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;
	struct instant now = start;
	int64_t longest = 0;

	push(s, 100);
	push(s, 100);
	assert_drain(s, start, 2, 1, 2);
	now = wait_for_timeout(s, now, 2);
	assert_int_equal(instant_sub(now, start), NS_PER_SEC);
	for (int i = 1; i < 60; i++) {
		struct instant next = wait_for_timeout(s, now, 2);
		int64_t wait = instant_sub(next, now);

		assert_true(wait >= NS_PER_SEC / 2);
		assert_true(wait <= (i < 9 ? NS_PER_SEC << i : 300 * NS_PER_SEC));
		longest = wait > longest ? wait : longest;
		now = next;
	}
	assert_true(longest > 100 * NS_PER_SEC);
	assert_int_equal(sender_unanswered(s).ns, start.ns);
	/* Progress: patience is short again. */
	assert_int_equal(ack(s, now, 1, 64, 0, 0), 0);
	assert_true(instant_sub(sender_deadline(s), now) <= 30 * NS_PER_SEC);
}

static void test_urgent(void **state)
{
	struct fixture *f = *state;
	struct sender *s = sender_new(STREAM_URGENT, fill, &f->seed);
	struct instant now = start;

	assert_int_equal(sender_push(s, SPAN_TEXT("help")), 0);
	assert_drain(s, start, 1, 1, 1);
	for (int i = 0; i < 40; i++) {
		struct instant next = wait_for_timeout(s, now, 1);

		assert_true(instant_sub(next, now) <= 30 * NS_PER_SEC);
		now = next;
	}
	sender_free(s);
}

/* A new stream takes along what was not durable, with new numbers. */
static void test_renew(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;

	push(s, 100);
	push(s, 2000);
	push(s, 300);
	assert_drain(s, start, 4, 1, 4);
	assert_int_equal(ack(s, after(10), 1, 64, 2, 1), 0);
	sender_renew(s);
	assert_int_equal(sender_durable(s), 0);
	assert_int_equal(sender_messages(s), 2);
	assert_int_equal(sender_last(s), 3);
	assert_drain(s, after(20), 3, 1, 3);
	assert_int_equal(ack(s, after(30), 3, 64, 0, 0), 0);
	assert_int_equal(sender_messages(s), 0);
	assert_int_equal(sender_deadline(s).ns, INSTANT_NEVER.ns);
}

/* The other end knows less in this session than it had acknowledged in an earlier one. */
static void test_less_is_durable(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;

	push(s, 100);
	push(s, 100);
	assert_drain(s, start, 2, 1, 2);
	assert_int_equal(ack(s, after(10), 2, 64, 0, 0), 0);
	/* In the same session it is only late. */
	assert_int_equal(ack(s, after(10), 1, 64, 0, 0), 0);
	sender_resend(s, 8);
	assert_int_equal(ack(s, after(20), 1, 64, 0, 0), -ESTALE);
	assert_int_equal(ack(s, after(20), 2, 64, 0, 0), 0);
}

/* What has arrived is not sent again, until it seems that it was lost after all. */
static void test_arrived(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;
	struct instant now = after(10);

	push(s, 100);
	assert_drain(s, start, 1, 1, 1);
	assert_int_equal(ack(s, now, 0, 64, 1, 1), 0);
	now = sender_deadline(s);
	assert_drain(s, now, 0, 0, 0);
	now = sender_deadline(s);
	assert_drain(s, now, 1, 1, 1);
	assert_int_equal(ack(s, now, 1, 64, 0, 0), 0);
	assert_int_equal(sender_deadline(s).ns, INSTANT_NEVER.ns);
}

static void test_new_session(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;

	push(s, 100);
	push(s, 100);
	push(s, 100);
	assert_drain(s, start, 3, 1, 3);
	assert_int_equal(ack(s, after(1), 1, 64, 1, 2), 0);
	sender_resend(s, 8);
	assert_drain(s, after(2), 2, 2, 3);
	sender_reset(s);
	assert_int_equal(sender_messages(s), 0);
	assert_int_equal(sender_durable(s), 0);
	push(s, 100);
	assert_drain(s, after(3), 1, 1, 1);
}

static void test_strange_acks(void **state)
{
	struct sender *s = ((struct fixture *)*state)->sender;

	push(s, 100);
	push(s, 100);
	assert_int_equal(ack(s, start, 1, 64, 0, 0), -EPROTO); /* never sent */
	assert_drain(s, start, 2, 1, 2);
	assert_int_equal(ack(s, after(1), 3, 64, 0, 0), -EPROTO);
	assert_int_equal(ack(s, after(1), UINT64_MAX, 64, 0, 0), -EPROTO);
	assert_int_equal(ack(s, after(2), 1, 64, 60000, 60000), 0); /* a range of nothing */
	assert_int_equal(sender_messages(s), 1);
	assert_int_equal(ack(s, after(3), 0, 64, 0, 0), 0); /* overtaken */
	assert_int_equal(sender_durable(s), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one_message),
		TEST(test_compression),
		TEST(test_short),
		TEST(test_too_good),
		TEST(test_sizes),
		TEST(test_window),
		TEST(test_no_credit),
		TEST(test_hole),
		TEST(test_patience),
		TEST(test_urgent),
		TEST(test_renew),
		TEST(test_less_is_durable),
		TEST(test_arrived),
		TEST(test_new_session),
		TEST(test_strange_acks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
