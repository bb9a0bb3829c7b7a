// SPDX-License-Identifier: Apache-2.0
#include "cma/stats.h"

#include <math.h>
#include <string.h>

/* Latencies beyond this many are halved: about the last hundred thousand messages count. */
enum { LATENCY_WEIGHT_MAX = 1 << 17, LATENCY_FLOOR_NS = 1000 };

void stats_init(struct stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	pthread_mutex_init(&stats->lock, NULL);
}

void stats_free(struct stats *stats)
{
	pthread_mutex_destroy(&stats->lock);
}

static size_t bucket_of(int64_t ns)
{
	double steps = ns <= LATENCY_FLOOR_NS ? 0 : 4 * log2((double)ns / LATENCY_FLOOR_NS);

	return steps >= STATS_BUCKETS - 1 ? STATS_BUCKETS - 1 : (size_t)steps;
}

/* The middle of a bucket, in milliseconds. */
static double bucket_ms(size_t bucket)
{
	return LATENCY_FLOOR_NS * exp2(((double)bucket + 0.5) / 4) / (double)NS_PER_MS;
}

static void forget_half(struct latency *latency)
{
	latency->count = 0;
	for (size_t i = 0; i < STATS_BUCKETS; i++)
		latency->count += latency->buckets[i] /= 2;
}

static void count_latency(struct latency *latency, int64_t ns)
{
	if (latency->count >= LATENCY_WEIGHT_MAX)
		forget_half(latency);
	latency->buckets[bucket_of(ns)]++;
	latency->count++;
}

/* Clears the seconds that passed since the last call. */
static void move_to(struct stats *stats, struct instant now)
{
	int64_t second = now.ns / NS_PER_SEC;
	int64_t passed = second - stats->last_second;

	for (int64_t i = 1; i <= passed && i <= STATS_SECONDS; i++)
		stats->second[(stats->last_second + i) % STATS_SECONDS] = 0;
	if (passed > 0)
		stats->last_second = second;
}

void stats_message(struct stats *stats, struct instant now, uint64_t deltas, int64_t took_ns)
{
	pthread_mutex_lock(&stats->lock);
	move_to(stats, now);
	stats->second[stats->last_second % STATS_SECONDS] += deltas;
	stats->messages++;
	stats->deltas += deltas;
	count_latency(&stats->message, took_ns);
	pthread_mutex_unlock(&stats->lock);
}

void stats_decision(struct stats *stats, int64_t took_ns)
{
	pthread_mutex_lock(&stats->lock);
	stats->decisions++;
	count_latency(&stats->decision, took_ns);
	pthread_mutex_unlock(&stats->lock);
}

void stats_unwritten(struct stats *stats)
{
	pthread_mutex_lock(&stats->lock);
	stats->unwritten++;
	pthread_mutex_unlock(&stats->lock);
}

void stats_refused(struct stats *stats)
{
	pthread_mutex_lock(&stats->lock);
	stats->refused++;
	pthread_mutex_unlock(&stats->lock);
}

void stats_commit(struct stats *stats)
{
	pthread_mutex_lock(&stats->lock);
	stats->commits++;
	pthread_mutex_unlock(&stats->lock);
}

static double percentile_ms(const struct latency *latency, double share)
{
	double wanted = share * latency->count;
	uint32_t seen = 0;

	for (size_t i = 0; i < STATS_BUCKETS; i++) {
		seen += latency->buckets[i];
		if (seen && seen >= wanted)
			return bucket_ms(i);
	}
	return 0;
}

struct stats_view stats_view(struct stats *stats, struct instant now)
{
	struct stats_view view;
	uint64_t recent = 0;

	pthread_mutex_lock(&stats->lock);
	move_to(stats, now);
	for (size_t i = 0; i < STATS_SECONDS; i++)
		recent += stats->second[i];
	view = (struct stats_view){
		.messages = stats->messages,
		.deltas = stats->deltas,
		.commits = stats->commits,
		.refused = stats->refused,
		.deltas_per_second = (double)recent / STATS_SECONDS,
		.decisions = stats->decisions,
		.unwritten = stats->unwritten,
		.p50_ms = percentile_ms(&stats->message, 0.5),
		.p99_ms = percentile_ms(&stats->message, 0.99),
		.decision_p99_ms = percentile_ms(&stats->decision, 0.99),
	};
	pthread_mutex_unlock(&stats->lock);
	return view;
}
