// SPDX-License-Identifier: Apache-2.0
/* What the store has, at start. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/alive/accusation.h"
#include "cma/alive/alive_state.h"
#include "cma/alive/cable.h"
#include "cma/alive/comeback.h"
#include "cma/alive/pulse.h"

enum { SUPPORT_S = 30 }; /* for an incident that was open to show that it still is */

void alive_add(struct alive *alive, const struct alive_agent *agent)
{
	if (!member_find(alive, agent->id))
		member_add(alive, agent);
}

void alive_add_edge(struct alive *alive, const struct alive_edge *edge)
{
	if (alive->loaded_count == alive->loaded_room) {
		alive->loaded_room = alive->loaded_room ? 2 * alive->loaded_room : 64;
		alive->loaded =
			mem_resize(alive->loaded, alive->loaded_room, sizeof(*alive->loaded));
	}
	alive->loaded[alive->loaded_count++] = *edge;
}

void alive_add_incident(struct alive *alive, const struct alive_incident *incident,
	const uint64_t *hosts, size_t count)
{
	struct fault *fault = fault_load(alive, incident);

	for (size_t i = 0; i < count; i++) {
		struct agent *agent = member_find(alive, hosts[i]);

		if (!agent)
			continue;
		if (agent->status == ALIVE_UP &&
			(incident->cause == ALIVE_CAUSE_LINK ||
				incident->cause == ALIVE_CAUSE_SWITCH))
			cable_load(alive, agent, fault);
		else
			fault_load_host(fault, inquiry_of(alive, agent));
	}
	if (incident->cause == ALIVE_CAUSE_ISOLATED)
		alive->isolated = fault;
}

static void load_member(struct alive *alive, struct agent *agent)
{
	if (agent->member || !agent->address.port || agent->status == ALIVE_REVOKED)
		return;
	ringplan_load_member(alive->plan, agent->slot, agent->tenant, domain_node(agent->domain));
	member_joined(alive, agent);
}

/* Those that are up, and of the others those that still have their edges. */
static void load_members(struct alive *alive)
{
	for (size_t i = 0; i < alive->count; i++) {
		if (alive->slots[i]->status == ALIVE_UP)
			load_member(alive, alive->slots[i]);
	}
	for (size_t i = 0; i < alive->loaded_count; i++) {
		struct agent *low = member_find(alive, alive->loaded[i].low);
		struct agent *high = member_find(alive, alive->loaded[i].high);

		if (low)
			load_member(alive, low);
		if (high)
			load_member(alive, high);
	}
}

static void load_edge(struct alive *alive, const struct alive_edge *edge)
{
	const struct agent *low = member_find(alive, edge->low);
	const struct agent *high = member_find(alive, edge->high);

	if (low && high && low->member && high->member)
		ringplan_load_edge(alive->plan, edge->edge, edge->layer, low->slot, high->slot);
	else
		fault_event(alive,
			&(struct alive_event){
				.kind = ALIVE_EVENT_EDGE_END,
				.edge = edge->edge,
				.layer = edge->layer,
				.low = edge->low,
				.high = edge->high,
			});
}

static void load_sight(struct alive *alive, struct instant now, uint64_t by, uint64_t of,
	uint32_t edge, enum sight sight)
{
	struct agent *agent = member_find(alive, by), *other = member_find(alive, of);
	const struct message_sight message = { .edge = edge, .sight = (uint8_t)sight };

	if (sight == SIGHT_HEARD || !agent || !other || member_across(alive, agent, edge) != other)
		return;
	accusation_make(alive, now, other, agent, &message);
	if (other->status == ALIVE_UP)
		inquiry_ask(alive, now, other->inquiry);
}

static void load_down(struct alive *alive, struct instant now)
{
	for (size_t i = 0; i < alive->count; i++) {
		struct agent *agent = alive->slots[i];

		if (agent->member && agent->status != ALIVE_UP)
			ringplan_down(alive->plan, agent->slot, true);
		if (agent->status != ALIVE_UP && agent->status != ALIVE_REVOKED)
			inquiry_down(alive, now, inquiry_of(alive, agent));
		if (agent->status == ALIVE_UNREACHABLE && agent->inquiry->fault)
			agent->inquiry->fault->inside += domain_inside(alive, agent);
	}
}

/* Each incident shows within that time whether there is still a reason for it; ours by the pulse.
 */
static void look(void *owner, struct table_link *link)
{
	struct alive *alive = owner;
	struct fault *fault = table_object(link, struct fault, by_name);

	if (fault != alive->isolated)
		comeback_look(alive, alive->due, fault, SUPPORT_S);
}

void alive_start(struct alive *alive, struct instant now)
{
	load_members(alive);
	for (size_t i = 0; i < alive->loaded_count; i++)
		load_edge(alive, &alive->loaded[i]);
	ringplan_start(alive->plan);
	member_follow(alive, now);
	load_down(alive, now);
	for (size_t i = 0; i < alive->loaded_count; i++) {
		const struct alive_edge *edge = &alive->loaded[i];

		load_sight(alive, now, edge->low, edge->high, edge->edge, edge->low_sees);
		load_sight(alive, now, edge->high, edge->low, edge->edge, edge->high_sees);
	}
	free(alive->loaded);
	alive->loaded = NULL;
	alive->loaded_count = alive->loaded_room = 0;
	alive->began = now;
	alive->started = true;
	for (size_t i = 0; i < alive->count; i++)
		inquiry_watch(alive, now, alive->slots[i]);
	alive->due = now;
	table_each(&alive->faults, look, alive);
	pulse_start(alive, now);
}
