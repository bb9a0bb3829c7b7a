/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_RINGPLAN_H
#define CMA_ALIVE_RINGPLAN_H
/*
 * Who watches whom. Pure: no clock, no store; the same calls in the same order with the same seed
 * make the same plan. Members are slots, small numbers that the caller gives out and may give out
 * again after ringplan_leave.
 *
 * A plan is one layer of edges (degree 2) or two (degree 4). In each, a member of a tenant of three
 * or more has two neighbours of its tenant; no pair is joined twice. Of two members there is
 * one edge, of one none; the second layer begins at RINGPLAN_SECOND members, since fewer cannot
 * have four different neighbours each.
 *
 * A domain is what fails together: those behind one switch. 0 is "unknown", all of which counts as
 * one domain. Of its two neighbours in a layer, a member should have one outside its domain, which
 * tells when the whole domain fails, and one inside, which tells the domain's way out from itself.
 *
 * Guaranteed while no member is down, once ringplan_mend returned false and however the plan came
 * about: of a domain with at most twice as many members as there are outside it, each has an
 * outside neighbour; of a larger one as many as can, two for each member outside it (degree 2; with
 * 4 at least as many). After each join and leave the same for a domain that holds at most half of
 * its tenant, while no move and no start waits to be mended. Preferred: one outside neighbour in
 * each layer of two; an inside neighbour.
 *
 * An operation changes at most RINGPLAN_CHANGES edges, whatever the number of members, mostly 3 in
 * a layer; it looks at a bounded number of members. Edge ids are counted up and never used again;
 * when there are none left (2^32 of them), no more edges are made.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RINGPLAN_SECOND = 5,
	RINGPLAN_CHANGES = 64,
	RINGPLAN_DEGREE = 4, /* the most */
};

struct ringplan;

/* degree: 2 or 4. next_edge: above all that were ever used, at least 1. */
struct ringplan *ringplan_new(unsigned int degree, uint32_t next_edge, uint64_t seed);
void ringplan_free(struct ringplan *plan);

/*
 * What is stored, before anything else: first the members, then the edges between them, then start.
 * An edge that cannot be (a member that went, of two tenants, a third of a member, a layer too
 * many) is told as removed by ringplan_take; start makes those that are missing.
 */
void ringplan_load_member(struct ringplan *plan, uint32_t slot, uint32_t tenant, uint64_t domain);
void ringplan_load_edge(
	struct ringplan *plan, uint32_t edge, uint8_t layer, uint32_t one, uint32_t other);
void ringplan_start(struct ringplan *plan);

/* slot must not be a member. */
void ringplan_join(struct ringplan *plan, uint32_t slot, uint32_t tenant, uint64_t domain);
/* For good: one that is down for a while keeps its edges (ringplan_down). No member: nothing. */
void ringplan_leave(struct ringplan *plan, uint32_t slot);
/* It is in another domain now. Only remembered: ringplan_mend does what follows. */
void ringplan_move(struct ringplan *plan, uint32_t slot, uint64_t domain);

/*
 * A member is down (dead, unreachable, shut down for a while), or up again. It keeps its edges,
 * so that it comes back to the same neighbours. Remembered only, so that of many that fail at once
 * all can be marked first.
 */
void ringplan_down(struct ringplan *plan, uint32_t slot, bool down);
/* A neighbour of it is up. */
bool ringplan_watched(const struct ringplan *plan, uint32_t slot);
/*
 * Gives a member without it a neighbour that is up, in exchange for one that is down: two edges end
 * and two begin, and nobody else loses his last one that is up. false: found none (few are up);
 * try again when more are.
 */
bool ringplan_rescue(struct ringplan *plan, uint32_t slot);

/*
 * Calm re-planning: ends at most `budget` edges, and begins as many, each pair for a plan that is
 * better by more than the exchange is worth, so that it ends and never goes to and fro. false:
 * nothing is left to do until the next join, leave or move.
 */
bool ringplan_mend(struct ringplan *plan, unsigned int budget);

/* The edges that began and ended, oldest first; which of the ends is which means nothing. */
struct ringplan_change {
	uint32_t edge, one, other;
	uint8_t layer;
	bool added; /* or removed */
};
bool ringplan_take(struct ringplan *plan, struct ringplan_change *change);

struct ringplan_neighbour {
	uint32_t edge, slot;
	uint8_t layer;
	bool inside; /* in the same known domain */
};
/* How many it has: 0 for a slot that is no member. */
size_t ringplan_neighbours(const struct ringplan *plan, uint32_t slot,
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE]);

struct ringplan_figures {
	size_t members, down, edges;
	size_t exposed; /* without an outside neighbour in the first layer, others have one */
	size_t lone;	/* without an inside one there */
	uint32_t next_edge;
	size_t bytes; /* of memory */
};
/* Looks at each domain: not for every second. */
void ringplan_figures(struct ringplan *plan, struct ringplan_figures *figures);

#endif
