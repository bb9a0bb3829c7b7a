/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_PACE_H
#define CMA_ALERT_PACE_H
/*
 * What one sink still has to be told, and when. Pure: time is an argument. Its rules:
 *	- one alert for each cause in PACE_CAUSE_MS: the first at once; what happens meanwhile is
 *	  one alert with the latest state, which counts how many there were ("held");
 *	- at most PACE_BURST alerts at once and PACE_RATE_MS between them then; what is due
 *	  beyond that comes together as one every PACE_SUMMARY_MS;
 *	- what the sink did not take waits, and so does all behind it: 1 s, twice as long after each
 *	  further failure, five minutes at most.
 * Nothing is dropped: what waits is bounded because nobody offers more while pace_is_full, and the
 * events stay in the store until then.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/instant.h"

enum {
	PACE_CAUSE_MS = 10000,
	PACE_BURST = 60,
	PACE_RATE_MS = 1000,
	PACE_SUMMARY_MS = 10000,
	PACE_TOGETHER = 400, /* at most */
	PACE_RETRY_FIRST_MS = 1000,
	PACE_RETRY_LAST_MS = 300000,
	PACE_FULL = 10000,
};

struct pace;

/* Events up to this one are dealt with already. */
struct pace *pace_new(int64_t event);
void pace_free(struct pace *pace); /* NULL is fine */

/*
 * The next event, of a higher number than those before, as an alert (not taken). cause is what it
 * is limited by; incident what it tells of: an older alert about the same one makes way also when
 * its cause was thought to be another.
 */
void pace_offer(
	struct pace *pace, int64_t event, int64_t incident, const char *cause, json_t *alert);
/* The next event, of which there is nothing to tell. */
void pace_skip(struct pace *pace, int64_t event);
bool pace_is_full(const struct pace *pace);

/*
 * What to tell now: an array of one alert, or of more that are to be told together; NULL: nothing
 * yet. The caller decrefs it, and says what came of it with pace_done before anything else.
 */
json_t *pace_next(struct pace *pace, struct instant now);
void pace_done(struct pace *pace, struct instant now, bool taken);
/* When pace_next has something; INSTANT_NEVER: not before more is offered. */
struct instant pace_deadline(const struct pace *pace);

/* The event up to which all was told: what a new process begins behind. */
int64_t pace_told(const struct pace *pace);
size_t pace_waiting(const struct pace *pace); /* alerts */

#endif
