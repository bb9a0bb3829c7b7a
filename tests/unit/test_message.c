// SPDX-License-Identifier: Apache-2.0
/* Every stanza of messages.def: what was encoded is decoded again, and no prefix of it is taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/message.h"

/* A value for every field, all different, from a counter. */
struct filler {
	uint64_t count;
	struct writer facts;
};

static uint64_t next(struct filler *f)
{
	return ++f->count * 0x9e3779b97f4a7c15U;
}

static struct span some_facts(struct filler *f)
{
	struct fact gone = { .section = SECTION_CLIENT, .key = SPAN_TEXT("nginx tcp 10.0.0.1:80") };
	struct fact there = { .section = SECTION_LISTEN,
		.key = SPAN_TEXT("tcp [::]:443"),
		.value = SPAN_TEXT("{\"proto\":\"tcp\"}") };

	writer_reset(&f->facts);
	fact_put(&f->facts, &gone);
	fact_put(&f->facts, &there);
	return writer_span(&f->facts);
}

static void fill_sums(struct filler *f, uint32_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = i % 3 ? (uint32_t)next(f) : 0;
}

#define FIELD_fill_u8(name)	     to->name = (uint8_t)next(f);
#define FIELD_fill_u16(name)	     to->name = (uint16_t)next(f);
#define FIELD_fill_u32(name)	     to->name = (uint32_t)next(f);
#define FIELD_fill_u64(name)	     to->name = next(f);
#define FIELD_fill_sums(name, count) fill_sums(f, to->name, count);
#define FIELD_fill_bytes(name, size) memset(to->name, (int)next(f), size);
#define FIELD_fill_span16(name)	     to->name = SPAN_TEXT("span of " #name);
#define FIELD_fill_facts(name)	     to->name = some_facts(f);
#define FIELD_fill_rest(name)	     to->name = SPAN_TEXT("rest of " #name);
#define FIELD(type, ...)	     FIELD_fill_##type(__VA_ARGS__)
#define RECORD(NAME, name, number, flags, ...)                                     \
	static void fill_record_##name(struct filler *f, struct record_##name *to) \
	{                                                                          \
		__VA_ARGS__                                                        \
	}
#define MESSAGE(NAME, name, number, ...)                                             \
	static void fill_message_##name(struct filler *f, struct message_##name *to) \
	{                                                                            \
		__VA_ARGS__                                                          \
	}
#include "wire/messages.def"

static void assert_spans(struct span a, struct span b)
{
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.data, b.data, a.size);
}

#define FIELD_same_u8(name)	     assert_int_equal(a->name, b->name);
#define FIELD_same_u16(name)	     assert_int_equal(a->name, b->name);
#define FIELD_same_u32(name)	     assert_int_equal(a->name, b->name);
#define FIELD_same_u64(name)	     assert_true(a->name == b->name);
#define FIELD_same_sums(name, count) assert_memory_equal(a->name, b->name, sizeof(a->name));
#define FIELD_same_bytes(name, size) assert_memory_equal(a->name, b->name, size);
#define FIELD_same_span16(name)	     assert_spans(a->name, b->name);
#define FIELD_same_facts(name)	     assert_spans(a->name, b->name);
#define FIELD_same_rest(name)	     assert_spans(a->name, b->name);
#define FIELD(type, ...)	     FIELD_same_##type(__VA_ARGS__)
#define RECORD(NAME, name, number, flags, ...)                                \
	static void same_record_##name(                                       \
		const struct record_##name *a, const struct record_##name *b) \
	{                                                                     \
		__VA_ARGS__                                                   \
	}
#define MESSAGE(NAME, name, number, ...)                                        \
	static void same_message_##name(                                        \
		const struct message_##name *a, const struct message_##name *b) \
	{                                                                       \
		__VA_ARGS__                                                     \
	}
#include "wire/messages.def"

static struct span copy_of(struct span bytes)
{
	return SPAN(mem_copy(bytes.data, bytes.size), bytes.size);
}

static void check_record_prefixes(struct span whole)
{
	for (size_t size = 1; size < whole.size; size++) {
		/* In memory of its own, so that a sanitizer sees one byte too many. */
		struct span prefix = copy_of(SPAN(whole.data, size));
		struct reader r = reader_of(prefix);
		struct record record;

		assert_false(record_next(&r, &record));
		assert_true(r.failed);
		free((void *)prefix.data);
	}
}

static void check_message_prefixes(struct span whole)
{
	for (size_t size = 0; size < whole.size; size++) {
		struct span prefix = copy_of(SPAN(whole.data, size));
		struct message message;

		assert_int_equal(message_decode(prefix, &message), -EINVAL);
		free((void *)prefix.data);
	}
}

#define RECORD(NAME, name, ...)                                      \
	static void test_record_##name(void **state)                 \
	{                                                            \
		struct filler f = { .facts = writer_growing(4096) }; \
		struct record in = { .kind = RECORD_##NAME };        \
		struct record out;                                   \
		struct writer w = writer_growing(4096);              \
		struct reader r;                                     \
		(void)state;                                         \
		fill_record_##name(&f, &in.name);                    \
		record_encode(&w, &in);                              \
		r = reader_of(writer_span(&w));                      \
		assert_true(record_next(&r, &out));                  \
		assert_int_equal(out.kind, RECORD_##NAME);           \
		same_record_##name(&in.name, &out.name);             \
		assert_false(record_next(&r, &out));                 \
		assert_true(reader_done(&r));                        \
		check_record_prefixes(writer_span(&w));              \
		writer_free(&w);                                     \
		writer_free(&f.facts);                               \
	}
#define MESSAGE(NAME, name, ...)                                                  \
	static void test_message_##name(void **state)                             \
	{                                                                         \
		struct filler f = { .facts = writer_growing(4096) };              \
		struct message in = { .kind = MESSAGE_##NAME };                   \
		struct message out;                                               \
		struct writer w = writer_growing(4096);                           \
		(void)state;                                                      \
		fill_message_##name(&f, &in.name);                                \
		message_encode(&w, &in);                                          \
		assert_int_equal(message_decode(writer_span(&w), &out), 0);       \
		assert_int_equal(out.kind, MESSAGE_##NAME);                       \
		same_message_##name(&in.name, &out.name);                         \
		check_message_prefixes(writer_span(&w));                          \
		put_u8(&w, 0);                                                    \
		assert_int_equal(message_decode(writer_span(&w), &out), -EINVAL); \
		writer_free(&w);                                                  \
		writer_free(&f.facts);                                            \
	}
#include "wire/messages.def"

/* A kind of the next release: skipped, unless it says that it must not be. */
static void test_unknown_record(void **state)
{
	uint8_t bytes[] = { 200, 0, 2, 0, 7, 7, RECORD_BYE, 0, 1, 0, 9 };
	struct reader r = reader_of(SPAN(bytes, sizeof(bytes)));
	struct record record;

	(void)state;
	assert_true(record_next(&r, &record));
	assert_int_equal(record.kind, RECORD_UNKNOWN);
	assert_true(record_next(&r, &record));
	assert_int_equal(record.kind, RECORD_BYE);
	assert_int_equal(record.bye.reason, 9);
	assert_false(record_next(&r, &record));
	assert_true(reader_done(&r));

	bytes[1] = RECORD_CRITICAL;
	r = reader_of(SPAN(bytes, sizeof(bytes)));
	assert_false(record_next(&r, &record));
	assert_true(r.failed);
}

/* The number of the stream travels in the flags, and says nothing about the kind. */
static void test_stream(void **state)
{
	uint8_t memory[32];
	struct writer w = writer_over(memory, sizeof(memory));
	struct record in = { .kind = RECORD_ACK, .stream = 15 };
	struct record out;
	struct reader r;

	(void)state;
	record_encode(&w, &in);
	assert_int_equal(memory[1], 0xf0 | RECORD_CRITICAL);
	r = reader_of(writer_span(&w));
	assert_true(record_next(&r, &out));
	assert_int_equal(out.kind, RECORD_ACK);
	assert_int_equal(out.stream, 15);
}

static void test_unknown_message(void **state)
{
	uint8_t bytes[] = { 200, 1, 2 };
	struct message message;

	(void)state;
	assert_int_equal(message_decode(SPAN(bytes, sizeof(bytes)), &message), -ENOTSUP);
}

/* Facts are looked at one by one, not only their outer size. */
static void test_bad_facts(void **state)
{
	uint8_t bytes[] = { MESSAGE_CHANGES, 9, 0, 0, 0, SECTION_LINK, 1, 0, 'a', 1, 0, 0, 0, '{' };
	struct message message;

	(void)state;
	assert_int_equal(message_decode(SPAN(bytes, sizeof(bytes)), &message), 0);
	bytes[5] = SECTION_COUNT;
	assert_int_equal(message_decode(SPAN(bytes, sizeof(bytes)), &message), -EINVAL);
	bytes[5] = SECTION_LINK;
	bytes[6] = 2;
	assert_int_equal(message_decode(SPAN(bytes, sizeof(bytes)), &message), -EINVAL);
}

/* A record that does not fit leaves the writer failed. */
static void test_no_room(void **state)
{
	uint8_t memory[24];
	struct record bye = { .kind = RECORD_BYE };
	struct record fragment = { .kind = RECORD_FRAGMENT, .fragment.bytes = SPAN_TEXT("12345") };
	struct writer w = writer_over(memory, sizeof(memory));

	(void)state;
	record_encode(&w, &bye);
	assert_int_equal(writer_span(&w).size, RECORD_HEADER_SIZE + 1);
	record_encode(&w, &fragment);
	assert_true(w.failed);
}

/* A record of no kind has no fields, and every release skips it. */
static void test_no_kind(void **state)
{
	static const uint8_t expected[RECORD_HEADER_SIZE] = { RECORD_UNKNOWN };
	struct record none = { .kind = RECORD_UNKNOWN };
	uint8_t memory[32];
	struct writer w = writer_over(memory, sizeof(memory));
	struct reader r;

	(void)state;
	record_encode(&w, &none);
	assert_int_equal(w.size, sizeof(expected));
	assert_memory_equal(memory, expected, sizeof(expected));
	r = reader_of(writer_span(&w));
	assert_true(record_next(&r, &none));
	assert_int_equal(none.kind, RECORD_UNKNOWN);
	assert_true(reader_done(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define RECORD(NAME, name, ...)	 cmocka_unit_test(test_record_##name),
#define MESSAGE(NAME, name, ...) cmocka_unit_test(test_message_##name),
#include "wire/messages.def"
		cmocka_unit_test(test_unknown_record),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_unknown_message),
		cmocka_unit_test(test_bad_facts),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_no_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
