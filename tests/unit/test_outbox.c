// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/outbox.h"

struct fixture {
	struct tracker *tracker;
	struct outbox outbox;
	struct writer bytes;
	struct message message;
};

static int setup(void **state)
{
	static const uint8_t key[16];
	struct fixture *f = calloc(1, sizeof(*f));

	f->tracker = tracker_new(key);
	f->bytes = writer_growing(1 << 20);
	outbox_start(&f->outbox, f->tracker, 0x1122);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tracker_free(f->tracker);
	writer_free(&f->bytes);
	free(f);
	return 0;
}

static void tell(struct fixture *f, enum section section, const char *key, size_t size)
{
	char value[4096];
	struct fact fact = { section, SPAN_TEXT(key), SPAN(value, size) };

	memset(value, 'x', sizeof(value));
	tracker_apply(f->tracker, &fact);
}

static enum message_kind next(struct fixture *f)
{
	enum message_kind kind;

	writer_reset(&f->bytes);
	kind = outbox_next(&f->outbox, &f->bytes);
	assert_int_equal(message_decode(writer_span(&f->bytes), &f->message), 0);
	assert_int_equal(f->message.kind, kind);
	return kind;
}

static void want(struct fixture *f, uint64_t digest, uint16_t sections)
{
	struct record_want record = { .digest = digest, .sections = sections };

	outbox_want(&f->outbox, &record);
}

static void test_digest_first(void **state)
{
	struct fixture *f = *state;

	tell(f, SECTION_LISTEN, "a", 10);
	assert_true(outbox_pending(&f->outbox));
	assert_int_equal(next(f), MESSAGE_DIGEST);
	assert_true(f->message.digest.sections[SECTION_LISTEN] != 0);
	assert_true(f->message.digest.sections[SECTION_LINK] == 0);
	/* That told all there was; what comes now is a change. */
	assert_false(outbox_pending(&f->outbox));
	tell(f, SECTION_LISTEN, "b", 10);
	assert_int_equal(next(f), MESSAGE_CHANGES);
	assert_false(outbox_pending(&f->outbox));
}

/* A section of 100 facts of 2,000 bytes, in pieces that lie side by side. */
static void test_ranges(void **state)
{
	struct fixture *f = *state;
	char from[FACT_KEY_MAX] = "";
	size_t facts = 0;
	int pieces = 0;

	for (int i = 0; i < 100; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%03d", i);
		tell(f, SECTION_LISTEN, key, 2000);
	}
	tell(f, SECTION_COVERAGE, "tcp", 10);
	next(f);
	outbox_digest_sent(&f->outbox, 5);
	want(f, 4, 1 << SECTION_LISTEN); /* of another digest */
	assert_false(outbox_pending(&f->outbox));
	want(f, 5, 1 << SECTION_LISTEN | 1 << SECTION_COVERAGE);
	do {
		struct reader r;
		struct fact fact;

		assert_int_equal(next(f), MESSAGE_RANGE);
		assert_int_equal(f->message.range.section, SECTION_LISTEN);
		assert_true(span_equal(f->message.range.from, SPAN_TEXT(from)));
		memcpy(from, f->message.range.until.data, f->message.range.until.size);
		from[f->message.range.until.size] = 0;
		r = reader_of(f->message.range.facts);
		while (fact_get(&r, &fact))
			facts++;
		pieces++;
		want(f, 5, 1 << SECTION_LISTEN | 1 << SECTION_COVERAGE); /* again: no effect */
	} while (from[0]);
	assert_int_equal(facts, 100);
	assert_true(pieces >= 5 && pieces <= 10);
	assert_int_equal(next(f), MESSAGE_RANGE);
	assert_int_equal(f->message.range.section, SECTION_COVERAGE);
	assert_int_equal(f->message.range.until.size, 0);
	want(f, 5, 1 << SECTION_LISTEN | 1 << SECTION_COVERAGE);
	assert_false(outbox_pending(&f->outbox));
}

/* A section that is empty here and is not there. */
static void test_empty_range(void **state)
{
	struct fixture *f = *state;

	next(f);
	outbox_digest_sent(&f->outbox, 1);
	want(f, 1, 1 << SECTION_LLDP);
	assert_int_equal(next(f), MESSAGE_RANGE);
	assert_int_equal(f->message.range.section, SECTION_LLDP);
	assert_int_equal(f->message.range.facts.size, 0);
	assert_false(outbox_pending(&f->outbox));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_digest_first),
		TEST(test_ranges),
		TEST(test_empty_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
