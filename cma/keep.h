/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_KEEP_H
#define CMA_KEEP_H
/*
 * What this process has decided itself, on its way to the disk, in order. No agent would say it
 * again, so it is kept until it is committed, however often that fails.
 */
#include <sys/queue.h>

#include "base/instant.h"
#include "cma/act.h"
#include "cma/alive/event.h"

struct keep_item {
	STAILQ_ENTRY(keep_item) next;
	struct instant since;
	bool refused;	/* it was acted on, and there is no such agent or node */
	uint64_t agent; /* not 0: its heartbeats are at that port; else */
	uint16_t port;
	struct alive_event event; /* this */
};

struct keep {
	STAILQ_HEAD(keep_items, keep_item) items;
	size_t count;
};

void keep_init(struct keep *keep);
void keep_deinit(struct keep *keep);
void keep_event(struct keep *keep, struct instant now, const struct alive_event *event);
void keep_beat(struct keep *keep, struct instant now, uint64_t agent, uint16_t port);
/* Moves the first of from behind the last of to, until to has max. */
void keep_move(struct keep *from, struct keep *to, size_t max);
/*
 * What it does to the graph: 0, or -errno when the transaction is useless; -ENOTRECOVERABLE: and
 * any other with it would be.
 */
int keep_act(struct act *act, struct keep_item *item);
/* Forgets the first, which is committed. */
void keep_drop(struct keep *keep);
/* Forgets one that can never be. */
void keep_set_aside(struct keep *keep, struct keep_item *item);

#endif
