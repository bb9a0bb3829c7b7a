// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/ringplan.h"

#include "base/alloc.h"
#include "cma/alive/ringplan_exchange.h"
#include "cma/alive/ringplan_graph.h"
#include "cma/alive/ringplan_weave.h"

enum {
	SETTLE = 8, /* exchanges at most after a join or leave */
	VISITS = 64,
	LONE_TRIES = 8,
};

struct ringplan *ringplan_new(unsigned int degree, uint32_t next_edge, uint64_t seed)
{
	struct ringplan *plan = mem_alloc(1, sizeof(*plan));

	plan->layers = degree > 2 ? 2 : 1;
	plan->next_edge = next_edge;
	plan->chance = seed;
	plan->domain_pool.size = sizeof(struct ringplan_domain);
	TAILQ_INIT(&plan->needy);
	return plan;
}

static void free_tenant(void *owner, struct table_link *link)
{
	struct ringplan_tenant *tenant = table_object(link, struct ringplan_tenant, by_id);

	(void)owner;
	free(tenant->members);
	free(tenant);
}

void ringplan_free(struct ringplan *plan)
{
	if (!plan)
		return;
	table_each(&plan->tenants, free_tenant, NULL);
	table_deinit(&plan->tenants);
	table_deinit(&plan->domains);
	pool_deinit(&plan->domain_pool);
	free(plan->members);
	free(plan->seats);
	free(plan->changes);
	free(plan);
}

/* ---- join, leave ----------------------------------------------------------------------------- */

static bool find_outside(struct ringplan *plan, uint32_t slot)
{
	for (unsigned int layer = 0; layer < plan->layers; layer++) {
		if (plan->members[slot].moods[layer] == MOOD_EXPOSED &&
			ringplan_wants_outside(ringplan_domain(plan, slot), layer) &&
			ringplan_find_outside(plan, layer, slot, false))
			return true;
	}
	return false;
}

/* Those whose edges changed, and then one that had waited. */
static void settle(struct ringplan *plan, struct ringplan_tenant *tenant)
{
	const struct ringplan_domain *exposed;
	unsigned int exchanges = 0;

	for (size_t i = 0; i < plan->touched && exchanges < SETTLE; i++) {
		uint32_t slot = plan->touched_slots[i];

		exchanges += find_outside(plan, slot);
		if (!ringplan_watched(plan, slot) && plan->downs)
			exchanges += ringplan_rescue(plan, slot);
	}
	exposed = tenant->exposed;
	if (exposed && ringplan_wants_outside(exposed, 0))
		ringplan_find_outside(plan, 0, exposed->moods[0][MOOD_EXPOSED].first, false);
}

/* After any change but an exchange: what waits may be possible now. */
static void begin(struct ringplan *plan, struct ringplan_tenant *tenant)
{
	plan->touched = 0;
	plan->idle = 0;
	plan->calm = false;
	tenant->walked = 0;
}

void ringplan_join(struct ringplan *plan, uint32_t slot, uint32_t id, uint64_t domain)
{
	struct ringplan_tenant *tenant;
	bool complete = true;

	ringplan_enter(plan, slot, id, domain);
	tenant = ringplan_domain(plan, slot)->tenant;
	begin(plan, tenant);
	for (unsigned int layer = 0; layer < plan->layers; layer++) {
		if (tenant->count <= (layer ? RINGPLAN_SECOND : 3))
			complete = ringplan_complete(plan, tenant, layer) && complete;
		else
			complete = ringplan_close(plan, layer, slot, slot) && complete;
	}
	if (!complete)
		ringplan_rebuild(plan, tenant);
	settle(plan, tenant);
}

/* Its edges in a layer end; the neighbours that it had. */
static unsigned int detach(
	struct ringplan *plan, unsigned int layer, uint32_t slot, uint32_t peers[RINGPLAN_ENDS])
{
	const struct ringplan_seat *seat = ringplan_seat(plan, slot, layer);
	unsigned int count = 0;

	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		if (seat->peers[i] == RINGPLAN_NOBODY)
			continue;
		peers[count] = seat->peers[i];
		ringplan_unlink(plan, layer, slot, peers[count++]);
	}
	return count;
}

void ringplan_leave(struct ringplan *plan, uint32_t slot)
{
	uint32_t peers[RINGPLAN_LAYERS][RINGPLAN_ENDS];
	unsigned int counts[RINGPLAN_LAYERS] = { 0 };
	struct ringplan_tenant *tenant;
	bool complete = true;

	if (!ringplan_is_member(plan, slot))
		return;
	tenant = ringplan_domain(plan, slot)->tenant;
	begin(plan, tenant);
	for (unsigned int layer = 0; layer < plan->layers; layer++)
		counts[layer] = detach(plan, layer, slot, peers[layer]);
	if (tenant->count == 1) {
		ringplan_exit(plan, slot);
		return;
	}
	ringplan_exit(plan, slot);
	for (unsigned int layer = 0; layer < plan->layers; layer++) {
		if (tenant->count < (layer ? RINGPLAN_SECOND : 3))
			complete = ringplan_complete(plan, tenant, layer) && complete;
		else if (counts[layer] == RINGPLAN_ENDS)
			complete = ringplan_close(plan, layer, peers[layer][0], peers[layer][1]) &&
				complete;
	}
	if (!complete)
		ringplan_rebuild(plan, tenant);
	settle(plan, tenant);
}

void ringplan_move(struct ringplan *plan, uint32_t slot, uint64_t domain)
{
	if (!ringplan_is_member(plan, slot) || ringplan_domain(plan, slot)->key == domain)
		return;
	begin(plan, ringplan_domain(plan, slot)->tenant);
	ringplan_rehome(plan, slot, domain);
}

/* ---- down ------------------------------------------------------------------------------------ */

void ringplan_down(struct ringplan *plan, uint32_t slot, bool down)
{
	if (!ringplan_is_member(plan, slot) || plan->members[slot].down == down)
		return;
	begin(plan, ringplan_domain(plan, slot)->tenant);
	plan->members[slot].down = down;
	plan->downs += down ? 1 : (size_t)-1;
}

bool ringplan_watched(const struct ringplan *plan, uint32_t slot)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = ringplan_neighbours(plan, slot, neighbours);

	for (size_t i = 0; i < count; i++) {
		if (!plan->members[neighbours[i].slot].down)
			return true;
	}
	return false;
}

bool ringplan_rescue(struct ringplan *plan, uint32_t slot)
{
	bool watched = ringplan_watched(plan, slot);

	if (!ringplan_is_member(plan, slot) || plan->members[slot].down)
		return watched;
	for (unsigned int layer = 0; layer < plan->layers && !watched; layer++)
		watched = ringplan_find_up(plan, layer, slot);
	return watched;
}

/* ---- calm re-planning ------------------------------------------------------------------------ */

enum visit { VISIT_NOTHING, VISIT_MORE, VISIT_EXCHANGED };

static enum visit visit_lone(
	struct ringplan *plan, struct ringplan_domain *domain, unsigned int layer)
{
	struct ringplan_list *lone = &domain->moods[layer][MOOD_LONE];

	for (int i = 0; i < LONE_TRIES && lone->count > 1; i++) {
		uint32_t slot = lone->first;

		lone->first = ringplan_seat(plan, slot, layer)->next;
		if (ringplan_find_inside(plan, layer, slot))
			return VISIT_EXCHANGED;
	}
	return VISIT_NOTHING;
}

static enum visit visit_layer(
	struct ringplan *plan, struct ringplan_domain *domain, unsigned int layer)
{
	struct ringplan_tenant *tenant = domain->tenant;
	struct ringplan_list *exposed = &domain->moods[layer][MOOD_EXPOSED];

	if (ringplan_wants_outside(domain, layer)) {
		uint32_t slot = exposed->first;

		exposed->first = ringplan_seat(plan, slot, layer)->next;
		if (ringplan_find_outside(plan, layer, slot, true)) {
			tenant->walked = 0;
			return VISIT_EXCHANGED;
		}
		if (tenant->walked < 2 * tenant->count)
			return VISIT_MORE;
	}
	return visit_lone(plan, domain, layer);
}

/* One exchange at most, in the domain whose turn it is. */
static enum visit visit(struct ringplan *plan)
{
	struct ringplan_domain *domain = TAILQ_FIRST(&plan->needy);
	enum visit found = VISIT_NOTHING;

	TAILQ_REMOVE(&plan->needy, domain, turn);
	TAILQ_INSERT_TAIL(&plan->needy, domain, turn);
	for (unsigned int layer = 0; layer < plan->layers && found != VISIT_EXCHANGED; layer++) {
		enum visit here = visit_layer(plan, domain, layer);

		found = here == VISIT_NOTHING ? found : here;
	}
	plan->idle = found == VISIT_NOTHING ? plan->idle + 1 : 0;
	return found;
}

bool ringplan_mend(struct ringplan *plan, unsigned int budget)
{
	unsigned int visits = VISITS + budget;

	plan->touched = 0;
	for (; !plan->calm && budget >= 2 && visits; visits--) {
		if (plan->idle >= plan->needy_count)
			plan->calm = true;
		else if (visit(plan) == VISIT_EXCHANGED)
			budget -= 2;
	}
	return !plan->calm;
}

/* ---- questions ------------------------------------------------------------------------------- */

size_t ringplan_neighbours(const struct ringplan *plan, uint32_t slot,
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE])
{
	const struct ringplan_domain *domain;
	size_t count = 0;

	if (!ringplan_is_member(plan, slot))
		return 0;
	domain = ringplan_domain(plan, slot);
	for (unsigned int layer = 0; layer < plan->layers; layer++) {
		const struct ringplan_seat *seat = ringplan_seat(plan, slot, layer);

		for (int i = 0; i < RINGPLAN_ENDS; i++) {
			if (seat->peers[i] == RINGPLAN_NOBODY)
				continue;
			neighbours[count++] = (struct ringplan_neighbour){
				.edge = seat->edges[i],
				.slot = seat->peers[i],
				.layer = (uint8_t)layer,
				.inside = domain->key &&
					ringplan_domain(plan, seat->peers[i]) == domain,
			};
		}
	}
	return count;
}

static void count_domain(void *owner, struct table_link *link)
{
	const struct ringplan_domain *domain = table_object(link, struct ringplan_domain, by_key);
	struct ringplan_figures *figures = owner;

	if (domain->tenant->count > domain->count)
		figures->exposed += domain->moods[0][MOOD_EXPOSED].count;
	if (domain->count > 1)
		figures->lone += domain->moods[0][MOOD_LONE].count;
	figures->bytes += sizeof(*domain);
}

static void count_tenant(void *owner, struct table_link *link)
{
	const struct ringplan_tenant *tenant = table_object(link, struct ringplan_tenant, by_id);
	struct ringplan_figures *figures = owner;

	figures->bytes += sizeof(*tenant) + tenant->room * sizeof(*tenant->members);
}

void ringplan_figures(struct ringplan *plan, struct ringplan_figures *figures)
{
	*figures = (struct ringplan_figures){
		.members = plan->count,
		.down = plan->downs,
		.edges = plan->edges,
		.next_edge = plan->next_edge,
		.bytes = sizeof(*plan) +
			plan->room *
				(sizeof(*plan->members) + plan->layers * sizeof(*plan->seats)) +
			plan->changes_room * sizeof(*plan->changes) +
			(plan->domains.size + plan->tenants.size) * sizeof(void *),
	};
	table_each(&plan->domains, count_domain, figures);
	table_each(&plan->tenants, count_tenant, figures);
}
