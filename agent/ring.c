// SPDX-License-Identifier: Apache-2.0
#include "agent/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/edge.h"
#include "base/alloc.h"

#define ANSWER_SPACING (10 * NS_PER_MS) /* of answers to the CMA, when there are many, */
#define ANSWER_BURST   (32 * ANSWER_SPACING)
#define HEALTH_UNIT    (100 * NS_PER_MS)

enum {
	JITTER_SHARE = 10,   /* a beat is early or late by up to a tenth of the interval */
	HEALTH_SHARE = 8,    /* of the lateness that is forgotten with each beat */
	ANSWERS_WAITING = 4, /* from one ring_input to the next ring_output */
};

struct answer {
	struct addr to;
	uint64_t echo;
};

struct ring {
	struct ring_config config;
	uint64_t version, echo;
	uint8_t probe[BEAT_KEY]; /* of the CMA's questions */
	int64_t interval_ns;
	uint64_t challenge;	      /* of our last beat; they count up by one */
	struct instant on_time, next; /* the next beat: without, with its jitter */
	int64_t late_ns;	      /* of late: how late our loop was */
	struct edge *edges;
	unsigned count;
	unsigned unsent; /* edges that the beat which is due was not yet sent on */
	unsigned answer_count;
	struct answer answers[ANSWERS_WAITING];
	struct instant answered_until; /* the answers so far last until then, at ANSWER_SPACING */
	struct ring_counters counters;
};

struct ring *ring_new(const struct ring_config *config)
{
	struct ring *ring = mem_alloc(1, sizeof(*ring));

	ring->config = *config;
	config->random(config->owner, &ring->challenge, sizeof(ring->challenge));
	return ring;
}

static void free_edges(struct edge *edges, unsigned count)
{
	seal_wipe(edges, count * sizeof(*edges));
	free(edges);
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	free_edges(ring->edges, ring->count);
	seal_wipe(ring, sizeof(*ring));
	free(ring);
}

uint64_t ring_version(const struct ring *ring)
{
	return ring->version;
}

uint64_t ring_echo(const struct ring *ring)
{
	return ring->echo;
}

const struct ring_counters *ring_counters(const struct ring *ring)
{
	return &ring->counters;
}

/* ---- the list ------------------------------------------------------------------------------ */

static struct edge *find_edge(struct edge *edges, unsigned count, uint32_t number)
{
	for (unsigned i = 0; i < count; i++) {
		if (edges[i].told.edge == number)
			return &edges[i];
	}
	return NULL;
}

/* Those that stay keep what is known of them. */
static int read_edges(const struct ring *ring, struct instant now, struct span pieces,
	struct edge edges[RING_EDGES_MAX], unsigned *count)
{
	struct reader r = reader_of(pieces);
	struct ring_edge told;

	*count = 0;
	while (ring_edge_get(&r, &told)) {
		const struct edge *known = find_edge(ring->edges, ring->count, told.edge);

		if (*count == RING_EDGES_MAX || told.edge == BEAT_EDGE_CMA || !told.at.port ||
			find_edge(edges, *count, told.edge))
			return -EINVAL;
		if (known)
			edges[*count] = *known;
		else
			edge_init(&edges[*count], now, &told);
		edges[(*count)++].told = told;
	}
	return reader_done(&r) ? 0 : -EINVAL;
}

/* From 0 to below limit. */
static int64_t random_below(struct ring *ring, int64_t limit)
{
	uint32_t value;

	ring->config.random(ring->config.owner, &value, sizeof(value));
	return (int64_t)(((uint64_t)limit * value) >> 32);
}

int ring_set(struct ring *ring, struct instant now, const struct record_ring *record)
{
	struct edge edges[RING_EDGES_MAX];
	unsigned count;
	int err = 0;

	if (record->version && record->version == ring->version)
		return 0;
	if (!record->version || record->interval_ms < RING_INTERVAL_MIN_MS ||
		record->interval_ms > RING_INTERVAL_MAX_MS)
		return -EINVAL;
	err = read_edges(ring, now, record->edges, edges, &count);
	if (!err) {
		free_edges(ring->edges, ring->count);
		ring->edges = mem_copy(edges, count * sizeof(*edges));
		/* Hosts that get their lists at one time do not beat at one time. */
		ring->interval_ns = record->interval_ms * NS_PER_MS;
		if (!ring->count)
			ring->next = ring->on_time =
				instant_add(now, random_below(ring, ring->interval_ns));
		ring->count = count;
		ring->unsent = 0;
		ring->version = record->version;
		ring->echo = record->echo;
		memcpy(ring->probe, record->probe, sizeof(ring->probe));
	}
	seal_wipe(edges, sizeof(edges));
	return err;
}

/* ---- what comes ---------------------------------------------------------------------------- */

/* Whoever was not there to listen cannot say that he heard nothing. */
static void notice_stall(struct ring *ring, struct instant now)
{
	int64_t late_ns = instant_sub(now, ring->next);

	if (!ring->count || late_ns <= ring->interval_ns)
		return;
	for (unsigned i = 0; i < ring->count; i++)
		edge_excuse(&ring->edges[i], now);
	ring->next = ring->on_time = now;
	ring->late_ns = late_ns;
	ring->counters.stalls++;
}

static uint8_t health(const struct ring *ring)
{
	int64_t units = ring->late_ns / HEALTH_UNIT;

	return units < UINT8_MAX ? (uint8_t)units : UINT8_MAX;
}

static void take_question(
	struct ring *ring, struct instant now, const struct addr *from, const struct beat *question)
{
	if (!(question->state & BEAT_ASKS)) {
		ring->counters.reflected++;
		return;
	}
	if (ring->answer_count == ANSWERS_WAITING ||
		instant_sub(ring->answered_until, now) > ANSWER_BURST) {
		ring->counters.unanswered++;
		return;
	}
	if (instant_before(ring->answered_until, now))
		ring->answered_until = now;
	ring->answered_until = instant_add(ring->answered_until, ANSWER_SPACING);
	ring->answers[ring->answer_count++] = (struct answer){ *from, question->challenge };
}

/* Whoever proved to be the neighbour is where he sent it from. */
static void take_beat(struct ring *ring, struct instant now, struct edge *edge,
	const struct addr *from, const struct beat *beat)
{
	switch (edge_hear(edge, now, beat, ring->challenge)) {
	case EDGE_PROOF:
		edge->told.at = *from;
		ring->counters.heard++;
		break;
	case EDGE_UNPROVEN:
		ring->counters.unproven++;
		break;
	case EDGE_REPEATED:
		ring->counters.repeated++;
		break;
	case EDGE_REFLECTED:
		ring->counters.reflected++;
		break;
	}
}

void ring_input(
	struct ring *ring, struct instant now, const struct addr *from, struct span datagram)
{
	struct edge *edge = NULL;
	struct beat beat;
	uint32_t number;

	notice_stall(ring, now);
	if (beat_claims(datagram, &number)) {
		ring->counters.malformed++;
		return;
	}
	if (number != BEAT_EDGE_CMA)
		edge = find_edge(ring->edges, ring->count, number);
	if (!ring->version || (!edge && number != BEAT_EDGE_CMA))
		ring->counters.unknown_edge++;
	else if (beat_decode(datagram, edge ? edge->told.key : ring->probe, &beat))
		ring->counters.forged++;
	else if (edge)
		take_beat(ring, now, edge, from, &beat);
	else
		take_question(ring, now, from, &beat);
}

void ring_refused(struct ring *ring, struct instant now, const struct addr *address)
{
	notice_stall(ring, now);
	for (unsigned i = 0; i < ring->count; i++) {
		struct edge *edge = &ring->edges[i];

		if (edge->told.at.port != address->port ||
			memcmp(edge->told.at.ip, address->ip, sizeof(address->ip)))
			continue;
		edge_refuse(edge, now, ring->challenge);
		ring->counters.refused++;
	}
}

/* ---- what goes out ------------------------------------------------------------------------- */

static size_t put_answer(struct ring *ring, struct addr *to, uint8_t *datagram)
{
	const struct answer *answer = &ring->answers[--ring->answer_count];
	const struct beat beat = { .edge = BEAT_EDGE_CMA,
		.challenge = ring->challenge,
		.echo = answer->echo,
		.health = health(ring) };

	*to = answer->to;
	beat_encode(&beat, ring->probe, datagram);
	ring->counters.answered++;
	return PACKET_BEAT_SIZE;
}

/*
 * The times of beats without their jitter are an interval apart, so what k beats can be late
 * together is what one can be.
 */
static void begin_beat(struct ring *ring, struct instant now)
{
	int64_t jitter = ring->interval_ns / JITTER_SHARE;
	int64_t late_ns = instant_sub(now, ring->next);

	ring->late_ns -= ring->late_ns / HEALTH_SHARE;
	if (ring->late_ns < late_ns)
		ring->late_ns = late_ns;
	ring->on_time = instant_add(ring->on_time, ring->interval_ns);
	if (instant_before(ring->on_time, now))
		ring->on_time = instant_add(now, ring->interval_ns);
	ring->next = instant_add(ring->on_time, random_below(ring, 2 * jitter) - jitter);
	ring->challenge++;
	ring->unsent = ring->count;
}

size_t ring_output(
	struct ring *ring, struct instant now, struct addr *to, uint8_t datagram[PACKET_BEAT_SIZE])
{
	struct beat beat = { .health = 0 };
	const struct edge *edge;

	notice_stall(ring, now);
	if (ring->answer_count)
		return put_answer(ring, to, datagram);
	if (ring->count && !ring->unsent && !instant_before(now, ring->next))
		begin_beat(ring, now);
	if (!ring->unsent)
		return 0;
	edge = &ring->edges[--ring->unsent];
	beat.challenge = ring->challenge;
	beat.health = health(ring);
	edge_speak(edge, now, ring->interval_ns, &beat);
	beat_encode(&beat, edge->told.key, datagram);
	*to = edge->told.at;
	ring->counters.sent++;
	return PACKET_BEAT_SIZE;
}

bool ring_sight(struct ring *ring, struct instant now, struct message_sight *sight)
{
	notice_stall(ring, now);
	for (unsigned i = 0; i < ring->count; i++) {
		struct edge *edge = &ring->edges[i];
		int64_t quiet_ms = instant_sub(now, edge->proven) / NS_PER_MS;

		if (edge_judge(edge, now, ring->interval_ns) == edge->said)
			continue;
		edge->said = edge->sight;
		*sight = (struct message_sight){ .edge = edge->told.edge,
			.sight = (uint8_t)edge->sight,
			.health = health(ring),
			.misses = edge->misses,
			.loss = (uint16_t)(edge->lost_in >> 16),
			.quiet_ms = quiet_ms < UINT32_MAX ? (uint32_t)quiet_ms : UINT32_MAX,
			.clock_ms = (uint64_t)(now.ns / NS_PER_MS) };
		return true;
	}
	return false;
}

struct instant ring_deadline(const struct ring *ring)
{
	struct instant first = ring->next;

	if (!ring->count)
		return INSTANT_NEVER;
	for (unsigned i = 0; i < ring->count; i++)
		first = instant_first(first, edge_deadline(&ring->edges[i], ring->interval_ns));
	return first;
}
