/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_DOMAIN_H
#define CMA_ALIVE_DOMAIN_H
/*
 * What fails together: the hosts behind one switch (of several, that with the lowest id), or of one
 * subnet.
 * The first suspicion opens a window; when it closes, what failed is either most of the domain (one
 * incident, of the switch) or single hosts. Part of the arbiter: pure.
 */
#include "cma/alive/inquiry.h"

TAILQ_HEAD(domain_recent, fault);

struct domain {
	struct table_link by_key;
	uint64_t node; /* the switch with the lowest id, or the subnet */
	bool is_subnet;
	uint32_t tenant;
	LIST_HEAD(, agent) agents;
	size_t up;	 /* agents that are up and watched; */
	size_t detached; /* of them, those that have lost the switch, and live by another one */
	struct inquiries suspects;
	size_t suspected, accused, ripe; /* of them, those that witnesses accused */
	struct domain_recent recent;	 /* hosts that were declared dead lately */
	size_t recents;
	struct instant opened, last; /* of the window: first and latest suspicion */
	struct timer window;
	bool deciding; /* those who are ripe are being declared, one by one */
};

/* By the place where the agent is plugged in: whether its domain is another one now. */
bool domain_place(struct alive *alive, struct agent *agent, const struct alive_place *place);
/* Its node, as the ring plan knows it; 0: unknown. */
uint64_t domain_node(const struct domain *domain);
/* An agent of it counts as up, or no more. */
void domain_count(const struct agent *agent, int change);
/* The agent has lost links, or has them again. */
void domain_detach(struct agent *agent);
void domain_suspect(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* It is accused, perhaps for the first time: another window, if none is open. */
void domain_accused(struct alive *alive, struct instant now, struct inquiry *inquiry);
void domain_unripe(struct inquiry *inquiry);
void domain_clear(struct alive *alive, struct inquiry *inquiry);
/* Its neighbours behind the same switch: they know whether they still heard each other. */
uint32_t domain_inside(const struct alive *alive, const struct agent *agent);
/* Most of it is suspected. */
bool domain_is_crowd(const struct domain *domain);
/* The agent of this inquiry would be declared dead. inquiry may be gone. */
void domain_ripe(struct alive *alive, struct instant now, struct inquiry *inquiry);

#endif
