/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_RETRY_H
#define CMA_RETRY_H
/*
 * What is sent again until it is answered: after 1, 2, 4, 8, 16, 30, 30 ... s. There is a list for
 * each wait, so that each is in order of time; with that a million turns cost nothing to keep.
 * Pure: time is an argument.
 */
#include <sys/queue.h>

#include "base/instant.h"

enum { RETRY_STEPS = 7 };

/* Lies in the caller's object. */
struct retry {
	TAILQ_ENTRY(retry) turn;
	size_t step;	   /* the wait before this turn; 0: none */
	struct instant at; /* of this turn */
};

struct retries {
	TAILQ_HEAD(retry_turns, retry) turns[RETRY_STEPS];
};

void retry_init(struct retries *retries);
/* Its first turn is at that instant. */
void retry_add(struct retries *retries, struct retry *retry, struct instant at);
void retry_remove(struct retries *retries, struct retry *retry);
/* Its next turn is at that instant, in that step. */
void retry_move(struct retries *retries, struct retry *retry, size_t step, struct instant at);
/* It was sent: the step after it, and when that is due. */
size_t retry_next_step(const struct retry *retry);
struct instant retry_due(struct instant now, size_t step);
/* Whose turn is first; NULL. */
struct retry *retry_first(const struct retries *retries);

/* The object of a type whose member is this. */
#define retry_object(retry, type, member) ((type *)(void *)((char *)(retry)-offsetof(type, member)))

#endif
