// SPDX-License-Identifier: Apache-2.0
/*
 * What is made as a whole: a layer where there is none, edges that are missing after a start, and
 * the second layer of a tenant so small that its edges can be in each other's way. A layer forbids
 * each member two others. So in the way of an exchange are at most eight of the edges at either
 * end, and a ring of whoever is left goes through any six members or more (Dirac: each may be next
 * to at least half of the others); of five, through those that the first layer leaves.
 */
#include "cma/alive/ringplan_weave.h"

#include "base/alloc.h"
#include "cma/alive/ringplan_exchange.h"
#include "cma/alive/ringplan_graph.h"

enum { WEAVE = 12 }; /* members at most */

/* Whether row[0..fixed) can be made a ring of all by reordering the rest. */
static bool order(const struct ringplan *plan, uint32_t *row, uint32_t fixed, uint32_t count)
{
	if (fixed == count)
		return !ringplan_joined(plan, row[count - 1], row[0]);
	for (uint32_t i = fixed; i < count; i++) {
		uint32_t next = row[i];

		if (ringplan_joined(plan, row[fixed - 1], next))
			continue;
		row[i] = row[fixed];
		row[fixed] = next;
		if (order(plan, row, fixed + 1, count))
			return true;
		row[fixed] = row[i];
		row[i] = next;
	}
	return false;
}

/* Some of its members, or all, in a ring. */
static void weave(struct ringplan *plan, struct ringplan_tenant *tenant, unsigned int layer)
{
	uint32_t count = tenant->count < WEAVE ? tenant->count : WEAVE, row[WEAVE];

	for (uint32_t i = 0; i < count; i++)
		row[i] = tenant->members[i];
	if (!order(plan, row, 1, count))
		return;
	for (uint32_t i = 0; i < count; i++)
		ringplan_link(plan, layer, row[i], row[(i + 1) % count]);
}

void ringplan_unravel(struct ringplan *plan, struct ringplan_tenant *tenant, unsigned int layer)
{
	for (uint32_t i = 0; i < tenant->count; i++) {
		const struct ringplan_seat *seat = ringplan_seat(plan, tenant->members[i], layer);

		for (int end = 0; end < RINGPLAN_ENDS; end++) {
			if (seat->peers[end] != RINGPLAN_NOBODY)
				ringplan_unlink(plan, layer, tenant->members[i], seat->peers[end]);
		}
	}
}

static bool has_edges(
	const struct ringplan *plan, const struct ringplan_tenant *tenant, unsigned int layer)
{
	for (uint32_t i = 0; i < tenant->count; i++) {
		if (ringplan_open_ends(plan, tenant->members[i], layer) < RINGPLAN_ENDS)
			return true;
	}
	return false;
}

/* Puts those without an edge into the edges of the others; how many are left. */
static uint32_t insert_all(
	struct ringplan *plan, struct ringplan_tenant *tenant, unsigned int layer)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < tenant->count; i++) {
		uint32_t slot = tenant->members[i];

		if (ringplan_open_ends(plan, slot, layer) == RINGPLAN_ENDS &&
			!ringplan_close(plan, layer, slot, slot))
			left++;
	}
	return left;
}

/* Of those with one open end there is an even number. */
static bool close_all(struct ringplan *plan, struct ringplan_tenant *tenant, unsigned int layer)
{
	uint32_t odd = RINGPLAN_NOBODY;
	bool all = true;

	for (uint32_t i = 0; i < tenant->count; i++) {
		uint32_t slot = tenant->members[i];

		if (ringplan_open_ends(plan, slot, layer) != 1)
			continue;
		if (odd == RINGPLAN_NOBODY) {
			odd = slot;
			continue;
		}
		all = ringplan_close(plan, layer, odd, slot) && all;
		odd = RINGPLAN_NOBODY;
	}
	return all;
}

bool ringplan_complete(struct ringplan *plan, struct ringplan_tenant *tenant, unsigned int layer)
{
	uint32_t left, before;

	if (tenant->count < (layer ? RINGPLAN_SECOND : 3)) {
		if (layer)
			ringplan_unravel(plan, tenant, layer);
		else if (tenant->count == 2 &&
			!ringplan_joined(plan, tenant->members[0], tenant->members[1]))
			ringplan_link(plan, layer, tenant->members[0], tenant->members[1]);
		return true;
	}
	if (!has_edges(plan, tenant, layer))
		weave(plan, tenant, layer);
	left = tenant->count;
	do {
		before = left;
		left = insert_all(plan, tenant, layer);
	} while (left && left < before);
	return close_all(plan, tenant, layer) && !left;
}

void ringplan_rebuild(struct ringplan *plan, struct ringplan_tenant *tenant)
{
	if (tenant->count > WEAVE || !plan->next_edge)
		return;
	for (unsigned int layer = 1; layer < plan->layers; layer++)
		ringplan_unravel(plan, tenant, layer);
	for (unsigned int layer = 0; layer < plan->layers; layer++)
		ringplan_complete(plan, tenant, layer);
}

/* ---- what was stored ------------------------------------------------------------------------- */

void ringplan_load_member(struct ringplan *plan, uint32_t slot, uint32_t tenant, uint64_t domain)
{
	ringplan_enter(plan, slot, tenant, domain);
}

static bool is_sound(const struct ringplan *plan, const struct ringplan_change *edge)
{
	return edge->layer < plan->layers && edge->one != edge->other &&
		ringplan_is_member(plan, edge->one) && ringplan_is_member(plan, edge->other) &&
		ringplan_domain(plan, edge->one)->tenant ==
		ringplan_domain(plan, edge->other)->tenant &&
		ringplan_open_ends(plan, edge->one, edge->layer) &&
		ringplan_open_ends(plan, edge->other, edge->layer) &&
		!ringplan_joined(plan, edge->one, edge->other);
}

void ringplan_load_edge(
	struct ringplan *plan, uint32_t edge, uint8_t layer, uint32_t one, uint32_t other)
{
	const struct ringplan_change change = {
		.edge = edge, .one = one, .other = other, .layer = layer
	};

	if (plan->next_edge && edge >= plan->next_edge)
		plan->next_edge = edge + 1;
	if (is_sound(plan, &change))
		ringplan_attach(plan, &change);
	else
		ringplan_tell(plan, &change);
}

static void start_tenant(void *owner, struct table_link *link)
{
	struct ringplan_tenant *tenant = table_object(link, struct ringplan_tenant, by_id);
	bool complete = true;

	for (unsigned int layer = 0; layer < ((struct ringplan *)owner)->layers; layer++)
		complete = ringplan_complete(owner, tenant, layer) && complete;
	if (!complete)
		ringplan_rebuild(owner, tenant);
}

void ringplan_start(struct ringplan *plan)
{
	table_each(&plan->tenants, start_tenant, plan);
	plan->touched = 0;
}
