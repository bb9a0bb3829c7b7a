// SPDX-License-Identifier: Apache-2.0
/*
 * A ring against anybody. The input is pieces of u8 what, u8 size, bytes:
 *
 *	0  a RING, of which these are the edges       3  the host at this address refuses
 *	1  a datagram                                 4  so many tenths of a second pass
 *	2  the same with a MAC that is right
 *
 * Nobody gets back more than he sent but the neighbours of the list, no more is told than has
 * changed, and the next deadline is not past.
 */
#include <string.h>

#include "agent/ring.h"
#include "tests/fuzz/fuzz.h"
#include "wire/ring_edge.h"

struct attempt {
	struct ring *ring;
	struct instant now;
	uint64_t version;
	struct addr from;
	uint8_t seed;
};

static const uint8_t probe_key[BEAT_KEY] = "probe";

static void bytes_of_seed(void *owner, void *to, size_t size)
{
	memset(to, *(uint8_t *)owner, size);
}

static void give_list(struct attempt *a, struct span edges)
{
	struct record_ring list = { .version = ++a->version, .interval_ms = 1000, .edges = edges };
	uint64_t before = ring_version(a->ring);

	memcpy(list.probe, probe_key, BEAT_KEY);
	if (ring_set(a->ring, a->now, &list))
		fuzz_require(ring_version(a->ring) == before);
	else
		fuzz_require(ring_version(a->ring) == a->version &&
			edges.size % RING_EDGE_SIZE == 0 &&
			edges.size <= RING_EDGES_MAX * RING_EDGE_SIZE);
}

/* Edge 0 under its key, others under the key that is all zero. */
static void sign(uint8_t datagram[PACKET_BEAT_SIZE])
{
	static const uint8_t zero[BEAT_KEY];
	const size_t covered = PACKET_BEAT_SIZE - PACKET_MAC;
	uint32_t edge;

	if (!beat_claims(SPAN(datagram, PACKET_BEAT_SIZE), &edge))
		seal_mac(edge == BEAT_EDGE_CMA ? probe_key : zero, SPAN(datagram, covered),
			datagram + covered);
}

static void give_datagram(struct attempt *a, struct span bytes, bool genuine)
{
	const struct ring_counters before = *ring_counters(a->ring);
	const struct ring_counters *after = ring_counters(a->ring);
	uint8_t datagram[PACKET_BEAT_SIZE];

	if (genuine && bytes.size == PACKET_BEAT_SIZE) {
		memcpy(datagram, bytes.data, sizeof(datagram));
		sign(datagram);
		bytes = SPAN(datagram, sizeof(datagram));
	}
	ring_input(a->ring, a->now, &a->from, bytes);
	fuzz_require(after->answered == before.answered);
	if (bytes.size != PACKET_BEAT_SIZE)
		fuzz_require(after->malformed == before.malformed + 1);
}

static void turn(struct attempt *a)
{
	const struct ring_counters *counters = ring_counters(a->ring);
	uint64_t answered = counters->answered, sent = counters->sent;
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct message_sight sight;
	unsigned told = 0;
	struct addr to;

	while (ring_output(a->ring, a->now, &to, datagram))
		continue;
	fuzz_require(counters->answered - answered <= 4 && counters->sent - sent <= RING_EDGES_MAX);
	while (ring_sight(a->ring, a->now, &sight))
		fuzz_require(++told <= RING_EDGES_MAX && sight.sight < SIGHT_COUNT);
	fuzz_require(!instant_before(ring_deadline(a->ring), a->now));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(SPAN(data, size));
	struct attempt a = { .now = { NS_PER_SEC }, .from = { .port = 9 } };
	const struct ring_config config = { bytes_of_seed, &a.seed };

	a.seed = get_u8(&r);
	fuzz_require(!seal_init());
	a.ring = ring_new(&config);
	while (!r.failed && r.left.size) {
		uint8_t what = get_u8(&r);
		struct span bytes = get_span(&r, get_u8(&r));

		if (what == 0)
			give_list(&a, bytes);
		else if (what <= 2)
			give_datagram(&a, bytes, what == 2);
		else if (what == 3)
			ring_refused(a.ring, a.now, &a.from);
		else
			a.now = instant_add(a.now, (int64_t)bytes.size * 100 * NS_PER_MS);
		turn(&a);
	}
	ring_free(a.ring);
	return 0;
}
