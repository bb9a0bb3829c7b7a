// SPDX-License-Identifier: Apache-2.0
/*
 * All that ever happens to a layer is one exchange: for two ends, of a and b, and an edge c-d there
 * will be the edges a-c and b-d. The ends are open (a member that joins has two, the neighbours of
 * one that left have one each), or they are those of an edge a-b that ends as well. Which c-d is
 * the best of those that were looked at is a matter of what the four of them pay before and after.
 */
#include "cma/alive/ringplan_exchange.h"

#include <limits.h>

#include "cma/alive/ringplan_graph.h"

/* What a member pays in a layer. */
enum {
	COST_UNWATCHED = 64, /* up, but all of its neighbours are down */
	COST_EXPOSED = 8,    /* twice if it is in the other layer, too */
	COST_LONE = 1,
};

enum {
	LOOKS = 24,	   /* for an exchange that has to be */
	LOOKS_BETTER = 96, /* for one that would be better */
	LOOKS_LONE = 8,
	LOOKS_LIKELY = 4,
	CHAIN = 16,
	WORTH = 2, /* an exchange of edges is not made for less */
};

struct exchange {
	unsigned int layer;
	uint32_t a, b;
	bool open;  /* the ends are: there is no edge a-b to end */
	bool up;    /* c must be */
	int enough; /* a gain to take without looking further */
	int least;  /* none below that */
	/* the best so far: */
	bool found;
	int gain;
	uint32_t c, d;
};

/* ---- what an exchange is worth --------------------------------------------------------------- */

static bool has_up(const struct ringplan *plan, const uint32_t peers[RINGPLAN_ENDS])
{
	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		if (peers[i] != RINGPLAN_NOBODY && !plan->members[peers[i]].down)
			return true;
	}
	return false;
}

static bool is_unwatched(const struct ringplan *plan, unsigned int layer, uint32_t slot,
	const uint32_t peers[RINGPLAN_ENDS])
{
	if (!plan->downs || plan->members[slot].down || has_up(plan, peers))
		return false;
	return plan->layers == 1 || !has_up(plan, ringplan_seat(plan, slot, !layer)->peers);
}

/* With these neighbours in the layer. */
static int cost(const struct ringplan *plan, unsigned int layer, uint32_t slot,
	const uint32_t peers[RINGPLAN_ENDS])
{
	const struct ringplan_member *member = &plan->members[slot];
	const struct ringplan_domain *domain = member->domain;
	bool inside = false, outside = false;
	int sum = 0;

	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		if (peers[i] == RINGPLAN_NOBODY)
			continue;
		if (ringplan_domain(plan, peers[i]) == domain)
			inside = true;
		else
			outside = true;
	}
	if (!outside && domain->tenant->count > domain->count)
		sum = plan->layers > 1 && member->moods[!layer] == MOOD_EXPOSED ? 2 * COST_EXPOSED
										: COST_EXPOSED;
	if (!inside && domain->count > layer + 1)
		sum += COST_LONE;
	return is_unwatched(plan, layer, slot, peers) ? sum + COST_UNWATCHED : sum;
}

static int cost_now(const struct ringplan *plan, unsigned int layer, uint32_t slot)
{
	return cost(plan, layer, slot, ringplan_seat(plan, slot, layer)->peers);
}

/* When the end that goes to old goes to peer. */
static int cost_then(
	const struct ringplan *plan, unsigned int layer, uint32_t slot, uint32_t old, uint32_t peer)
{
	const uint32_t *now = ringplan_seat(plan, slot, layer)->peers;
	uint32_t then[RINGPLAN_ENDS] = { now[0], now[1] };

	then[now[0] == old ? 0 : 1] = peer;
	return cost(plan, layer, slot, then);
}

static int gain(const struct ringplan *plan, const struct exchange *x, uint32_t c, uint32_t d)
{
	unsigned int layer = x->layer;
	int sum = cost_now(plan, layer, c) + cost_now(plan, layer, d) -
		cost_then(plan, layer, c, d, x->a) - cost_then(plan, layer, d, c, x->b);

	if (x->a == x->b)
		return sum - cost(plan, layer, x->a, (uint32_t[]){ c, d });
	if (x->open)
		return sum - cost_then(plan, layer, x->a, RINGPLAN_NOBODY, c) -
			cost_then(plan, layer, x->b, RINGPLAN_NOBODY, d);
	return sum + cost_now(plan, layer, x->a) + cost_now(plan, layer, x->b) -
		cost_then(plan, layer, x->a, x->b, c) - cost_then(plan, layer, x->b, x->a, d);
}

static bool is_possible(
	const struct ringplan *plan, const struct exchange *x, uint32_t c, uint32_t d)
{
	if (c == x->a || c == x->b || d == x->a || d == x->b || (x->up && plan->members[c].down))
		return false;
	return !ringplan_joined(plan, x->a, c) && !ringplan_joined(plan, x->b, d);
}

/* ---- where to look --------------------------------------------------------------------------- */

/* At an edge, one way round. These return true when the best is good enough. */
static bool look_at_edge(struct ringplan *plan, struct exchange *x, uint32_t c, uint32_t d)
{
	int gained;

	if (!is_possible(plan, x, c, d))
		return false;
	gained = gain(plan, x, c, d);
	if (gained < x->least || (x->found && gained <= x->gain))
		return false;
	x->found = true;
	x->gain = gained;
	x->c = c;
	x->d = d;
	return gained >= x->enough;
}

static bool look_at(struct ringplan *plan, struct exchange *x, uint32_t slot)
{
	const struct ringplan_seat *seat = ringplan_seat(plan, slot, x->layer);

	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		if (seat->peers[i] != RINGPLAN_NOBODY &&
			(look_at_edge(plan, x, slot, seat->peers[i]) ||
				look_at_edge(plan, x, seat->peers[i], slot)))
			return true;
	}
	return false;
}

/* At some of a list, others each time. */
static bool look_at_list(struct ringplan *plan, struct exchange *x, struct ringplan_domain *domain,
	enum ringplan_mood mood, unsigned int looks)
{
	struct ringplan_list *list = &domain->moods[x->layer][mood];
	bool enough = false;

	for (unsigned int i = 0; i < looks && i < list->count && !enough; i++) {
		enough = look_at(plan, x, list->first);
		list->first = ringplan_seat(plan, list->first, x->layer)->next;
	}
	return enough;
}

/* At those that would gain most, or give without loss. */
static bool look_at_likely(struct ringplan *plan, struct exchange *x)
{
	struct ringplan_domain *domain = ringplan_domain(plan, x->a);
	struct ringplan_domain *exposed = domain->tenant->exposed;

	if (exposed && exposed != domain && look_at_list(plan, x, exposed, MOOD_EXPOSED, 2))
		return true;
	if (look_at_list(plan, x, domain, MOOD_LONE, LOOKS_LIKELY))
		return true;
	domain = ringplan_domain(plan, x->b);
	return x->a != x->b && look_at_list(plan, x, domain, MOOD_LONE, LOOKS_LIKELY);
}

/* Half of the looks are at any member, half at one of each domain in turn. */
static bool look_around(struct ringplan *plan, struct exchange *x, unsigned int looks)
{
	struct ringplan_tenant *tenant = ringplan_domain(plan, x->a)->tenant;

	for (unsigned int i = 0; i < looks; i++) {
		struct ringplan_domain *domain = TAILQ_FIRST(&tenant->domains);
		uint32_t any = ringplan_chance(plan, tenant->count);

		if (look_at(plan, x, tenant->members[any]))
			return true;
		TAILQ_REMOVE(&tenant->domains, domain, neighbour);
		TAILQ_INSERT_TAIL(&tenant->domains, domain, neighbour);
		if (look_at_list(plan, x, domain, MOOD_BOTH, 1) ||
			look_at_list(plan, x, domain, MOOD_LONE, 1))
			return true;
	}
	return false;
}

static bool walk(struct ringplan *plan, struct exchange *x, uint32_t from, uint32_t looks)
{
	struct ringplan_tenant *tenant = ringplan_domain(plan, x->a)->tenant;

	for (uint32_t i = 0; i < looks; i++) {
		if (look_at(plan, x, tenant->members[(from + i) % tenant->count]))
			return true;
	}
	return false;
}

/* false: nothing was found, or there are no two edge ids left. */
static bool make(struct ringplan *plan, const struct exchange *x)
{
	if (!x->found || !plan->next_edge || plan->next_edge == UINT32_MAX)
		return false;
	if (!x->open)
		ringplan_unlink(plan, x->layer, x->a, x->b);
	ringplan_unlink(plan, x->layer, x->c, x->d);
	ringplan_link(plan, x->layer, x->a, x->c);
	ringplan_link(plan, x->layer, x->b, x->d);
	return true;
}

/* ---- open ends ------------------------------------------------------------------------------- */

/* What can be hoped for when slot is put into an edge: to make a pair with a lone one. */
static int hope(const struct ringplan *plan, unsigned int layer, uint32_t slot)
{
	const struct ringplan_domain *domain = ringplan_domain(plan, slot);
	const struct ringplan_list *lone = &domain->moods[layer][MOOD_LONE];
	uint32_t other = lone->first;

	for (uint32_t i = 0; i < lone->count && i < LOOKS_LIKELY; i++) {
		if (!ringplan_joined(plan, slot, other))
			return COST_LONE;
		other = ringplan_seat(plan, other, layer)->next;
	}
	return domain->count > layer + 1 ? -COST_LONE : 0;
}

bool ringplan_close(struct ringplan *plan, unsigned int layer, uint32_t a, uint32_t b)
{
	struct ringplan_tenant *tenant = ringplan_domain(plan, a)->tenant;
	struct exchange x = { .layer = layer, .a = a, .b = b, .open = true, .least = INT_MIN };

	if (a != b && !ringplan_joined(plan, a, b)) {
		ringplan_link(plan, layer, a, b);
		return true;
	}
	x.enough = a == b ? hope(plan, layer, a) : 0;
	if (!look_at_likely(plan, &x) && !look_around(plan, &x, LOOKS) && !x.found) {
		x.enough = INT_MIN;
		walk(plan, &x, ringplan_chance(plan, tenant->count), tenant->count);
	}
	return make(plan, &x);
}

/* ---- better neighbours ----------------------------------------------------------------------- */

bool ringplan_wants_outside(const struct ringplan_domain *domain, unsigned int layer)
{
	const struct ringplan_list *moods = domain->moods[layer];
	uint32_t others = domain->tenant->count - domain->count;

	return moods[MOOD_EXPOSED].count && others &&
		(moods[MOOD_LONE].count || moods[MOOD_BOTH].count < 2 * others);
}

bool ringplan_find_outside(struct ringplan *plan, unsigned int layer, uint32_t slot, bool walking)
{
	struct ringplan_tenant *tenant = ringplan_domain(plan, slot)->tenant;
	const uint32_t *peers = ringplan_seat(plan, slot, layer)->peers;
	uint32_t from = tenant->cursor % tenant->count;

	if (walking) {
		tenant->cursor = from + LOOKS_BETTER;
		tenant->walked += LOOKS_BETTER;
	}
	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		struct exchange x = { .layer = layer,
			.a = slot,
			.b = peers[i],
			.enough = COST_EXPOSED,
			.least = WORTH };

		if (x.b == RINGPLAN_NOBODY)
			continue;
		if (!look_at_likely(plan, &x)) {
			if (walking)
				walk(plan, &x, from, LOOKS_BETTER);
			else
				look_around(plan, &x, LOOKS_BETTER / 2);
		}
		if (make(plan, &x))
			return true;
	}
	return false;
}

bool ringplan_find_inside(struct ringplan *plan, unsigned int layer, uint32_t slot)
{
	const uint32_t *peers = ringplan_seat(plan, slot, layer)->peers;

	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		struct exchange x = { .layer = layer,
			.a = slot,
			.b = peers[i],
			.enough = WORTH * COST_LONE,
			.least = WORTH };

		if (x.b != RINGPLAN_NOBODY)
			look_at_list(plan, &x, ringplan_domain(plan, slot), MOOD_LONE, LOOKS_LONE);
		if (make(plan, &x))
			return true;
	}
	return false;
}

/* The edge at the end of those that are down, from slot on: what is beyond them lost one, too. */
static void look_along(struct ringplan *plan, struct exchange *x, uint32_t slot, uint32_t next)
{
	for (int i = 0; i < CHAIN && next != RINGPLAN_NOBODY; i++) {
		const uint32_t *peers = ringplan_seat(plan, next, x->layer)->peers;
		uint32_t after = peers[0] == slot ? peers[1] : peers[0];

		if (!plan->members[next].down) {
			look_at_edge(plan, x, next, slot);
			return;
		}
		slot = next;
		next = after;
	}
}

bool ringplan_find_up(struct ringplan *plan, unsigned int layer, uint32_t slot)
{
	const uint32_t *peers = ringplan_seat(plan, slot, layer)->peers;

	for (int i = 0; i < RINGPLAN_ENDS; i++) {
		struct exchange x = { .layer = layer,
			.a = slot,
			.b = peers[i],
			.up = true,
			.enough = COST_UNWATCHED - COST_LONE,
			.least = COST_UNWATCHED / 2 };

		if (x.b == RINGPLAN_NOBODY)
			continue;
		look_along(plan, &x, slot, peers[!i]);
		look_along(plan, &x, slot, peers[i]);
		if (!x.found || x.gain < x.enough)
			look_around(plan, &x, LOOKS_BETTER);
		if (make(plan, &x))
			return true;
	}
	return false;
}
