// SPDX-License-Identifier: Apache-2.0
/*
 * What the plan of who watches whom costs with a million members: joins, leaves, loading what is
 * stored, memory. CPU time of one core, "name | value | goal".
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "cma/alive/ringplan.h"

enum { MEMBERS = 1000000, RACK = 40, LEAVES = 200000, HOLES = 1000 };

/* What a store would hold, as edges that are in force. */
struct stored {
	struct ringplan_change *edges; /* by id; not added: it ended */
	uint32_t count;
};

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)info.uordblks + (double)info.hblkhd;
}

static void print(
	const char *what, unsigned int degree, double value, const char *unit, const char *goal)
{
	printf("ring plan, degree %u: %s | %.*f %s | %s\n", degree, what, value < 10 ? 2 : 0, value,
		unit, goal);
	fflush(stdout);
}

/* Neither in the order of their racks nor at random. */
static uint64_t rack_of(uint32_t slot)
{
	return 1 + (uint64_t)slot * 7919 % MEMBERS / RACK;
}

static size_t take_all(struct ringplan *plan, struct stored *stored)
{
	struct ringplan_change change;
	size_t count = 0;

	for (; ringplan_take(plan, &change); count++) {
		if (change.edge >= stored->count) {
			uint32_t old = stored->count;

			stored->count = 2 * change.edge + 1024;
			stored->edges =
				mem_resize(stored->edges, stored->count, sizeof(*stored->edges));
			memset(stored->edges + old, 0,
				(stored->count - old) * sizeof(*stored->edges));
		}
		stored->edges[change.edge] = change;
	}
	return count;
}

static void bench_joins(unsigned int degree, struct ringplan *plan, struct stored *stored)
{
	double start = cpu_seconds(), seconds;
	struct ringplan_figures figures;
	size_t changes = 0, more = 0;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		ringplan_join(plan, i, 1, rack_of(i));
		changes += take_all(plan, stored);
	}
	seconds = cpu_seconds() - start;
	print("a million joins", degree, seconds, "s", degree == 2 ? "<= 5" : "<= 10");
	print("  edges changed by each", degree, (double)changes / MEMBERS, "", "-");
	start = cpu_seconds();
	while (ringplan_mend(plan, 1000))
		more += take_all(plan, stored);
	print("  calm re-planning after them", degree, cpu_seconds() - start, "s", "-");
	print("  edges that it changed", degree, (double)more, "", "-");
	ringplan_figures(plan, &figures);
	print("  members without an outside neighbour", degree, (double)figures.exposed, "",
		"<= 0");
	print("  members without an inside neighbour", degree, (double)figures.lone, "", "-");
}

static void bench_leaves(unsigned int degree, struct ringplan *plan, struct stored *stored)
{
	double start = cpu_seconds();
	size_t changes = 0, most = 0;

	for (uint32_t i = 0; i < LEAVES; i++) {
		uint32_t slot = (uint32_t)((uint64_t)i * 3571 % MEMBERS);
		size_t count;

		ringplan_leave(plan, slot);
		count = take_all(plan, stored);
		ringplan_join(plan, slot, 1, rack_of(slot));
		changes += count + take_all(plan, stored);
		most = count > most ? count : most;
	}
	print("a leave and a join again", degree, (cpu_seconds() - start) * 1e6 / LEAVES, "us",
		"-");
	print("  edges changed by both", degree, (double)changes / LEAVES, "", "-");
	print("  edges changed by one leave, most", degree, (double)most, "", "-");
}

static void bench_load(unsigned int degree, const struct stored *stored, uint32_t holes)
{
	double heap = heap_bytes(), start = cpu_seconds(), seconds;
	struct ringplan *plan = ringplan_new(degree, 1, 1);
	struct ringplan_change change;
	struct ringplan_figures figures;
	size_t changes = 0;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		if (i >= holes)
			ringplan_load_member(plan, i, 1, rack_of(i));
	}
	for (uint32_t i = 0; i < stored->count; i++) {
		const struct ringplan_change *edge = &stored->edges[i];

		if (edge->added)
			ringplan_load_edge(plan, edge->edge, edge->layer, edge->one, edge->other);
	}
	ringplan_start(plan);
	seconds = cpu_seconds() - start;
	while (ringplan_take(plan, &change))
		changes++;
	print(holes ? "loading it, 1,000 members went" : "loading it", degree, seconds, "s",
		degree == 2 ? "<= 1" : "<= 2");
	print("  edges changed", degree, (double)changes, "", holes ? "-" : "<= 0");
	ringplan_figures(plan, &figures);
	if (!holes) {
		print("  bytes of a member, with its edges", degree,
			(heap_bytes() - heap) / MEMBERS, "", degree == 2 ? "<= 64" : "-");
	}
	ringplan_free(plan);
}

/* The most that a member can cost: nobody else is in its domain. */
static void bench_singles(void)
{
	struct ringplan *plan = ringplan_new(2, 1, 1);
	struct ringplan_change change;
	double heap = heap_bytes();

	for (uint32_t i = 0; i < MEMBERS; i++) {
		ringplan_join(plan, i, 1, i);
		while (ringplan_take(plan, &change))
			;
	}
	print("bytes of a member alone in its domain", 2, (heap_bytes() - heap) / MEMBERS, "", "-");
	ringplan_free(plan);
}

static void bench(unsigned int degree)
{
	struct ringplan *plan = ringplan_new(degree, 1, 1);
	struct stored stored = { NULL, 0 };

	bench_joins(degree, plan, &stored);
	bench_leaves(degree, plan, &stored);
	while (ringplan_mend(plan, 1000))
		;
	take_all(plan, &stored);
	ringplan_free(plan);
	bench_load(degree, &stored, 0);
	bench_load(degree, &stored, HOLES);
	free(stored.edges);
}

int main(void)
{
	bench(2);
	bench_singles();
	bench(4);
	return 0;
}
