// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"

enum { DELAY_MS = 1, INTERVAL_MS = 1000 };

const uint8_t rings_key[BEAT_KEY] = "the key of edge 7";
const uint8_t rings_probe[BEAT_KEY] = "what the CMA asks under";

uint32_t rings_below(struct rings *rings, uint32_t limit)
{
	rings->seed = rings->seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((rings->seed >> 32) * limit >> 32);
}

void rings_random(void *owner, void *to, size_t size)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)rings_below(owner, 256);
}

static struct span edge_piece(const struct rings *rings, int which, uint8_t bytes[RING_EDGE_SIZE])
{
	struct ring_edge edge = { .edge = RINGS_EDGE,
		.flags = which == RINGS_B ? RING_EDGE_HIGH : 0,
		.at = rings->at[!which] };
	struct writer w = writer_over(bytes, RING_EDGE_SIZE);

	memcpy(edge.key, rings_key, BEAT_KEY);
	ring_edge_put(&w, &edge);
	return writer_span(&w);
}

int rings_list(struct rings *rings, int which, uint64_t version)
{
	uint8_t bytes[RING_EDGE_SIZE];
	struct record_ring list = { .version = version,
		.interval_ms = INTERVAL_MS,
		.echo = 5,
		.edges = edge_piece(rings, which, bytes) };

	memcpy(list.probe, rings_probe, BEAT_KEY);
	return ring_set(rings->ring[which], rings->now, &list);
}

void rings_restart(struct rings *rings, int which)
{
	const struct ring_config config = { rings_random, rings };

	ring_free(rings->ring[which]);
	rings->ring[which] = ring_new(&config);
	assert_int_equal(rings_list(rings, which, 1), 0);
}

int rings_setup(void **state)
{
	struct rings *rings = mem_alloc(1, sizeof(*rings));

	rings->now.ns = 1000 * NS_PER_SEC;
	rings->seed = 1;
	for (int i = 0; i < RINGS_COUNT; i++) {
		assert_int_equal(
			addr_parse(i ? "10.0.0.2:1985" : "10.0.0.1:1985", &rings->at[i]), 0);
	}
	for (int i = 0; i < RINGS_COUNT; i++)
		rings_restart(rings, i);
	*state = rings;
	return 0;
}

int rings_teardown(void **state)
{
	struct rings *rings = *state;

	for (int i = 0; i < RINGS_COUNT; i++)
		ring_free(rings->ring[i]);
	free(rings);
	return 0;
}

static void keep(struct rings *rings, int from, const struct addr *to, const uint8_t *bytes)
{
	struct rings_datagram *kept = &rings->kept[rings->kept_count++];

	assert_true(rings->kept_count < RINGS_KEPT);
	*kept = (struct rings_datagram){ .sent = rings->now,
		.arrives = instant_add(rings->now, DELAY_MS * NS_PER_MS),
		.from = from,
		.to = !from };
	kept->lost = memcmp(to, &rings->at[!from], sizeof(*to)) != 0 ||
		(rings->loses && rings->loses(rings, from));
	memcpy(kept->bytes, bytes, PACKET_BEAT_SIZE);
}

static bool runs(const struct rings *rings, int which)
{
	return !rings->stopped[which] && !rings->dead[which] && !rings->refuses[which];
}

/* The rest of a turn of the event loop, after all input. */
static void turn(struct rings *rings, int which)
{
	struct ring *ring = rings->ring[which];
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct message_sight *sight;
	struct addr to;

	while (ring_output(ring, rings->now, &to, datagram))
		keep(rings, which, &to, datagram);
	for (;;) {
		sight = &rings->sights[which][rings->sight_count[which]];
		if (!ring_sight(ring, rings->now, sight))
			return;
		assert_int_equal(sight->edge, RINGS_EDGE);
		rings->sight_at[which][rings->sight_count[which]++] = rings->now;
		assert_true(rings->sight_count[which] < RINGS_SIGHTS);
	}
}

void rings_give(struct rings *rings, int which, const uint8_t *bytes)
{
	ring_input(
		rings->ring[which], rings->now, &rings->at[!which], SPAN(bytes, PACKET_BEAT_SIZE));
}

/* Everything that has arrived where somebody is there to take it. */
static void deliver(struct rings *rings)
{
	while (rings->pending < rings->kept_count &&
		(rings->kept[rings->pending].lost || rings->kept[rings->pending].delivered))
		rings->pending++;
	for (int i = rings->pending; i < rings->kept_count; i++) {
		struct rings_datagram *kept = &rings->kept[i];

		if (kept->lost || kept->delivered || instant_before(rings->now, kept->arrives))
			continue;
		if (rings->refuses[kept->to])
			ring_refused(rings->ring[kept->from], rings->now, &rings->at[kept->to]);
		else if (runs(rings, kept->to))
			rings_give(rings, kept->to, kept->bytes);
		else if (rings->stopped[kept->to])
			continue;
		kept->delivered = true;
	}
}

static struct instant next_event(const struct rings *rings)
{
	struct instant next = INSTANT_NEVER;

	for (int i = 0; i < RINGS_COUNT; i++) {
		if (runs(rings, i))
			next = instant_first(next, ring_deadline(rings->ring[i]));
	}
	for (int i = rings->pending; i < rings->kept_count; i++) {
		const struct rings_datagram *kept = &rings->kept[i];

		if (!kept->lost && !kept->delivered && !rings->stopped[kept->to])
			next = instant_first(next, kept->arrives);
	}
	return next;
}

void rings_run(struct rings *rings, int64_t ms)
{
	struct instant end = instant_add(rings->now, ms * NS_PER_MS);
	struct instant next;

	while (instant_before(next = next_event(rings), end)) {
		if (instant_before(rings->now, next))
			rings->now = next;
		deliver(rings);
		for (int i = 0; i < RINGS_COUNT; i++) {
			if (runs(rings, i))
				turn(rings, i);
		}
	}
	rings->now = end;
}

void rings_continue(struct rings *rings, int which)
{
	rings->stopped[which] = false;
	deliver(rings);
	turn(rings, which);
}

enum sight rings_sight(const struct rings *rings, int which)
{
	int count = rings->sight_count[which];

	return count ? (enum sight)rings->sights[which][count - 1].sight : SIGHT_HEARD;
}
