// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/ringplan_graph.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

enum { ROOM_FIRST = 64, CANCEL_DEPTH = 32 };

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return x ^ (x >> 31);
}

/* splitmix64 */
uint32_t ringplan_chance(struct ringplan *plan, uint32_t below)
{
	uint64_t drawn = mix(plan->chance += 0x9e3779b97f4a7c15U);

	return (uint32_t)(((drawn >> 32) * below) >> 32);
}

/* ---- changes --------------------------------------------------------------------------------- */

void ringplan_tell(struct ringplan *plan, const struct ringplan_change *change)
{
	if (plan->changes_first == plan->changes_end)
		plan->changes_first = plan->changes_end = 0;
	if (plan->changes_end == plan->changes_room) {
		plan->changes_room = plan->changes_room ? 2 * plan->changes_room : ROOM_FIRST;
		plan->changes =
			mem_resize(plan->changes, plan->changes_room, sizeof(*plan->changes));
	}
	plan->changes[plan->changes_end++] = *change;
}

/* An edge that nobody was told of yet has never been. */
static bool cancel(struct ringplan *plan, uint32_t edge)
{
	size_t depth = plan->changes_end - plan->changes_first;

	for (size_t i = 1; i <= depth && i <= CANCEL_DEPTH; i++) {
		struct ringplan_change *change = &plan->changes[plan->changes_end - i];

		if (change->edge == edge && change->added) {
			memmove(change, change + 1, (i - 1) * sizeof(*change));
			plan->changes_end--;
			return true;
		}
	}
	return false;
}

bool ringplan_take(struct ringplan *plan, struct ringplan_change *change)
{
	if (plan->changes_first == plan->changes_end)
		return false;
	*change = plan->changes[plan->changes_first++];
	return true;
}

/* ---- moods: the lists of a domain ------------------------------------------------------------ */

static void list_add(
	struct ringplan *plan, struct ringplan_list *list, unsigned int layer, uint32_t slot)
{
	struct ringplan_seat *seat = ringplan_seat(plan, slot, layer), *first;

	if (!list->count++) {
		list->first = seat->next = seat->previous = slot;
		return;
	}
	first = ringplan_seat(plan, list->first, layer);
	seat->next = list->first;
	seat->previous = first->previous;
	ringplan_seat(plan, first->previous, layer)->next = slot;
	first->previous = slot;
}

static void list_remove(
	struct ringplan *plan, struct ringplan_list *list, unsigned int layer, uint32_t slot)
{
	const struct ringplan_seat *seat = ringplan_seat(plan, slot, layer);

	list->count--;
	ringplan_seat(plan, seat->next, layer)->previous = seat->previous;
	ringplan_seat(plan, seat->previous, layer)->next = seat->next;
	if (list->first == slot)
		list->first = seat->next;
}

static enum ringplan_mood mood_of(const struct ringplan *plan, unsigned int layer, uint32_t slot)
{
	const struct ringplan_seat *seat = ringplan_seat(plan, slot, layer);
	unsigned int inside = 0, outside = 0;

	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		if (seat->peers[i] == RINGPLAN_NOBODY)
			continue;
		if (ringplan_domain(plan, seat->peers[i]) == ringplan_domain(plan, slot))
			inside++;
		else
			outside++;
	}
	if (!inside && !outside)
		return MOOD_NONE;
	return !outside ? MOOD_EXPOSED : !inside ? MOOD_LONE : MOOD_BOTH;
}

static void set_needy(struct ringplan *plan, struct ringplan_domain *domain)
{
	bool needy = false;

	for (unsigned int layer = 0; layer < plan->layers; layer++)
		needy = needy || domain->moods[layer][MOOD_EXPOSED].count ||
			domain->moods[layer][MOOD_LONE].count > 1;
	if (needy == domain->needy)
		return;
	domain->needy = needy;
	if (needy)
		TAILQ_INSERT_TAIL(&plan->needy, domain, turn);
	else
		TAILQ_REMOVE(&plan->needy, domain, turn);
	plan->needy_count += needy ? 1 : (size_t)-1;
}

static void set_mood(
	struct ringplan *plan, unsigned int layer, uint32_t slot, enum ringplan_mood mood)
{
	struct ringplan_member *member = &plan->members[slot];
	struct ringplan_domain *domain = member->domain;
	enum ringplan_mood old = member->moods[layer];

	if (mood == old)
		return;
	if (old != MOOD_NONE)
		list_remove(plan, &domain->moods[layer][old], layer, slot);
	member->moods[layer] = (uint8_t)mood;
	if (mood != MOOD_NONE)
		list_add(plan, &domain->moods[layer][mood], layer, slot);
	if (mood == MOOD_EXPOSED)
		domain->tenant->exposed = domain;
	set_needy(plan, domain);
}

/* ---- tenants and domains --------------------------------------------------------------------- */

static struct ringplan_tenant *find_tenant(struct ringplan *plan, uint32_t id)
{
	struct table_link *link = table_find(&plan->tenants, mix(id));
	struct ringplan_tenant *tenant;

	if (link) /* mix is one to one */
		return table_object(link, struct ringplan_tenant, by_id);
	tenant = mem_alloc(1, sizeof(*tenant));
	tenant->id = id;
	TAILQ_INIT(&tenant->domains);
	table_insert(&plan->tenants, &tenant->by_id, mix(id));
	return tenant;
}

static struct ringplan_domain *find_domain(
	struct ringplan *plan, struct ringplan_tenant *tenant, uint64_t key)
{
	uint64_t hash = mix(mix(key) + tenant->id);
	struct table_link *link = table_find(&plan->domains, hash);
	struct ringplan_domain *domain;

	for (; link; link = table_find_next(link)) {
		domain = table_object(link, struct ringplan_domain, by_key);
		if (domain->tenant == tenant && domain->key == key)
			return domain;
	}
	domain = pool_take(&plan->domain_pool);
	domain->tenant = tenant;
	domain->key = key;
	table_insert(&plan->domains, &domain->by_key, hash);
	TAILQ_INSERT_TAIL(&tenant->domains, domain, neighbour);
	return domain;
}

static void leave_domain(struct ringplan *plan, struct ringplan_domain *domain)
{
	struct ringplan_tenant *tenant = domain->tenant;

	if (--domain->count)
		return;
	if (tenant->exposed == domain)
		tenant->exposed = NULL;
	table_remove(&plan->domains, &domain->by_key);
	TAILQ_REMOVE(&tenant->domains, domain, neighbour);
	pool_give(&plan->domain_pool, domain);
}

/* ---- members --------------------------------------------------------------------------------- */

static void make_room(struct ringplan *plan, uint32_t slot)
{
	size_t old = plan->room, room = old ? old : ROOM_FIRST;

	while (room <= slot)
		room *= 2;
	if (room == old)
		return;
	plan->members = mem_resize(plan->members, room, sizeof(*plan->members));
	plan->seats = mem_resize(plan->seats, room * plan->layers, sizeof(*plan->seats));
	memset(plan->members + old, 0, (room - old) * sizeof(*plan->members));
	plan->room = (uint32_t)room;
}

void ringplan_enter(struct ringplan *plan, uint32_t slot, uint32_t id, uint64_t key)
{
	struct ringplan_tenant *tenant = find_tenant(plan, id);
	struct ringplan_member *member;

	make_room(plan, slot);
	if (tenant->count == tenant->room) {
		tenant->room = tenant->room ? 2 * tenant->room : 4;
		tenant->members =
			mem_resize(tenant->members, tenant->room, sizeof(*tenant->members));
	}
	tenant->members[tenant->count] = slot;
	member = &plan->members[slot];
	assert(!member->domain);
	*member = (struct ringplan_member){ .domain = find_domain(plan, tenant, key),
		.place = tenant->count++ };
	member->domain->count++;
	for (unsigned int layer = 0; layer < plan->layers; layer++) {
		member->moods[layer] = MOOD_NONE;
		*ringplan_seat(plan, slot, layer) = (struct ringplan_seat){
			.peers = { RINGPLAN_NOBODY, RINGPLAN_NOBODY },
		};
	}
	plan->count++;
}

void ringplan_exit(struct ringplan *plan, uint32_t slot)
{
	struct ringplan_member *member = &plan->members[slot];
	struct ringplan_tenant *tenant = member->domain->tenant;
	uint32_t last = tenant->members[--tenant->count];

	tenant->members[member->place] = last;
	plan->members[last].place = member->place;
	plan->downs -= member->down;
	leave_domain(plan, member->domain);
	member->domain = NULL;
	plan->count--;
	if (tenant->count)
		return;
	table_remove(&plan->tenants, &tenant->by_id);
	free(tenant->members);
	free(tenant);
}

static void renew_moods(struct ringplan *plan, uint32_t slot)
{
	for (unsigned int layer = 0; layer < plan->layers; layer++)
		set_mood(plan, layer, slot, mood_of(plan, layer, slot));
}

void ringplan_rehome(struct ringplan *plan, uint32_t slot, uint64_t key)
{
	struct ringplan_member *member = &plan->members[slot];
	struct ringplan_domain *old = member->domain;

	for (unsigned int layer = 0; layer < plan->layers; layer++)
		set_mood(plan, layer, slot, MOOD_NONE);
	member->domain = find_domain(plan, old->tenant, key);
	member->domain->count++;
	leave_domain(plan, old);
	renew_moods(plan, slot);
	for (unsigned int layer = 0; layer < plan->layers; layer++) {
		for (int i = 0; i < RINGPLAN_ENDS; i++) {
			uint32_t peer = ringplan_seat(plan, slot, layer)->peers[i];

			if (peer != RINGPLAN_NOBODY)
				renew_moods(plan, peer);
		}
	}
}

/* ---- edges ----------------------------------------------------------------------------------- */

static int end_to(const struct ringplan_seat *seat, uint32_t peer)
{
	return seat->peers[0] == peer ? 0 : seat->peers[1] == peer ? 1 : -1;
}

bool ringplan_joined(const struct ringplan *plan, uint32_t one, uint32_t other)
{
	for (unsigned int layer = 0; layer < plan->layers; layer++) {
		if (end_to(ringplan_seat(plan, one, layer), other) >= 0)
			return true;
	}
	return false;
}

unsigned int ringplan_open_ends(const struct ringplan *plan, uint32_t slot, unsigned int layer)
{
	const struct ringplan_seat *seat = ringplan_seat(plan, slot, layer);

	return (seat->peers[0] == RINGPLAN_NOBODY) + (seat->peers[1] == RINGPLAN_NOBODY);
}

static void touch(struct ringplan *plan, uint32_t slot)
{
	if (plan->touched < RINGPLAN_TOUCHED)
		plan->touched_slots[plan->touched++] = slot;
}

/* The end of slot that went to old goes to peer. */
static void turn(struct ringplan *plan, unsigned int layer, uint32_t slot, uint32_t old,
	uint32_t peer, uint32_t edge)
{
	struct ringplan_seat *seat = ringplan_seat(plan, slot, layer);
	int end = end_to(seat, old);

	assert(end >= 0);
	seat->peers[end] = peer;
	seat->edges[end] = edge;
	set_mood(plan, layer, slot, mood_of(plan, layer, slot));
}

void ringplan_attach(struct ringplan *plan, const struct ringplan_change *edge)
{
	turn(plan, edge->layer, edge->one, RINGPLAN_NOBODY, edge->other, edge->edge);
	turn(plan, edge->layer, edge->other, RINGPLAN_NOBODY, edge->one, edge->edge);
	plan->edges++;
}

void ringplan_link(struct ringplan *plan, unsigned int layer, uint32_t one, uint32_t other)
{
	struct ringplan_change change = {
		.edge = plan->next_edge,
		.one = one,
		.other = other,
		.layer = (uint8_t)layer,
		.added = true,
	};

	if (!plan->next_edge)
		return;
	plan->next_edge++;
	ringplan_attach(plan, &change);
	touch(plan, one);
	touch(plan, other);
	ringplan_tell(plan, &change);
}

void ringplan_unlink(struct ringplan *plan, unsigned int layer, uint32_t one, uint32_t other)
{
	const struct ringplan_seat *seat = ringplan_seat(plan, one, layer);
	struct ringplan_change change = {
		.edge = seat->edges[end_to(seat, other)],
		.one = one,
		.other = other,
		.layer = (uint8_t)layer,
	};

	turn(plan, layer, one, other, RINGPLAN_NOBODY, 0);
	turn(plan, layer, other, one, RINGPLAN_NOBODY, 0);
	plan->edges--;
	if (!cancel(plan, change.edge))
		ringplan_tell(plan, &change);
}
