// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/accusation.h"

#include "cma/alive/alive_state.h"

struct accusation *accusation_find(const struct agent *agent, uint32_t edge)
{
	struct inquiry *inquiry = agent->inquiry;

	for (size_t i = 0; inquiry && i < inquiry->accused; i++) {
		if (inquiry->accusations[i].edge == edge)
			return &inquiry->accusations[i];
	}
	return NULL;
}

static struct accusation *add(struct inquiry *inquiry)
{
	if (inquiry->accused == RINGPLAN_DEGREE)
		return NULL; /* cannot be: one for each edge */
	if (!inquiry->accused)
		inquiry->spoke = false;
	return &inquiry->accusations[inquiry->accused++];
}

void accusation_make(struct alive *alive, struct instant now, struct agent *agent,
	const struct agent *by, const struct message_sight *sight)
{
	struct accusation *accusation = accusation_find(agent, sight->edge);

	if (!accusation)
		accusation = add(inquiry_of(alive, agent));
	if (!accusation)
		return;
	if (accusation->edge != sight->edge || accusation->sight != sight->sight)
		accusation->since = now;
	accusation->edge = sight->edge;
	accusation->by = by->slot;
	accusation->sight = sight->sight;
	accusation->misses =
		sight->misses < ACCUSATION_MISSES_MAX ? sight->misses : ACCUSATION_MISSES_MAX;
	accusation->late = sight->health >= ACCUSATION_LATE;
}

void accusation_drop(struct alive *alive, struct instant now, struct agent *agent, uint32_t edge)
{
	struct accusation *accusation = accusation_find(agent, edge);
	struct inquiry *inquiry = agent->inquiry;
	struct fault *fault;

	if (!accusation)
		return;
	fault = accusation->fault;
	*accusation = inquiry->accusations[--inquiry->accused];
	inquiry->accusations[inquiry->accused] = (struct accusation){ .edge = 0 };
	if (fault)
		fault_unsupport(alive, now, fault);
	inquiry_touch(alive, inquiry);
}

void accusation_drop_by(struct alive *alive, struct instant now, struct agent *by)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = member_neighbours(alive, by, neighbours);

	for (size_t i = 0; i < count; i++) {
		struct agent *agent = alive->slots[neighbours[i].slot];

		accusation_drop(alive, now, agent, neighbours[i].edge);
		inquiry_watch(alive, now, agent);
	}
	inquiry_watch(alive, now, by);
}
