/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_STORE_H
#define CMA_STORE_H
/*
 * The one thread that writes. What the hub hands out is queued here, committed in groups, and what
 * became durable comes back to the network thread, which only then lets the hub acknowledge it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "cma/act.h"
#include "cma/alive/event.h"
#include "cma/feed.h"
#include "cma/graph/graph.h"
#include "cma/hub.h"
#include "cma/stats.h"

enum {
	STORE_ERROR_SIZE = 256,
	STORE_PAUSE_MS = 200, /* after a transaction failed: what failed comes again at once */
};

struct store_config {
	struct graph *graph; /* used by this thread alone until store_stop */
	struct stats *stats;
	struct feed *feed;
	void (*wake)(void *owner); /* store_take has something; called from the store's thread */
	void *owner;
};

struct store;

enum store_result_kind {
	STORE_COMMITTED, /* events of one agent */
	STORE_PLACED,	 /* where the agent of commit.id is plugged in may have changed */
	STORE_FAILED,	 /* a transaction failed: everything queued was dropped, see error */
};

struct store_result {
	enum store_result_kind kind;
	struct hub_commit commit; /* its id is set; the rest when acted, for hub_committed */
	bool acted;
	unsigned told; /* so many HUB_HERE and HUB_LEFT, for hub_told */
	bool joined;   /* the agent is new, or has a new psk: */
	uint8_t key[SEAL_KEY];
	struct alive_place place;
	char error[STORE_ERROR_SIZE];
};

/* Starts the thread. -errno. */
int store_start(const struct store_config *config, struct store **store);
/*
 * Ends the thread, within a second: it commits what is queued, but of a long queue only as much as
 * it can in time. Results can still be taken; what has none, agents send again.
 */
void store_stop(struct store *store);
void store_free(struct store *store); /* after store_stop; NULL is fine */

/* Network thread: queues an event, taking its bytes. */
void store_push(struct store *store, struct instant now, const struct hub_event *event);
/* Network thread: the next result. After STORE_FAILED what is pushed counts again. */
bool store_take(struct store *store, struct store_result *result);
/* Messages that are queued. */
size_t store_backlog(struct store *store);

/*
 * Network thread: what was decided here, and the port of an agent's heartbeats, as HELD tells it.
 * They are written before what agents say, in order, and stay queued until they are committed
 * (cma/keep.h). Events that are given together are of one transaction, unless thousands wait: who
 * reads of an incident reads whom it concerns, too.
 */
void store_keep(struct store *store, const struct alive_event *events, size_t count);
void store_keep_beat(struct store *store, uint64_t agent, uint16_t port);
size_t store_kept(struct store *store);

/*
 * A change that somebody waits for, beside what the hub hands out: runs on the store's thread in an
 * open transaction. 0, or -errno when that failed: then all of it is rolled back. What became of
 * it otherwise (there is no such agent, say) goes to context, and must have changed nothing.
 */
typedef int store_change_fn(struct act *act, void *context);
/*
 * Any other thread: makes the change, and waits until it is durable. -ESHUTDOWN when the store has
 * ended, else what failed.
 */
int store_change(struct store *store, store_change_fn *change, void *context);

#endif
