// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/fault.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/alive/alive_state.h"
#include "cma/alive/comeback.h"

enum { CALM_S = 3, EVENTS_FIRST = 64 }; /* without any reason, until it is over */

void fault_event(struct alive *alive, const struct alive_event *event)
{
	struct alive_event *more;

	if (alive->event_count == alive->event_room) {
		more = mem_alloc(2 * alive->event_room + EVENTS_FIRST, sizeof(*more));
		for (size_t i = 0; i < alive->event_count; i++)
			more[i] = alive->events[(alive->event_first + i) % alive->event_room];
		free(alive->events);
		alive->events = more;
		alive->event_first = 0;
		alive->event_room = 2 * alive->event_room + EVENTS_FIRST;
	}
	alive->events[(alive->event_first + alive->event_count++) % alive->event_room] = *event;
}

static void tell(struct alive *alive, enum alive_event_kind kind, const struct fault *fault,
	const struct agent *agent)
{
	fault_event(alive,
		&(struct alive_event){
			.kind = kind,
			.incident = fault->name,
			.agent = agent ? agent->id : 0,
		});
}

/* ---- by name ----------------------------------------------------------------------------------
 */

static uint64_t hash_of(const struct alive_incident *name)
{
	uint64_t hash = (uint64_t)name->cause << 32 | name->tenant;

	hash = (hash ^ name->node) * 0x9e3779b97f4a7c15u;
	return ((hash ^ hash >> 31 ^ name->other) * 0x9e3779b97f4a7c15u) >> 20;
}

static bool is_named(const struct fault *fault, const struct alive_incident *name)
{
	return fault->name.cause == name->cause && fault->name.tenant == name->tenant &&
		fault->name.node == name->node && fault->name.other == name->other;
}

struct fault *fault_find(const struct alive *alive, const struct alive_incident *name)
{
	struct table_link *link = table_find(&alive->faults, hash_of(name));

	for (; link; link = table_find_next(link)) {
		struct fault *fault = table_object(link, struct fault, by_name);

		if (is_named(fault, name))
			return fault;
	}
	return NULL;
}

struct fault *fault_find_group(const struct alive *alive, uint32_t tenant, uint64_t node)
{
	static const enum alive_cause causes[] = { ALIVE_CAUSE_SWITCH, ALIVE_CAUSE_PARTITION,
		ALIVE_CAUSE_POWER };
	struct alive_incident name = { .tenant = tenant, .node = node };
	struct fault *fault = NULL;

	for (size_t i = 0; !fault && i < sizeof(causes) / sizeof(causes[0]); i++) {
		name.cause = causes[i];
		fault = fault_find(alive, &name);
	}
	return fault;
}

struct fault *fault_load(struct alive *alive, const struct alive_incident *name)
{
	struct fault *fault = fault_find(alive, name);

	if (fault)
		return fault;
	fault = mem_alloc(1, sizeof(*fault));
	fault->name = *name;
	table_insert(&alive->faults, &fault->by_name, hash_of(name));
	return fault;
}

struct fault *fault_open(struct alive *alive, struct instant now, const struct alive_incident *name,
	size_t hosts, size_t of)
{
	struct fault *fault = fault_find(alive, name);

	if (fault)
		return fault;
	fault = fault_load(alive, name);
	fault->opened = now;
	fault_event(alive,
		&(struct alive_event){
			.kind = ALIVE_EVENT_OPEN,
			.incident = *name,
			.hosts = (uint32_t)hosts,
			.of = (uint32_t)of,
		});
	return fault;
}

bool fault_is_group(const struct fault *fault)
{
	return fault->name.cause == ALIVE_CAUSE_SWITCH ||
		fault->name.cause == ALIVE_CAUSE_PARTITION ||
		fault->name.cause == ALIVE_CAUSE_POWER;
}

/* ---- hosts ------------------------------------------------------------------------------------
 */

static void leave(struct inquiry *inquiry)
{
	inquiry->fault->down -= alive_status_failed(inquiry->agent->status);
	LIST_REMOVE(inquiry, concerned);
	inquiry->fault = NULL;
}

void fault_count(struct fault *fault, int change)
{
	fault->down += (uint32_t)change;
}

void fault_load_host(struct fault *fault, struct inquiry *inquiry)
{
	if (inquiry->fault)
		leave(inquiry);
	inquiry->fault = fault;
	LIST_INSERT_HEAD(&fault->concerned, inquiry, concerned);
	fault->down += alive_status_failed(inquiry->agent->status);
}

void fault_concern(struct alive *alive, struct fault *fault, struct inquiry *inquiry)
{
	if (inquiry->fault == fault)
		return;
	if (inquiry->fault)
		fault_release(alive, inquiry);
	fault_load_host(fault, inquiry);
	tell(alive, ALIVE_EVENT_CONCERNS, fault, inquiry->agent);
}

void fault_release(struct alive *alive, struct inquiry *inquiry)
{
	tell(alive, ALIVE_EVENT_FREED, inquiry->fault, inquiry->agent);
	leave(inquiry);
	inquiry_touch(alive, inquiry);
}

void fault_withdraw(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	struct fault *fault = inquiry->fault;

	if (!fault_is_group(fault) && !fault->support) {
		fault_clear(alive, fault);
		return;
	}
	fault_release(alive, inquiry);
	comeback_look(alive, now, fault, CALM_S);
}

/* ---- another name, and the end ----------------------------------------------------------------
 */

void fault_remember_recent(struct fault *fault, struct domain *domain)
{
	fault_forget_recent(fault);
	fault->recent_in = domain;
	TAILQ_INSERT_TAIL(&domain->recent, fault, recent);
	domain->recents++;
}

void fault_forget_recent(struct fault *fault)
{
	if (!fault->recent_in)
		return;
	TAILQ_REMOVE(&fault->recent_in->recent, fault, recent);
	fault->recent_in->recents--;
	fault->recent_in = NULL;
}

struct fault *fault_reclassify(
	struct alive *alive, struct fault *fault, const struct alive_incident *name)
{
	struct fault *other = fault_find(alive, name);
	struct inquiry *inquiry;

	if (other == fault)
		return fault;
	if (other) {
		while ((inquiry = LIST_FIRST(&fault->concerned)) != NULL) {
			leave(inquiry);
			fault_concern(alive, other, inquiry);
		}
		/* What supports it still names it, and ends it. */
		if (!fault->support)
			fault_clear(alive, fault);
		return other;
	}
	fault_event(alive,
		&(struct alive_event){
			.kind = ALIVE_EVENT_RECLASSIFY,
			.incident = *name,
			.was = fault->name,
		});
	fault_forget_recent(fault);
	table_remove(&alive->faults, &fault->by_name);
	fault->name = *name;
	table_insert(&alive->faults, &fault->by_name, hash_of(name));
	return fault;
}

void fault_clear(struct alive *alive, struct fault *fault)
{
	struct inquiry *inquiry;

	tell(alive, ALIVE_EVENT_CLEAR, fault, NULL);
	while ((inquiry = LIST_FIRST(&fault->concerned)) != NULL) {
		leave(inquiry);
		inquiry_touch(alive, inquiry);
	}
	fault_forget_recent(fault);
	timer_stop(&alive->timers, &fault->timer);
	table_remove(&alive->faults, &fault->by_name);
	free(fault);
}

void fault_unsupport(struct alive *alive, struct instant now, struct fault *fault)
{
	if (!--fault->support)
		comeback_look(alive, now, fault, CALM_S);
}
