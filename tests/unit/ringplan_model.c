// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/ringplan_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

uint32_t model_chance(struct model *m, uint32_t below)
{
	m->chance = m->chance * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(((m->chance >> 33) * below) >> 31);
}

struct model *model_new(unsigned int degree, uint32_t slots, uint64_t seed)
{
	struct model *m = mem_alloc(1, sizeof(*m));

	m->degree = degree;
	m->slots = slots;
	m->chance = seed;
	m->plan = ringplan_new(degree, 1, seed);
	return m;
}

void model_free(struct model *m)
{
	ringplan_free(m->plan);
	free(m);
}

/* ---- what it tells is what it has ------------------------------------------------------------ */

static void end_edge(struct model *m, const struct ringplan_change *change)
{
	size_t i = 0;

	while (i < m->edge_count && m->edges[i].edge != change->edge)
		i++;
	assert_true(i < m->edge_count);
	assert_int_equal(m->edges[i].layer, change->layer);
	m->edges[i] = m->edges[--m->edge_count];
}

unsigned int model_take(struct model *m)
{
	struct ringplan_change change;
	unsigned int changes = 0;

	for (; ringplan_take(m->plan, &change); changes++) {
		m->hash = (m->hash ^ change.edge ^ change.added) * 1099511628211U;
		m->hash = (m->hash ^ change.one ^ change.other) * 1099511628211U;
		if (!change.added) {
			end_edge(m, &change);
			continue;
		}
		assert_true(change.edge > m->last_edge);
		m->last_edge = change.edge;
		assert_true(m->edge_count < EDGES);
		m->edges[m->edge_count++] = change;
	}
	return changes;
}

static void operation_ends(struct model *m)
{
	unsigned int changes = model_take(m);

	assert_true(changes <= RINGPLAN_CHANGES);
	m->sum += changes;
	m->operations++;
	if (changes > m->most)
		m->most = changes;
}

static const struct ringplan_change *find_edge(const struct model *m, uint32_t edge)
{
	for (size_t i = 0; i < m->edge_count; i++) {
		if (m->edges[i].edge == edge)
			return &m->edges[i];
	}
	fail_msg("edge %u was never told", edge);
	return NULL;
}

static size_t population(const struct model *m, uint32_t tenant, const uint64_t *domain)
{
	size_t count = 0;

	for (uint32_t i = 0; i < m->slots; i++)
		count += m->members[i].here && m->members[i].tenant == tenant &&
			(!domain || m->members[i].domain == *domain);
	return count;
}

static void check_member(const struct model *m, uint32_t slot)
{
	const struct model_member *self = &m->members[slot];
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = ringplan_neighbours(m->plan, slot, neighbours), layers[2] = { 0 };
	size_t tenant = population(m, self->tenant, NULL);

	for (size_t i = 0; i < count; i++) {
		const struct ringplan_neighbour *n = &neighbours[i];
		const struct ringplan_change *edge = find_edge(m, n->edge);
		const struct model_member *peer = &m->members[n->slot];

		assert_int_equal(edge->layer, n->layer);
		assert_true((edge->one == slot && edge->other == n->slot) ||
			(edge->other == slot && edge->one == n->slot));
		assert_true(peer->here && n->slot != slot);
		assert_int_equal(peer->tenant, self->tenant);
		assert_int_equal(n->inside, self->domain && self->domain == peer->domain);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(neighbours[j].slot, n->slot);
		layers[n->layer]++;
	}
	assert_int_equal(layers[0], tenant > 2 ? 2 : tenant - 1);
	assert_int_equal(layers[1], m->degree == 4 && tenant >= RINGPLAN_SECOND ? 2 : 0);
}

static bool has_outside(const struct model *m, uint32_t slot)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = ringplan_neighbours(m->plan, slot, neighbours);

	for (size_t i = 0; i < count; i++) {
		if (m->members[neighbours[i].slot].domain != m->members[slot].domain)
			return true;
	}
	return false;
}

/* Those of a domain that have no outside neighbour. */
static size_t exposed(const struct model *m, uint32_t tenant, uint64_t domain)
{
	size_t count = 0;

	for (uint32_t i = 0; i < m->slots; i++)
		count += m->members[i].here && m->members[i].tenant == tenant &&
			m->members[i].domain == domain && !has_outside(m, i);
	return count;
}

static void check_domain(const struct model *m, uint32_t tenant, uint64_t domain, bool mended)
{
	size_t inside = population(m, tenant, &domain);
	size_t outside = population(m, tenant, NULL) - inside;
	size_t bare = exposed(m, tenant, domain);
	size_t least = inside > 2 * outside ? inside - 2 * outside : 0;

	if (!outside)
		return;
	if (mended && m->degree == 2)
		assert_int_equal(bare, least);
	else if (mended || inside <= outside)
		assert_true(bare <= least);
}

void model_check(const struct model *m, bool mended)
{
	struct ringplan_figures figures;
	size_t count = 0;

	for (uint32_t i = 0; i < m->slots; i++) {
		if (!m->members[i].here) {
			assert_int_equal(ringplan_neighbours(
						 m->plan, i, (struct ringplan_neighbour[4]){ 0 }),
				0);
			continue;
		}
		count++;
		check_member(m, i);
		if (!m->downs && (mended || !m->moved))
			check_domain(m, m->members[i].tenant, m->members[i].domain, mended);
	}
	assert_int_equal(count, m->count);
	ringplan_figures(m->plan, &figures);
	assert_int_equal(figures.members, count);
	assert_int_equal(figures.edges, m->edge_count);
}

/* ---- operations ------------------------------------------------------------------------------ */

void model_join(struct model *m, uint32_t slot, uint32_t tenant, uint64_t domain)
{
	m->members[slot] =
		(struct model_member){ .tenant = tenant, .domain = domain, .here = true };
	m->count++;
	ringplan_join(m->plan, slot, tenant, domain);
	operation_ends(m);
}

void model_leave(struct model *m, uint32_t slot)
{
	m->members[slot].here = false;
	m->count--;
	m->downs -= m->members[slot].down;
	ringplan_leave(m->plan, slot);
	operation_ends(m);
}

void model_mend(struct model *m)
{
	unsigned int rounds = 0;
	bool more;

	do {
		more = ringplan_mend(m->plan, 4);
		assert_true(model_take(m) <= 8);
		assert_true(rounds++ < 100000);
	} while (more);
	m->moved = false;
}

void model_down(struct model *m, uint32_t slot, bool is_down)
{
	m->downs += is_down - m->members[slot].down;
	m->members[slot].down = is_down;
	ringplan_down(m->plan, slot, is_down);
	assert_int_equal(model_take(m), 0);
}

bool model_watched(const struct model *m, uint32_t slot)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = ringplan_neighbours(m->plan, slot, neighbours);
	bool watched = false;

	for (size_t i = 0; i < count; i++)
		watched = watched || !m->members[neighbours[i].slot].down;
	return watched;
}

size_t model_unwatched(const struct model *m)
{
	size_t count = 0;

	for (uint32_t i = 0; i < m->slots; i++)
		count += m->members[i].here && !m->members[i].down && !model_watched(m, i);
	return count;
}

void model_rescue(struct model *m, uint32_t slot)
{
	size_t before = model_unwatched(m);
	bool was = model_watched(m, slot), is = ringplan_rescue(m->plan, slot);
	unsigned int changes = model_take(m);

	assert_int_equal(is, model_watched(m, slot));
	assert_int_equal(changes, is && !was ? 4 : 0);
	assert_true(model_unwatched(m) <= before - (is && !was));
}

/* Nothing happens yet. */
void model_move(struct model *m, uint32_t slot, uint64_t domain)
{
	m->members[slot].domain = domain;
	m->moved = true;
	ringplan_move(m->plan, slot, domain);
	assert_int_equal(model_take(m), 0);
}
