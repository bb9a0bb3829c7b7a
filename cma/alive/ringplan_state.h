/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_RINGPLAN_STATE_H
#define CMA_ALIVE_RINGPLAN_STATE_H
/*
 * The inside of a plan, for ringplan*.c: members, the edges between them, and lists that find those
 * whose neighbours could be better. An edge is kept at both of its ends and nowhere else.
 */
#include <sys/queue.h>

#include "cma/alive/ringplan.h"
#include "cma/pool.h"
#include "cma/table.h"

#define RINGPLAN_NOBODY UINT32_MAX

enum { RINGPLAN_LAYERS = 2, RINGPLAN_ENDS = 2, RINGPLAN_TOUCHED = 32 };

/* How a member has it in one layer. */
enum ringplan_mood {
	MOOD_EXPOSED, /* no outside neighbour */
	MOOD_LONE,    /* no inside neighbour */
	MOOD_BOTH,    /* one of each */
	MOOD_COUNT,
	MOOD_NONE = MOOD_COUNT, /* no edge: in no list */
};

/* A member in a layer. */
struct ringplan_seat {
	uint32_t peers[RINGPLAN_ENDS]; /* RINGPLAN_NOBODY: an open end */
	uint32_t edges[RINGPLAN_ENDS];
	uint32_t next, previous; /* of the same mood and domain, round and round */
};

struct ringplan_member {
	struct ringplan_domain *domain; /* NULL: no member */
	uint32_t place;			/* in its tenant's members */
	uint8_t moods[RINGPLAN_LAYERS];
	bool down;
};

struct ringplan_list {
	uint32_t first, count;
};

struct ringplan_domain {
	struct table_link by_key;
	struct ringplan_tenant *tenant;
	uint64_t key;
	uint32_t count;
	bool needy; /* is in plan->needy: some of its members could have it better, perhaps */
	TAILQ_ENTRY(ringplan_domain) neighbour, turn;
	struct ringplan_list moods[RINGPLAN_LAYERS][MOOD_COUNT];
};

TAILQ_HEAD(ringplan_domains, ringplan_domain);

struct ringplan_tenant {
	struct table_link by_id;
	uint32_t id, count, room;
	uint32_t *members;
	uint32_t cursor, walked; /* of ringplan_mend: where it looks next, how far it came */
	struct ringplan_domains domains;
	struct ringplan_domain *exposed; /* one that has exposed members; NULL: none is known */
};

struct ringplan {
	unsigned int layers;
	uint32_t next_edge; /* 0: none is left */
	uint64_t chance;
	uint32_t room; /* for slots */
	struct ringplan_member *members;
	struct ringplan_seat *seats; /* of slot n in layer m: n * layers + m */
	size_t count, downs, edges;
	struct table domains, tenants;
	struct pool domain_pool;
	struct ringplan_domains needy;
	size_t needy_count, idle; /* looked at in vain, one after the other */
	bool calm;		  /* ringplan_mend has nothing to do */
	size_t touched;		  /* members whose edges the present operation changed */
	uint32_t touched_slots[RINGPLAN_TOUCHED];
	struct ringplan_change *changes;
	size_t changes_first, changes_end, changes_room;
};

static inline struct ringplan_seat *ringplan_seat(
	const struct ringplan *plan, uint32_t slot, unsigned int layer)
{
	return &plan->seats[(size_t)slot * plan->layers + layer];
}

static inline struct ringplan_domain *ringplan_domain(const struct ringplan *plan, uint32_t slot)
{
	return plan->members[slot].domain;
}

static inline bool ringplan_is_member(const struct ringplan *plan, uint32_t slot)
{
	return slot < plan->room && plan->members[slot].domain;
}

#endif
