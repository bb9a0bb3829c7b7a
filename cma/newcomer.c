// SPDX-License-Identifier: Apache-2.0
#include "cma/newcomer.h"

#include <stdlib.h>

#include "base/alloc.h"

static void visit(void *owner, struct table_link *link)
{
	struct newcomers *newcomers = owner;

	table_remove(&newcomers->by_id, link);
	free(table_object(link, struct newcomer, by_id));
}

void newcomer_deinit(struct newcomers *newcomers)
{
	table_each(&newcomers->by_id, visit, newcomers);
	table_deinit(&newcomers->by_id);
}

static struct newcomer *find(const struct newcomers *newcomers, uint64_t id)
{
	struct table_link *link = table_find(&newcomers->by_id, id);

	return link ? table_object(link, struct newcomer, by_id) : NULL;
}

void newcomer_add(struct newcomers *newcomers, const struct hub_agent *agent)
{
	struct newcomer *newcomer = find(newcomers, agent->id);

	if (!newcomer) {
		newcomer = mem_alloc(1, sizeof(*newcomer));
		table_insert(&newcomers->by_id, &newcomer->by_id, agent->id);
	}
	newcomer->agent.id = agent->id;
	newcomer->agent.tenant = agent->tenant;
	newcomer->agent.incarnation = agent->incarnation;
	newcomer->agent.status = ALIVE_UP;
	newcomer->left = false;
}

void newcomer_boot(struct newcomers *newcomers, uint64_t id, uint64_t boot)
{
	struct newcomer *newcomer = find(newcomers, id);

	if (newcomer)
		newcomer->agent.boot = boot;
}

void newcomer_left(struct newcomers *newcomers, uint64_t id)
{
	struct newcomer *newcomer = find(newcomers, id);

	if (newcomer)
		newcomer->left = true;
}

bool newcomer_held(struct newcomers *newcomers, uint64_t id, const struct record_held *held,
	const struct addr *from)
{
	struct newcomer *newcomer = find(newcomers, id);

	if (!newcomer)
		return false;
	newcomer->has_held = true;
	newcomer->held = *held;
	newcomer->from = *from;
	return true;
}

bool newcomer_take(struct newcomers *newcomers, uint64_t id, struct newcomer *newcomer)
{
	struct newcomer *found = find(newcomers, id);

	if (!found)
		return false;
	*newcomer = *found;
	table_remove(&newcomers->by_id, &found->by_id);
	free(found);
	return true;
}
