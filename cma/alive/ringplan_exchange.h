/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_RINGPLAN_EXCHANGE_H
#define CMA_ALIVE_RINGPLAN_EXCHANGE_H
/* Which edges are the better ones. */
#include "cma/alive/ringplan_state.h"

/*
 * Closes two open ends, of a and b (which may be one member): by an edge between them or, where
 * there may be none, by putting them into another one. false: there is none that is possible.
 */
bool ringplan_close(struct ringplan *plan, unsigned int layer, uint32_t a, uint32_t b);
/* No outside neighbour, where it could have one (by number). */
bool ringplan_wants_outside(const struct ringplan_domain *domain, unsigned int layer);
/*
 * One exchange of two edges for a better neighbour of slot; false: found none. Walking looks at the
 * members of the tenant in turn, which finds whatever there is in the end; else at some.
 */
bool ringplan_find_outside(struct ringplan *plan, unsigned int layer, uint32_t slot, bool walk);
bool ringplan_find_inside(struct ringplan *plan, unsigned int layer, uint32_t slot);
bool ringplan_find_up(struct ringplan *plan, unsigned int layer, uint32_t slot);

#endif
