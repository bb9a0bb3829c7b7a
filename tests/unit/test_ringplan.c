// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ringplan_model.h"

/* ---- what is stored -------------------------------------------------------------------------- */

/* Racks of ten. */
static struct model *estate(unsigned int degree, uint32_t slots)
{
	struct model *m = model_new(degree, slots, 5);

	for (uint32_t i = 0; i < slots; i++)
		model_join(m, i, 1, 1 + i / 10);
	model_mend(m);
	return m;
}

/* A plan of the members of m without a mind of its own, for what m has stored. */
static struct model *loaded(const struct model *m, unsigned int degree)
{
	struct model *copy = model_new(degree, m->slots, 6);

	for (uint32_t i = 0; i < m->slots; i++) {
		copy->members[i] = m->members[i];
		copy->count += m->members[i].here;
		if (m->members[i].here)
			ringplan_load_member(
				copy->plan, i, m->members[i].tenant, m->members[i].domain);
	}
	memcpy(copy->edges, m->edges, sizeof(copy->edges));
	copy->edge_count = m->edge_count;
	copy->last_edge = m->last_edge;
	return copy;
}

static void load_edge(struct model *m, const struct ringplan_change *edge)
{
	ringplan_load_edge(m->plan, edge->edge, edge->layer, edge->one, edge->other);
}

static void test_load_whole(void **state)
{
	struct model *m = estate(4, 200), *copy = loaded(m, 4);

	(void)state;
	for (size_t i = 0; i < m->edge_count; i++)
		load_edge(copy, &m->edges[i]);
	ringplan_start(copy->plan);
	assert_int_equal(model_take(copy), 0);
	model_mend(copy);
	model_check(copy, true);
	assert_memory_equal(copy->edges, m->edges, sizeof(copy->edges));
	model_free(copy);
	model_free(m);
}

/* Members that went, edges that were never stored; what else is mended costs a few changes each. */
static void test_load_holes(void **state)
{
	enum { GONE = 9, MISSING = 7 };
	struct model *m = estate(4, 200), *copy;
	unsigned int changes;

	(void)state;
	for (uint32_t i = 0; i < GONE; i++) {
		m->members[21 * i].here = false;
		m->count--;
	}
	copy = loaded(m, 4);
	copy->edge_count = 0;
	for (size_t i = 0; i < m->edge_count; i++) {
		if (i % 50 == 3 && i / 50 < MISSING)
			continue;
		copy->edges[copy->edge_count++] = m->edges[i];
		load_edge(copy, &m->edges[i]);
	}
	ringplan_start(copy->plan);
	changes = model_take(copy);
	print_message("  %d members and %d edges missing: %u changes\n", GONE, MISSING, changes);
	assert_true(changes >= 4 * GONE && changes <= 8 * (GONE + MISSING));
	model_check(copy, false);
	model_mend(copy);
	model_check(copy, true);
	model_free(copy);
	model_free(m);
}

/* What no plan of ours can have stored is told as ended, and harms nothing. */
static void test_load_unsound(void **state)
{
	struct model *m = estate(2, 20), *copy;
	const struct ringplan_change unsound[] = {
		{ .edge = 901, .one = 3, .other = 3 },
		{ .edge = 902, .one = 3, .other = 9999 },
		{ .edge = 903, .one = 3, .other = 9, .layer = 1 },
		{ .edge = 904, .one = 3, .other = 9, .layer = 255 },
		{ .edge = 905, .one = 3, .other = 9 }, /* a third one of both */
		{ .edge = 906, .one = 20, .other = 3 },
		{ .edge = 907, .one = m->edges[0].one, .other = m->edges[0].other },
	};
	enum { COUNT = sizeof(unsound) / sizeof(*unsound) };

	(void)state;
	m->slots = 21;
	m->members[20] = (struct model_member){ .tenant = 2, .domain = 1, .here = true };
	m->count++;
	copy = loaded(m, 2);
	for (size_t i = 0; i < m->edge_count; i++)
		load_edge(copy, &m->edges[i]);
	for (size_t i = 0; i < COUNT; i++) {
		copy->edges[copy->edge_count++] = unsound[i];
		load_edge(copy, &unsound[i]);
	}
	ringplan_start(copy->plan);
	copy->last_edge = 907;
	assert_int_equal(model_take(copy), COUNT);
	model_check(copy, false);
	model_join(copy, copy->slots++, 1, 1);
	assert_true(copy->last_edge > 907);
	model_check(copy, false);
	model_free(copy);
	model_free(m);
}

/* A second layer for a plan that has one; and none any more. */
static void test_load_other_degree(void **state)
{
	struct model *m = estate(2, 300), *more = loaded(m, 4), *less;

	(void)state;
	for (size_t i = 0; i < m->edge_count; i++)
		load_edge(more, &m->edges[i]);
	ringplan_start(more->plan);
	model_take(more);
	assert_int_equal(more->edge_count, 600);
	assert_memory_equal(more->edges, m->edges, m->edge_count * sizeof(*m->edges));
	model_check(more, false);
	model_mend(more);
	model_check(more, true);
	less = loaded(more, 2);
	for (size_t i = 0; i < more->edge_count; i++)
		load_edge(less, &more->edges[i]);
	ringplan_start(less->plan);
	assert_int_equal(model_take(less), 300);
	model_check(less, false);
	model_free(less);
	model_free(more);
	model_free(m);
}

/* Members that never had a plan. */
static void test_load_no_edges(void **state)
{
	struct model *m = model_new(4, 300, 5), *copy;

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		m->members[i] = (struct model_member){
			.tenant = 1 + i / 280, .domain = i / 7, .here = true
		};
	m->count = 300;
	copy = loaded(m, 4);
	ringplan_start(copy->plan);
	model_take(copy);
	copy->moved = true;
	model_check(copy, false);
	model_mend(copy);
	model_check(copy, true);
	model_free(copy);
	model_free(m);
}

/* ---- down ------------------------------------------------------------------------------------ */

static void test_rescue(void **state)
{
	struct model *m = estate(2, 60);
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];

	(void)state;
	ringplan_neighbours(m->plan, 7, neighbours);
	assert_true(ringplan_rescue(m->plan, 7));
	assert_int_equal(model_take(m), 0);
	model_down(m, neighbours[0].slot, true);
	model_down(m, neighbours[1].slot, true);
	assert_false(model_watched(m, 7));
	model_rescue(m, 7);
	assert_true(model_watched(m, 7));
	assert_int_equal(model_unwatched(m), 0);
	model_check(m, false);
	model_down(m, neighbours[0].slot, false);
	model_down(m, neighbours[1].slot, false);
	model_rescue(m, 7);
	assert_false(ringplan_rescue(m->plan, 9999));
	model_free(m);
}

/* Half of an estate; all but one, whom nobody is left to watch. */
static void test_many_down(void **state)
{
	struct model *m = estate(2, 300);
	size_t lonely;

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		if (model_chance(m, 2))
			model_down(m, i, true);
	}
	lonely = model_unwatched(m);
	for (uint32_t i = 0; i < 300; i++) {
		if (!m->members[i].down)
			model_rescue(m, i);
	}
	print_message(
		"  %zu of 300 down, %zu without a live neighbour, none after\n", m->downs, lonely);
	assert_true(lonely > 0);
	assert_int_equal(model_unwatched(m), 0);
	model_check(m, false);
	for (uint32_t i = 1; i < 300; i++)
		model_down(m, i, true);
	assert_false(ringplan_rescue(m->plan, 0));
	assert_int_equal(model_take(m), 0);
	model_free(m);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void test_small(void **state)
{
	struct model *m = model_new(4, 12, 1);

	(void)state;
	for (uint32_t i = 0; i < 12; i++) {
		model_join(m, i, 1, i % 3);
		model_check(m, false);
	}
	for (uint32_t i = 0; i < 12; i++) {
		model_leave(m, i);
		model_check(m, false);
	}
	assert_int_equal(m->edge_count, 0);
	ringplan_leave(m->plan, 0);
	assert_int_equal(model_take(m), 0);
	model_free(m);
}

/* Someone who is in another domain for a moment keeps his neighbours. */
static void test_to_and_fro(void **state)
{
	struct model *m = estate(2, 100);

	(void)state;
	model_move(m, 55, 1);
	model_move(m, 55, 6);
	assert_false(ringplan_mend(m->plan, 100));
	assert_int_equal(model_take(m), 0);
	model_free(m);
}

/* Twelve racks are known as such one by one; in the end each member has one neighbour of either
 * kind. */
static void test_places_become_known(void **state)
{
	struct model *m = model_new(2, 120, 3);
	struct ringplan_figures figures;

	(void)state;
	for (uint32_t i = 0; i < 120; i++)
		model_join(m, i, 1, 0);
	for (uint32_t i = 0; i < 120; i++) {
		model_move(m, i, 1 + i / 10);
		if (i % 7 == 0)
			model_mend(m);
	}
	model_mend(m);
	model_check(m, true);
	ringplan_figures(m->plan, &figures);
	assert_int_equal(figures.exposed, 0);
	assert_true(figures.lone <= 12);
	print_message("  120 moves, %u edges made, %zu without an inside neighbour\n",
		m->last_edge - 120, figures.lone);
	model_free(m);
}

static void test_no_ids_left(void **state)
{
	struct model *m = model_new(4, 40, 1);

	(void)state;
	ringplan_free(m->plan);
	m->plan = ringplan_new(4, UINT32_MAX - 20, 1);
	for (uint32_t i = 0; i < 40; i++)
		model_join(m, i, 1, i % 3);
	for (uint32_t i = 0; i < 40; i++)
		model_leave(m, i);
	while (ringplan_mend(m->plan, 10))
		;
	assert_int_equal(m->edge_count, 0);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_load_whole),
		cmocka_unit_test(test_load_holes),
		cmocka_unit_test(test_load_unsound),
		cmocka_unit_test(test_load_other_degree),
		cmocka_unit_test(test_load_no_edges),
		cmocka_unit_test(test_rescue),
		cmocka_unit_test(test_many_down),
		cmocka_unit_test(test_to_and_fro),
		cmocka_unit_test(test_places_become_known),
		cmocka_unit_test(test_no_ids_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
