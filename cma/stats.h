/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_STATS_H
#define CMA_STATS_H
/* How much is committed, and how long it takes from the datagram to the disk. */
#include <pthread.h>
#include <stdint.h>

#include "base/instant.h"

enum { STATS_BUCKETS = 128, STATS_SECONDS = 10 };

/* Latencies fall into buckets that grow by a quarter power of two; old ones count less. */
struct latency {
	uint32_t buckets[STATS_BUCKETS];
	uint32_t count;
};

struct stats {
	pthread_mutex_t lock;
	uint64_t messages, deltas, commits, refused, decisions, unwritten;
	struct latency message, decision;
	uint64_t second[STATS_SECONDS]; /* deltas committed in each of the last seconds */
	int64_t last_second;
};

struct stats_view {
	uint64_t messages, deltas, commits, refused, decisions, unwritten;
	double deltas_per_second; /* over the last STATS_SECONDS */
	double p50_ms, p99_ms;	  /* of messages; 0 when nothing was committed yet */
	double decision_p99_ms;
};

void stats_init(struct stats *stats);
void stats_free(struct stats *stats);
/* One message became durable took_ns after it arrived; deltas: the facts that it changed. */
void stats_message(struct stats *stats, struct instant now, uint64_t deltas, int64_t took_ns);
/* What was decided here (cma/keep.h) became durable after so long. */
void stats_decision(struct stats *stats, int64_t took_ns);
/* Another one has no place in the store, or none that the store allows: it is forgotten. */
void stats_unwritten(struct stats *stats);
/* An event of an agent had no effect, because the store knows no such agent or token. */
void stats_refused(struct stats *stats);
void stats_commit(struct stats *stats);
struct stats_view stats_view(struct stats *stats, struct instant now);

#endif
