// SPDX-License-Identifier: Apache-2.0
/* BEAT and the pieces of RING: what is genuine, what is not, and the bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/ring_edge.h"

static const struct beat sample = {
	.edge = 7,
	.challenge = 0x0102030405060708,
	.echo = 0x1112131415161718,
	.health = 3,
	.state = BEAT_HIGH | BEAT_STARTED,
	.lost = 0x2122,
};
static const uint8_t key[BEAT_KEY] = { 1, 2, 3 }, other[BEAT_KEY] = { 1, 2, 4 };

static void assert_same(const struct beat *a, const struct beat *b)
{
	assert_int_equal(a->edge, b->edge);
	assert_true(a->challenge == b->challenge);
	assert_true(a->echo == b->echo);
	assert_int_equal(a->health, b->health);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->lost, b->lost);
}

static void test_round_trip(void **state)
{
	static const uint8_t layout[28] = { PACKET_BEAT, PACKET_VERSION, 0, 0, 7, 0, 0, 0, 8, 7, 6,
		5, 4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 3, 5, 0x22, 0x21 };
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct beat beat;
	uint32_t edge;

	(void)state;
	beat_encode(&sample, key, datagram);
	assert_memory_equal(datagram, layout, sizeof(layout));
	assert_int_equal(beat_claims(SPAN(datagram, sizeof(datagram)), &edge), 0);
	assert_int_equal(edge, 7);
	assert_int_equal(beat_decode(SPAN(datagram, sizeof(datagram)), key, &beat), 0);
	assert_same(&beat, &sample);
}

/* Any bit that is changed, any other key, any other size. */
static void test_forged(void **state)
{
	uint8_t datagram[PACKET_BEAT_SIZE + 1] = { 0 };
	struct beat beat;

	(void)state;
	beat_encode(&sample, key, datagram);
	assert_int_equal(beat_decode(SPAN(datagram, PACKET_BEAT_SIZE), other, &beat), -EBADMSG);
	for (size_t bit = 0; bit < 8 * PACKET_BEAT_SIZE; bit++) {
		datagram[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_true(beat_decode(SPAN(datagram, PACKET_BEAT_SIZE), key, &beat) < 0);
		datagram[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t size = 0; size <= sizeof(datagram); size++) {
		int expect = size == PACKET_BEAT_SIZE ? 0 : -EPROTO;
		uint32_t edge;

		if (size > 1) /* shorter ones have no version */
			assert_int_equal(beat_decode(SPAN(datagram, size), key, &beat), expect);
		assert_int_equal(beat_claims(SPAN(datagram, size), &edge) < 0, expect < 0);
	}
}

/* Every edge and every agent has its own key, the same at each call. */
static void test_keys(void **state)
{
	uint8_t keys[4][BEAT_KEY], again[BEAT_KEY];

	(void)state;
	beat_edge_key(key, 1, keys[0]);
	beat_edge_key(key, 2, keys[1]);
	beat_edge_key(other, 1, keys[2]);
	beat_probe_key(key, other, keys[3]);
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], BEAT_KEY);
	}
	beat_edge_key(key, 1, again);
	assert_memory_equal(again, keys[0], BEAT_KEY);
	beat_probe_key(key, other, again);
	assert_memory_equal(again, keys[3], BEAT_KEY);
}

static void test_edges(void **state)
{
	uint8_t bytes[2 * RING_EDGE_SIZE];
	struct ring_edge edges[2] = { { .edge = 5,
					      .flags = RING_EDGE_HIGH,
					      .at = { .ip = { 10, 1 }, .port = 1985 },
					      .key = { 1 } },
		{ .edge = 6, .flags = RING_EDGE_INSIDE, .at.port = 9, .key = { 2 } } };
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct ring_edge got;
	struct reader r;

	(void)state;
	for (int i = 0; i < 2; i++)
		ring_edge_put(&w, &edges[i]);
	assert_false(w.failed);
	assert_int_equal(w.size, sizeof(bytes));
	r = reader_of(writer_span(&w));
	for (int i = 0; i < 2; i++) {
		assert_true(ring_edge_get(&r, &got));
		assert_int_equal(got.edge, edges[i].edge);
		assert_int_equal(got.flags, edges[i].flags);
		assert_memory_equal(&got.at, &edges[i].at, sizeof(got.at));
		assert_memory_equal(got.key, edges[i].key, BEAT_KEY);
	}
	assert_false(ring_edge_get(&r, &got));
	assert_true(reader_done(&r));
	for (size_t size = 1; size < RING_EDGE_SIZE; size++) {
		r = reader_of(SPAN(bytes, size));
		assert_false(ring_edge_get(&r, &got));
		assert_true(r.failed);
	}
}

static int start(void **state)
{
	(void)state;
	return seal_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
