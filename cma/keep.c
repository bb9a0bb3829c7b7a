// SPDX-License-Identifier: Apache-2.0
#include "cma/keep.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cma/act_alive.h"
#include "cma/graph/ring.h"

void keep_init(struct keep *keep)
{
	STAILQ_INIT(&keep->items);
	keep->count = 0;
}

void keep_deinit(struct keep *keep)
{
	while (keep->count)
		keep_drop(keep);
}

static void add(struct keep *keep, const struct keep_item *item)
{
	struct keep_item *copy = mem_copy(item, sizeof(*item));

	STAILQ_INSERT_TAIL(&keep->items, copy, next);
	keep->count++;
}

void keep_event(struct keep *keep, struct instant now, const struct alive_event *event)
{
	add(keep, &(struct keep_item){ .since = now, .event = *event });
}

void keep_beat(struct keep *keep, struct instant now, uint64_t agent, uint16_t port)
{
	add(keep, &(struct keep_item){ .since = now, .agent = agent, .port = port });
}

void keep_move(struct keep *from, struct keep *to, size_t max)
{
	while (from->count && to->count < max) {
		struct keep_item *item = STAILQ_FIRST(&from->items);

		STAILQ_REMOVE_HEAD(&from->items, next);
		from->count--;
		STAILQ_INSERT_TAIL(&to->items, item, next);
		to->count++;
	}
}

int keep_act(struct act *act, struct keep_item *item)
{
	int err = item->agent ? graph_beat(act->graph, act_agent(act, item->agent), item->port)
			      : act_alive(act, &item->event);

	item->refused = err == ACT_REFUSED || err == -ENOENT;
	return item->refused ? 0 : err;
}

void keep_drop(struct keep *keep)
{
	struct keep_item *item = STAILQ_FIRST(&keep->items);

	STAILQ_REMOVE_HEAD(&keep->items, next);
	keep->count--;
	free(item);
}

void keep_set_aside(struct keep *keep, struct keep_item *item)
{
	STAILQ_REMOVE(&keep->items, item, keep_item, next);
	keep->count--;
	free(item);
}
