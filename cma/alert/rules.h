/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_RULES_H
#define CMA_ALERT_RULES_H
/*
 * Rules: queries that should find nothing (cma/rules/, and a directory of the operator's, read anew
 * each time). Each row that a rule finds has a "node" (its id) and a "text" for people, and opens
 * the incident rule:NAME of that node, which is over when the row is not found any more. They are
 * asked a while after something was committed, and now and then when nothing was, on a thread of
 * its own, which also ends maintenances whose time is over.
 */
#include "cma/alert/teller.h"

enum {
	RULES_AFTER_MS = 10000, /* at least between two times, */
	RULES_IDLE_MS = 60000,	/* and at most: what a rule asks of the time comes true by itself */
	RULES_SHARE = 20,	/* of the time: one part for looking, the others for waiting */
	RULES_ROWS_MAX = 1000,	/* of one rule in one tenant; more are not looked at */
};

struct rules;

/* world and directory (may be NULL) must live until rules_free. -errno. */
int rules_start(const struct teller_world *world, const char *directory, struct rules **rules);
void rules_stop(struct rules *rules); /* rules_join waits for it; NULL is fine for each */
void rules_join(struct rules *rules);
void rules_free(struct rules *rules);

#endif
