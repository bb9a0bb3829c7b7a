// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_doubt.h"

#include <string.h>

#include "agent/watch_state.h"

/* Ten times what the kernel programs take as soon. */
enum { DOUBT_MS = 50, DOUBTS_MAX = 256 };

static void doubt_free(struct watch *watch, struct doubt *doubt)
{
	TAILQ_REMOVE(&watch->doubts, doubt, next);
	watch->doubt_count--;
	free(doubt);
}

static void tell_first(struct watch *watch, struct instant now)
{
	struct event_edge event = TAILQ_FIRST(&watch->doubts)->event;

	doubt_free(watch, TAILQ_FIRST(&watch->doubts));
	event.outcome = EDGE_OK;
	watch_edge(watch, now, &event);
}

void doubt_add(struct watch *watch, struct instant now, const struct event_edge *event)
{
	struct doubt *doubt;

	if (!watch->config.hold) /* what is open is in the snapshot */
		return;
	doubt_end(watch, &event->key);
	doubt = mem_alloc(1, sizeof(*doubt));
	doubt->event = *event;
	doubt->until = instant_add(now, DOUBT_MS * NS_PER_MS);
	TAILQ_INSERT_TAIL(&watch->doubts, doubt, next);
	if (++watch->doubt_count > DOUBTS_MAX)
		tell_first(watch, now);
}

void doubt_end(struct watch *watch, const struct edge_key *key)
{
	struct doubt *doubt;

	TAILQ_FOREACH (doubt, &watch->doubts, next) {
		if (!memcmp(&doubt->event.key, key, sizeof(*key))) {
			doubt_free(watch, doubt);
			return;
		}
	}
}

void doubt_tick(struct watch *watch, struct instant now)
{
	while (!TAILQ_EMPTY(&watch->doubts) &&
		!instant_before(now, TAILQ_FIRST(&watch->doubts)->until))
		tell_first(watch, now);
}

void doubt_free_all(struct watch *watch)
{
	while (!TAILQ_EMPTY(&watch->doubts))
		doubt_free(watch, TAILQ_FIRST(&watch->doubts));
}
