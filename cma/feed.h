/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_FEED_H
#define CMA_FEED_H
/*
 * Tells those who watch up to which moment the history is complete. Every change carries the time
 * of its transaction, and times never go back; so once a time is past and no transaction of it is
 * open, what was changed up to it can be read from the store, once each, by the same query that
 * answers "what changed between two times".
 */
#include <stdint.h>

struct feed;

/* What happened up to now_ms is history from the beginning. */
struct feed *feed_new(int64_t now_ms);
void feed_free(struct feed *feed); /* NULL is fine */

/* The writer: the time of a transaction that begins now, and its end, committed or not. */
int64_t feed_begin(struct feed *feed, int64_t now_ms);
void feed_end(struct feed *feed);

/* The time up to which nothing new can appear. */
int64_t feed_horizon(struct feed *feed);
/*
 * Waits until the horizon is later than after_ms and something was committed since, at most
 * wait_ms. Returns the horizon, or after_ms when there is nothing new.
 */
int64_t feed_wait(struct feed *feed, int64_t after_ms, int64_t wait_ms);

#endif
