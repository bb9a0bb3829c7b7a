/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ANSWER_H
#define CMA_ANSWER_H
/*
 * The answer to one request on the control socket, as JSON objects, one a line:
 *	{"columns":[...],"edges":"..."}   once, first; edges only for what can be drawn
 *	{"row":[...]}                     any number
 *	{"done":{"rows":N}}               or, at any point:
 *	{"error":"...","usage":true}      usage: the request was wrong, not how it went
 * Rows are buffered, so that a reader that pauses does not hold up what makes the rows.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/json.h"

struct answer {
	int fd;			  /* borrowed, blocking */
	const _Atomic bool *stop; /* the CMA ends */
	struct instant deadline;  /* of the work for this answer; not of sending it */
	struct writer out;	  /* what is not sent yet */
	uint64_t rows;
	bool ended; /* "done" or "error" was said */
	bool gone;  /* nobody reads any more */
};

void answer_init(struct answer *answer, int fd, const _Atomic bool *stop, struct instant deadline);
void answer_free(struct answer *answer);

/* names: an array of strings, whose reference is taken; edges may be NULL. */
int answer_columns(struct answer *answer, json_t *names, const char *edges);
/* Takes the reference of row. -EPIPE when nobody reads any more: the work can stop. */
int answer_row(struct answer *answer, json_t *row);
/* Sends what is buffered now: for answers that go on for ever. -EPIPE. */
int answer_flush(struct answer *answer);
/* Ends the answer. Both wait for a slow reader; -EPIPE. */
int answer_done(struct answer *answer);
int answer_error(struct answer *answer, bool usage, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the work should stop: the reader is gone, the time is over, or the CMA ends. */
bool answer_cancelled(struct answer *answer);

#endif
