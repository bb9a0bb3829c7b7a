/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_MEMBER_H
#define CMA_ALIVE_MEMBER_H
/* The agents that are known, who watches them, and the lists that they are told. Part of the
 * arbiter: pure. */
#include <sys/queue.h>

#include "cma/alive/alive.h"
#include "cma/alive/ringplan.h"
#include "cma/alive/timer.h"
#include "cma/table.h"

struct cable {
	uint64_t sw, port;
};

/* An agent about which there is no question is this and nothing else. */
struct agent {
	struct table_link by_id;
	uint64_t id, boot, incarnation;
	struct addr address;
	struct instant began; /* its run, when we saw that; 0: before we started */
	uint32_t tenant, slot;
	uint32_t told_s; /* when it had its present list, in seconds of the clock */
	uint8_t status;	 /* enum alive_status */
	uint8_t links;	 /* cables, and which of them are lost (bit n is cables[n]) */
	uint8_t lost;
	bool member;   /* of the ring plan */
	bool seen;     /* it gave a sign of life since we started */
	bool reflects; /* its kernel answers echo requests */
	bool detached; /* it has lost all links to the switch of its domain */
	bool untold;   /* it may not have its list yet */
	bool dirty;    /* it waits in alive->dirty */
	struct cable *cables;
	uint64_t subnet;       /* of its address; 0 */
	struct domain *domain; /* NULL: unknown */
	LIST_ENTRY(agent) beside;
	struct inquiry *inquiry; /* NULL: all is well */
};

/* NULL: not known. */
struct agent *member_find(const struct alive *alive, uint64_t id);
struct agent *member_add(struct alive *alive, const struct alive_agent *known);
/* Its neighbours: how many. */
size_t member_neighbours(const struct alive *alive, const struct agent *agent,
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE]);
/* The neighbour at the other end of this edge; NULL: it is none of its edges. */
struct agent *member_across(const struct alive *alive, const struct agent *agent, uint32_t edge);
/* Somebody who is up hears it, and is heard by it: who is silent may not be there to watch. */
bool member_is_watched(const struct alive *alive, const struct agent *agent);
/* It has had its list for so long that it would have told of a silent neighbour. */
bool member_has_watched(const struct agent *agent, struct instant now);
/* Whether it counts among those that are up and watched. */
bool member_counts(const struct agent *agent);

/* The plan has it. */
void member_joined(struct alive *alive, struct agent *agent);
/* It has heartbeats now, or at another address; and the plan follows. */
void member_at(
	struct alive *alive, struct instant now, struct agent *agent, const struct addr *address);
void member_leave(struct alive *alive, struct instant now, struct agent *agent);
/* Tells the store, and looks after those whom it watched. */
void member_set_status(
	struct alive *alive, struct instant now, struct agent *agent, enum alive_status status);
/* Its list may be another one than it has: it is told. */
void member_tell(struct alive *alive, struct instant now, struct agent *agent);
/* What follows from changes of the plan: events, lists, and whom nobody watches. */
void member_follow(struct alive *alive, struct instant now);
/* Some time after now the plan is made better. */
void member_mend(struct alive *alive, struct instant now);
void member_list(const struct alive *alive, const struct agent *agent, struct ring_list *list);
/* It holds this version: whether that is the right one. */
bool member_holds(struct alive *alive, struct instant now, struct agent *agent, uint64_t version);

#endif
