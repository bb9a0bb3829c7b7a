/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_FAULT_H
#define CMA_ALIVE_FAULT_H
/* Open incidents, and the events that tell of them. Part of the arbiter: pure. */
#include "cma/alive/domain.h"

struct fault {
	struct table_link by_name;
	struct alive_incident name;
	LIST_HEAD(, inquiry) concerned;
	TAILQ_ENTRY(fault) recent;
	struct domain *recent_in; /* HOST: lately, in this domain; NULL */
	struct instant opened, returned;
	struct timer timer;
	uint32_t down;	  /* hosts of it that are not back */
	uint32_t support; /* accusations or lost cables that are due to it */
	uint32_t lived, restarted, rebooted;
	uint32_t reported; /* hosts that are back, and have told what they saw meanwhile */
	bool unplugged;	   /* hosts with other links lost those to it: it was not its uplink */
	uint32_t inside;   /* ends of edges between its hosts, when they failed; and */
	uint32_t apart;	   /* so often neighbours inside it did not hear each other */
};

/* Queues an event. */
void fault_event(struct alive *alive, const struct alive_event *event);
/* NULL: it is not open. */
struct fault *fault_find(const struct alive *alive, const struct alive_incident *name);
/* Of this switch or subnet, under whichever name; NULL. */
struct fault *fault_find_group(const struct alive *alive, uint32_t tenant, uint64_t node);
/* Opens it unless it is; hosts of so many. */
struct fault *fault_open(struct alive *alive, struct instant now, const struct alive_incident *name,
	size_t hosts, size_t of);
/* As the store has it: nothing is told. */
struct fault *fault_load(struct alive *alive, const struct alive_incident *name);
void fault_load_host(struct fault *fault, struct inquiry *inquiry);
/* The incident that concerns the agent, which leaves the one before. */
void fault_concern(struct alive *alive, struct fault *fault, struct inquiry *inquiry);
void fault_release(struct alive *alive, struct inquiry *inquiry);
/* It is nobody's business any more what becomes of the agent, which an incident concerns. */
void fault_withdraw(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* A host that it concerns is down (1), or back (-1). */
void fault_count(struct fault *fault, int change);
/* It is really this; when that is open, they become one. */
struct fault *fault_reclassify(
	struct alive *alive, struct fault *fault, const struct alive_incident *name);
/* It is over. Inquiries that it concerned may be gone. */
void fault_clear(struct alive *alive, struct fault *fault);
/* One reason less; over when it was the last, after a while. */
void fault_unsupport(struct alive *alive, struct instant now, struct fault *fault);
/* A death of a host may turn out to be part of what happens to its domain. */
void fault_remember_recent(struct fault *fault, struct domain *domain);
void fault_forget_recent(struct fault *fault);
/* Of many hosts: SWITCH, PARTITION, POWER. */
bool fault_is_group(const struct fault *fault);

#endif
