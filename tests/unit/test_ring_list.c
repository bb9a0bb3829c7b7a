// SPDX-License-Identifier: Apache-2.0
/* The list of neighbours: what is taken of it and what is kept; and the questions of the CMA. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rings.h"

enum { ANSWERS_A_SECOND = 100, ANSWERS_AT_ONCE = 33 };

/* A list of edges with these numbers, to A; the result of ring_set. */
static int list(struct rings *rings, uint64_t version, unsigned count, const uint32_t *numbers)
{
	uint8_t bytes[(RING_EDGES_MAX + 1) * RING_EDGE_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct record_ring record = { .version = version, .interval_ms = 1000, .echo = version };

	for (unsigned i = 0; i < count; i++) {
		struct ring_edge edge = { .edge = numbers[i], .at = rings->at[RINGS_B] };

		memcpy(edge.key, rings_key, BEAT_KEY);
		ring_edge_put(&w, &edge);
	}
	assert_false(w.failed);
	record.edges = writer_span(&w);
	return ring_set(rings->ring[RINGS_A], rings->now, &record);
}

#define LIST(rings, version, ...)                                                    \
	list(rings, version, sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), \
		(uint32_t[]){ __VA_ARGS__ })

/* What is known of an edge outlives a new list that has it, too. */
static void test_kept(void **state)
{
	struct rings *rings = *state;

	rings_run(rings, 60000);
	rings->dead[RINGS_B] = true;
	rings_run(rings, 3000);
	assert_int_equal(LIST(rings, 2, RINGS_EDGE), 0);
	assert_true(ring_version(rings->ring[RINGS_A]) == 2);
	assert_true(ring_echo(rings->ring[RINGS_A]) == 2);
	rings_run(rings, 2210); /* of 5.2 s since it was heard, not since the list */
	assert_int_equal(rings_sight(rings, RINGS_A), SIGHT_SILENT);
	assert_int_equal(LIST(rings, 3, RINGS_EDGE), 0);
	rings_run(rings, 60000);
	assert_int_equal(rings->sight_count[RINGS_A], 1);
}

/* Without neighbours there is nothing to do, until there are some again. */
static void test_empty(void **state)
{
	struct rings *rings = *state;
	uint64_t sent;

	rings_run(rings, 60000);
	assert_int_equal(list(rings, 2, 0, NULL), 0);
	sent = ring_counters(rings->ring[RINGS_A])->sent;
	assert_true(ring_deadline(rings->ring[RINGS_A]).ns == INSTANT_NEVER.ns);
	rings_run(rings, 60000);
	assert_true(ring_counters(rings->ring[RINGS_A])->sent == sent);
	assert_true(ring_counters(rings->ring[RINGS_A])->unknown_edge > 0);
	assert_int_equal(LIST(rings, 3, RINGS_EDGE), 0);
	rings_run(rings, 60000);
	assert_true(ring_counters(rings->ring[RINGS_A])->sent >= sent + 58);
	assert_int_equal(rings->sight_count[RINGS_A], 0);
	assert_int_equal(ring_counters(rings->ring[RINGS_A])->stalls, 0);
}

/* Another version with the same edges is another list; the same version is the same list. */
static void test_repeated(void **state)
{
	struct rings *rings = *state;

	assert_int_equal(list(rings, 1, 0, NULL), 0);
	assert_true(ring_deadline(rings->ring[RINGS_A]).ns != INSTANT_NEVER.ns);
	assert_int_equal(list(rings, 2, 0, NULL), 0);
	assert_true(ring_deadline(rings->ring[RINGS_A]).ns == INSTANT_NEVER.ns);
}

static void test_malformed(void **state)
{
	static const uint32_t many[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct rings *rings = *state;
	uint8_t bytes[2 * RING_EDGE_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct ring_edge edge = { .edge = 1, .at = rings->at[RINGS_B] };
	struct record_ring record = { .version = 9, .interval_ms = 1000 };
	struct ring *ring = rings->ring[RINGS_A];

	ring_edge_put(&w, &edge);
	edge.edge = 2;
	ring_edge_put(&w, &edge);
	for (size_t size = 0; size < sizeof(bytes); size++) {
		record.edges = SPAN(bytes, size);
		if (size % RING_EDGE_SIZE)
			assert_int_equal(ring_set(ring, rings->now, &record), -EINVAL);
	}
	record.edges = writer_span(&w);
	record.version = 0;
	assert_int_equal(ring_set(ring, rings->now, &record), -EINVAL);
	record.version = 9;
	record.interval_ms = RING_INTERVAL_MIN_MS - 1;
	assert_int_equal(ring_set(ring, rings->now, &record), -EINVAL);
	record.interval_ms = RING_INTERVAL_MAX_MS + 1;
	assert_int_equal(ring_set(ring, rings->now, &record), -EINVAL);
	assert_int_equal(LIST(rings, 9, BEAT_EDGE_CMA), -EINVAL);
	assert_int_equal(LIST(rings, 9, 4, 4), -EINVAL);
	assert_int_equal(list(rings, 9, RING_EDGES_MAX + 1, many), -EINVAL);
	assert_true(ring_version(ring) == 1);
	rings_run(rings, 10000); /* the one before is still in force */
	assert_int_equal(rings->sight_count[RINGS_A] + rings->sight_count[RINGS_B], 0);
	assert_int_equal(list(rings, 9, RING_EDGES_MAX, many), 0);
}

static void ask(struct rings *rings, uint8_t state, const uint8_t key[BEAT_KEY])
{
	const struct beat question = { .challenge = 77, .state = state };
	uint8_t datagram[PACKET_BEAT_SIZE];

	beat_encode(&question, key, datagram);
	rings_give(rings, RINGS_A, datagram);
}

/* Whether A answers now, to where it was asked from, with what was asked. */
static bool answers(struct rings *rings)
{
	uint64_t before = ring_counters(rings->ring[RINGS_A])->answered;
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct beat answer;
	struct addr to;
	size_t size = ring_output(rings->ring[RINGS_A], rings->now, &to, datagram);

	if (ring_counters(rings->ring[RINGS_A])->answered == before)
		return false;
	assert_int_equal(size, PACKET_BEAT_SIZE);
	assert_memory_equal(&to, &rings->at[RINGS_B], sizeof(to));
	assert_int_equal(beat_decode(SPAN(datagram, size), rings_probe, &answer), 0);
	assert_int_equal(answer.edge, BEAT_EDGE_CMA);
	assert_int_equal(answer.echo, 77);
	assert_int_equal(answer.state, 0);
	return true;
}

static void test_questions(void **state)
{
	static const uint8_t other[BEAT_KEY] = { 1 };
	struct rings *rings = *state;
	int count = 0;

	ask(rings, BEAT_ASKS, rings_probe);
	assert_true(answers(rings));
	assert_false(answers(rings));
	ask(rings, BEAT_ASKS, other);
	assert_false(answers(rings));
	ask(rings, 0, rings_probe); /* an answer is none */
	assert_false(answers(rings));
	/* However often it is asked: so many at once, and so many a second. */
	rings->now = instant_add(rings->now, 10 * NS_PER_SEC);
	for (int i = 0; i < 1000; i++) {
		ask(rings, BEAT_ASKS, rings_probe);
		count += answers(rings);
	}
	assert_int_equal(count, ANSWERS_AT_ONCE);
	for (int ms = 0; ms < 10000; ms++) {
		rings->now = instant_add(rings->now, NS_PER_MS);
		ask(rings, BEAT_ASKS, rings_probe);
		count += answers(rings);
	}
	assert_in_range(count, 10 * ANSWERS_A_SECOND, 10 * ANSWERS_A_SECOND + ANSWERS_AT_ONCE);
}

/* Who has no list yet knows no key, and answers nobody. */
static void test_no_list(void **state)
{
	static const uint8_t zero[BEAT_KEY];
	struct rings *rings = *state;
	const struct ring_config config = { .random = rings_random, .owner = rings };

	ring_free(rings->ring[RINGS_A]);
	rings->ring[RINGS_A] = ring_new(&config);
	ask(rings, BEAT_ASKS, zero);
	assert_false(answers(rings));
	assert_true(ring_version(rings->ring[RINGS_A]) == 0);
	assert_int_equal(ring_counters(rings->ring[RINGS_A])->unknown_edge, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rings_setup, rings_teardown)

static int start(void **state)
{
	(void)state;
	return seal_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kept),
		TEST(test_empty),
		TEST(test_repeated),
		TEST(test_malformed),
		TEST(test_questions),
		TEST(test_no_list),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
