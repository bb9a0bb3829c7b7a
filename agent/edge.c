// SPDX-License-Identifier: Apache-2.0
#include "agent/edge.h"

/* Without another one for so long, gaps are forgotten; what comes seldom fades by a beat in it. */
#define GAP_KEPT (1800 * NS_PER_SEC)

enum {
	LOSS_WEIGHT = 7,   /* 1/128 for each beat */
	BURST_WEIGHT = 4,  /* 1/16 for each that follows a lost one */
	GAP_MIN = 2,	   /* beats: one that is lost alone is no gap */
	GAP_MARGIN = 5,	   /* beats, beyond a gap that came again */
	REFUSALS = 2,	   /* of different beats, before that is believed */
	UNPROVEN = 3,	   /* beats, before it is one-way: when a cut is mended there is one, too */
	REFUSED_BEATS = 3, /* for so many intervals after the last one */
	OFFER_BEATS = 2,   /* quiet intervals of the proven run, before another is answered */
	RUN_MAX = 1 << 20, /* beats: further apart are two runs */
};

/*
 * k beats are lost one after the other once in 10,000 times when this share of all is lost: 10^(-4
 * / k) of 65535, for k from EDGE_MISSES_MIN on.
 */
static const uint16_t share_of_misses[] = { 10386, 14119, 17581, 20723, 23552, 26089, 28368, 30418,
	32268, 33943, 35465, 36853, 38122, 39287, 40359 };

void edge_init(struct edge *edge, struct instant now, const struct ring_edge *told)
{
	*edge = (struct edge){ .told = *told,
		.misses = EDGE_MISSES_MIN,
		.sight = SIGHT_HEARD,
		.said = SIGHT_HEARD,
		.proven = now,
		.patient = now,
		.heard = now,
		.gap_at = now,
		.faded = now };
}

/* ---- how many may be lost ------------------------------------------------------------------ */

static uint8_t misses_of_share(uint16_t share)
{
	uint8_t misses = EDGE_MISSES_MIN;

	while (misses < EDGE_MISSES_MAX && share > share_of_misses[misses - EDGE_MISSES_MIN])
		misses++;
	return misses;
}

/* Losses come together: a beat is lost a quarter of all times more often after a lost one. */
static bool is_bursty(const struct edge *edge)
{
	return edge->lost_on / 4 > edge->lost_in / 4 + UINT32_MAX / 16;
}

static void adapt(struct edge *edge)
{
	uint16_t in = (uint16_t)(edge->lost_in >> 16);

	edge->misses = misses_of_share(in > edge->lost_out ? in : edge->lost_out);
	if (is_bursty(edge) && edge->misses < edge->again + GAP_MARGIN)
		edge->misses = (uint8_t)(edge->again + GAP_MARGIN);
	if (edge->misses > EDGE_MISSES_MAX)
		edge->misses = EDGE_MISSES_MAX;
}

static void average(uint32_t *share, unsigned int weight, bool lost)
{
	if (lost)
		*share += (UINT32_MAX - *share) >> weight;
	else
		*share -= *share >> weight;
}

static void forget_gaps(struct edge *edge, struct instant now)
{
	if (instant_sub(now, edge->gap_at) >= GAP_KEPT)
		edge->gap = edge->again = 0;
	if (instant_sub(now, edge->faded) < GAP_KEPT)
		return;
	edge->gap -= edge->gap > 0;
	edge->again -= edge->again > 0;
	edge->faded = now;
}

static void note_gap(struct edge *edge, struct instant now, uint8_t lost)
{
	if (lost < GAP_MIN)
		return;
	edge->gap_at = now;
	if (lost > edge->gap) {
		edge->again = edge->gap;
		edge->gap = lost;
	} else if (lost > edge->again) {
		edge->again = lost;
	}
}

/*
 * A beat came, and lost ones before it did not. What is longer than anybody would wait for was no
 * loss: the neighbour, or what is between us, was away. So it was when silence was told, unless
 * that happens again and again.
 */
static void count_lost(struct edge *edge, struct instant now, uint64_t lost)
{
	if (lost > EDGE_MISSES_MAX || edge->excused)
		lost = 0;
	edge->excused = false;
	forget_gaps(edge, now);
	note_gap(edge, now, (uint8_t)lost);
	if (lost >= edge->misses && edge->again < edge->misses)
		lost = 0;
	for (uint64_t i = 0; i <= lost; i++) {
		average(&edge->lost_in, LOSS_WEIGHT, i < lost);
		if (i)
			average(&edge->lost_on, BURST_WEIGHT, i < lost);
	}
}

/* ---- what comes ---------------------------------------------------------------------------- */

/* How far a beat is beyond another of the same run: 0 and less came before; RUN_MAX: another run.
 */
static int64_t beyond(uint64_t challenge, uint64_t last)
{
	int64_t beats = (int64_t)(challenge - last);

	return beats > -RUN_MAX && beats < RUN_MAX ? beats : RUN_MAX;
}

static enum edge_heard take_proof(
	struct edge *edge, struct instant now, const struct beat *beat, int64_t beats)
{
	if (beats < RUN_MAX)
		count_lost(edge, now, (uint64_t)beats - 1);
	edge->run = beat->challenge;
	edge->has_run = true;
	edge->has_offer = false;
	edge->lost_out = beat->lost;
	edge->refusals = 0;
	edge->unproven = 0;
	edge->sight = SIGHT_HEARD;
	edge->proven = edge->patient = now;
	adapt(edge);
	return EDGE_PROOF;
}

static enum edge_heard take_unproven(
	struct edge *edge, struct instant now, const struct beat *beat, int64_t beats)
{
	if (beats < RUN_MAX) {
		count_lost(edge, now, (uint64_t)beats - 1);
		edge->run = beat->challenge;
		return EDGE_UNPROVEN;
	}
	if (edge->has_offer && beyond(beat->challenge, edge->offer) <= 0)
		return EDGE_REPEATED;
	edge->offer = beat->challenge;
	edge->has_offer = true;
	return EDGE_UNPROVEN;
}

enum edge_heard edge_hear(
	struct edge *edge, struct instant now, const struct beat *beat, uint64_t challenge)
{
	int64_t beats = edge->has_run ? beyond(beat->challenge, edge->run) : RUN_MAX;
	bool fresh = !(beat->state & BEAT_STARTED) && challenge - beat->echo < edge->misses;
	enum edge_heard heard;

	if (!(beat->state & BEAT_HIGH) == !(edge->told.flags & RING_EDGE_HIGH))
		return EDGE_REFLECTED;
	if (beats <= 0)
		return EDGE_REPEATED;
	heard = fresh ? take_proof(edge, now, beat, beats) : take_unproven(edge, now, beat, beats);
	if (heard != EDGE_REPEATED)
		edge->heard = now;
	if (heard == EDGE_UNPROVEN && edge->unproven < UNPROVEN)
		edge->unproven++;
	return heard;
}

void edge_refuse(struct edge *edge, struct instant now, uint64_t challenge)
{
	if (edge->refusals && edge->refused_beat == challenge)
		return;
	if (edge->refusals < REFUSALS)
		edge->refusals++;
	edge->refused_beat = challenge;
	edge->refused = now;
}

void edge_excuse(struct edge *edge, struct instant now)
{
	edge->patient = now;
	edge->excused = true;
}

/* ---- what is said, and seen ---------------------------------------------------------------- */

void edge_speak(const struct edge *edge, struct instant now, int64_t interval_ns, struct beat *beat)
{
	bool offered = edge->has_offer &&
		(!edge->has_run || instant_sub(now, edge->proven) >= OFFER_BEATS * interval_ns);

	beat->edge = edge->told.edge;
	beat->echo = offered ? edge->offer : edge->run;
	beat->lost = (uint16_t)(edge->lost_in >> 16);
	beat->state = edge->told.flags & RING_EDGE_HIGH ? BEAT_HIGH : 0;
	if (!offered && !edge->has_run)
		beat->state |= BEAT_STARTED;
}

/* k beats, none of which is later than its time by more than a tenth of the interval, nor is ours.
 */
static int64_t patience(const struct edge *edge, int64_t interval_ns)
{
	return edge->misses * interval_ns + interval_ns / 5;
}

enum sight edge_judge(struct edge *edge, struct instant now, int64_t interval_ns)
{
	int64_t most = patience(edge, interval_ns);

	if (edge->refusals >= REFUSALS &&
		instant_sub(now, edge->refused) < REFUSED_BEATS * interval_ns)
		edge->sight = SIGHT_REFUSED;
	else if (instant_sub(now, edge->patient) >= most)
		edge->sight = edge->unproven == UNPROVEN && instant_sub(now, edge->heard) < most
			? SIGHT_ONE_WAY
			: SIGHT_SILENT;
	return edge->sight;
}

struct instant edge_deadline(const struct edge *edge, int64_t interval_ns)
{
	if (edge->sight != SIGHT_HEARD)
		return INSTANT_NEVER; /* the next beat of ours is soon enough */
	return instant_add(edge->patient, patience(edge, interval_ns));
}
