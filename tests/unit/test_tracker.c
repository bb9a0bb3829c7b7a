// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/tracker.h"
#include "base/alloc.h"
#include "wire/seal.h"

static const uint8_t digest_key[16] = { 1, 2, 3 };

static struct fact fact_of(enum section section, const char *key, const char *value)
{
	return (struct fact){ section, SPAN_TEXT(key), SPAN_TEXT(value) };
}

static bool apply(struct tracker *t, enum section section, const char *key, const char *value)
{
	struct fact fact = fact_of(section, key, value);

	return tracker_apply(t, &fact);
}

static void list_fact(void *owner, const struct fact *fact)
{
	struct writer *to = owner;

	if (to->size)
		put_u8(to, ' ');
	put_span(to, fact->key);
	put_u8(to, fact->value.size ? '=' : '-');
	put_span(to, fact->value);
}

/* Packed facts as "key=value key-". */
static void assert_packed(struct span packed, const char *expected)
{
	struct writer text = writer_growing(1 << 20);
	struct reader r = reader_of(packed);
	struct fact fact;

	while (fact_get(&r, &fact))
		list_fact(&text, &fact);
	assert_true(reader_done(&r));
	put_u8(&text, 0);
	assert_string_equal((char *)text.data, expected);
	writer_free(&text);
}

static void assert_changes(struct tracker *t, size_t limit, const char *expected)
{
	struct writer w = writer_growing(1 << 20);

	tracker_take_changes(t, &w, limit);
	assert_packed(writer_span(&w), expected);
	writer_free(&w);
}

/* Takes the chunk and returns where the next starts. */
static struct span assert_range(
	struct tracker *t, struct span from, size_t limit, const char *expected)
{
	struct writer w = writer_growing(1 << 20);
	struct span until;

	tracker_range(t, SECTION_LISTEN, from, limit, &w, &until);
	assert_packed(writer_span(&w), expected);
	writer_free(&w);
	return until;
}

static void assert_section(const struct tracker *t, enum section section, const char *expected)
{
	struct writer text = writer_growing(1 << 20);

	tracker_each(t, section, list_fact, &text);
	put_u8(&text, 0);
	assert_string_equal((char *)text.data, expected);
	writer_free(&text);
}

static void test_only_changes_count(void **state)
{
	struct tracker *t = tracker_new(digest_key);

	(void)state;
	assert_false(tracker_pending(t));
	assert_true(apply(t, SECTION_LINK, "eth0", "up"));
	assert_false(apply(t, SECTION_LINK, "eth0", "up"));
	assert_true(apply(t, SECTION_LINK, "eth0", "down"));
	assert_false(apply(t, SECTION_LINK, "eth1", ""));
	assert_true(apply(t, SECTION_LISTEN, "eth0", "up"));
	assert_int_equal(tracker_count(t, SECTION_LINK), 1);
	assert_true(tracker_pending(t));
	assert_changes(t, 4096, "eth0=down eth0=up");
	assert_false(tracker_pending(t));
	assert_changes(t, 4096, "");
	assert_false(apply(t, SECTION_LINK, "eth0", "down"));
	assert_true(
		span_equal(tracker_value(t, SECTION_LINK, SPAN_TEXT("eth0")), SPAN_TEXT("down")));
	assert_int_equal(tracker_value(t, SECTION_LINK, SPAN_TEXT("eth9")).size, 0);
	tracker_free(t);
}

static void test_coalescing(void **state)
{
	struct tracker *t = tracker_new(digest_key);

	(void)state;
	/* Came and went before it was told: nothing. */
	apply(t, SECTION_LISTEN, "a", "1");
	assert_true(apply(t, SECTION_LISTEN, "a", ""));
	assert_false(tracker_pending(t));
	/* Told and gone: the DELETE is told. */
	apply(t, SECTION_LISTEN, "a", "1");
	assert_changes(t, 4096, "a=1");
	assert_true(apply(t, SECTION_LISTEN, "a", ""));
	assert_false(apply(t, SECTION_LISTEN, "a", ""));
	assert_int_equal(tracker_count(t, SECTION_LISTEN), 0);
	assert_changes(t, 4096, "a-");
	/* Told, gone, back, gone: still one DELETE, in its old turn. */
	apply(t, SECTION_LISTEN, "a", "1");
	assert_changes(t, 4096, "a=1");
	apply(t, SECTION_LISTEN, "a", "");
	apply(t, SECTION_LISTEN, "b", "1");
	apply(t, SECTION_LISTEN, "a", "2");
	apply(t, SECTION_LISTEN, "a", "");
	assert_changes(t, 4096, "a- b=1");
	/* After the DELETE was told the fact is unknown again. */
	apply(t, SECTION_LISTEN, "a", "3");
	apply(t, SECTION_LISTEN, "a", "");
	assert_false(tracker_pending(t));
	tracker_free(t);
}

static void test_limit(void **state)
{
	struct tracker *t = tracker_new(digest_key);
	struct fact one = fact_of(SECTION_LISTEN, "a", "1");

	(void)state;
	apply(t, SECTION_LISTEN, "a", "1");
	apply(t, SECTION_LISTEN, "b", "2");
	apply(t, SECTION_LISTEN, "c", "3");
	assert_changes(t, 2 * fact_size(&one) + 1, "a=1 b=2");
	assert_changes(t, 1, "c=3"); /* at least one */
	assert_false(tracker_pending(t));
	tracker_free(t);
}

static uint64_t hash_of(enum section section, const char *key, const char *value)
{
	struct fact fact = fact_of(section, key, value);

	return seal_fact_hash(digest_key, &fact);
}

static void test_digests(void **state)
{
	struct tracker *t = tracker_new(digest_key);
	uint64_t digests[SECTION_COUNT];

	(void)state;
	apply(t, SECTION_LISTEN, "a", "1");
	apply(t, SECTION_LISTEN, "b", "2");
	apply(t, SECTION_LISTEN, "b", "3");
	apply(t, SECTION_LINK, "eth0", "up");
	tracker_digests(t, digests);
	assert_true(digests[SECTION_LISTEN] ==
		hash_of(SECTION_LISTEN, "a", "1") + hash_of(SECTION_LISTEN, "b", "3"));
	assert_true(digests[SECTION_LINK] == hash_of(SECTION_LINK, "eth0", "up"));
	apply(t, SECTION_LISTEN, "a", "");
	apply(t, SECTION_LISTEN, "b", "");
	tracker_digests(t, digests);
	assert_true(digests[SECTION_LISTEN] == 0);
	tracker_free(t);
}

static void test_settle(void **state)
{
	struct tracker *t = tracker_new(digest_key);

	(void)state;
	apply(t, SECTION_LISTEN, "a", "1");
	apply(t, SECTION_LISTEN, "b", "1");
	tracker_settle(t);
	assert_false(tracker_pending(t));
	apply(t, SECTION_LISTEN, "a", "");
	assert_changes(t, 4096, "a-");
	apply(t, SECTION_LISTEN, "b", "");
	tracker_settle(t);
	assert_false(tracker_pending(t));
	assert_section(t, SECTION_LISTEN, "");
	tracker_free(t);
}

static void test_range(void **state)
{
	struct tracker *t = tracker_new(digest_key);
	struct fact one = fact_of(SECTION_LISTEN, "a", "1");
	struct span none = { NULL, 0 };
	struct span until;

	(void)state;
	apply(t, SECTION_LISTEN, "bb", "gone");
	tracker_settle(t);
	for (const char *key = "edcba"; *key; key++)
		apply(t, SECTION_LISTEN, (char[]){ *key, 0 }, "1");
	apply(t, SECTION_LISTEN, "bb", "");
	apply(t, SECTION_LINK, "c", "1");
	until = assert_range(t, none, 2 * fact_size(&one), "a=1 b=1");
	assert_true(span_equal(until, SPAN_TEXT("c")));
	until = assert_range(t, until, 1, "c=1");
	assert_true(span_equal(until, SPAN_TEXT("d")));
	/* a, b, c and the end of bb are told by the ranges. */
	assert_changes(t, 4096, "e=1 d=1 c=1");
	until = assert_range(t, until, 4096, "d=1 e=1");
	assert_int_equal(until.size, 0);
	assert_section(t, SECTION_LISTEN, "a=1 b=1 c=1 d=1 e=1");
	tracker_free(t);
}

enum { MODEL_KEYS = 300, MODEL_STEPS = 20000 };

/* The other side of a tracker: what has been told, told from changes. */
struct model {
	char told[MODEL_KEYS]; /* a digit, or 0 for none */
	char truth[MODEL_KEYS];
};

static void model_take(struct model *model, struct tracker *t, size_t limit)
{
	struct writer w = writer_growing(1 << 20);
	struct reader r;
	struct fact fact;

	tracker_take_changes(t, &w, limit);
	r = reader_of(writer_span(&w));
	while (fact_get(&r, &fact)) {
		int key = atoi((const char[]){ (char)fact.key.data[0], (char)fact.key.data[1],
			(char)fact.key.data[2], 0 });
		char value = fact.value.size ? (char)fact.value.data[0] : 0;

		assert_true(value || model->told[key]); /* no end of what was never told */
		model->told[key] = value;
	}
	writer_free(&w);
}

static void test_random(void **state)
{
	struct tracker *t = tracker_new(digest_key);
	struct model *model autofree = mem_alloc(1, sizeof(*model));
	uint64_t seed = 7;
	uint64_t digest = 0;
	uint64_t digests[SECTION_COUNT];

	(void)state;
	for (int step = 0; step < MODEL_STEPS; step++) {
		char key[8];
		int n;
		char value;

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		n = (int)(seed >> 40) % MODEL_KEYS;
		value = (seed >> 33) % 3 ? (char)('0' + (seed >> 35) % 2) : 0;
		snprintf(key, sizeof(key), "%03d", n);
		assert_int_equal(apply(t, SECTION_CLIENT, key, (char[]){ value, 0 }),
			model->truth[n] != value);
		model->truth[n] = value;
		if (!((seed >> 50) % 64))
			model_take(model, t, 200);
	}
	while (tracker_pending(t))
		model_take(model, t, 4096);
	assert_memory_equal(model->told, model->truth, sizeof(model->told));
	for (int n = 0; n < MODEL_KEYS; n++) {
		char key[8];

		snprintf(key, sizeof(key), "%03d", n);
		if (model->truth[n])
			digest += hash_of(SECTION_CLIENT, key, (char[]){ model->truth[n], 0 });
	}
	tracker_digests(t, digests);
	assert_true(digests[SECTION_CLIENT] == digest);
	tracker_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_changes_count),
		cmocka_unit_test(test_coalescing),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
