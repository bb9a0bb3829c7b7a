/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_RINGPLAN_WEAVE_H
#define CMA_ALIVE_RINGPLAN_WEAVE_H
/* What is made as a whole: small tenants, and what was loaded. */
#include "cma/alive/ringplan_state.h"

/* All edges of a layer that are missing. false: an open end is left. */
bool ringplan_complete(struct ringplan *plan, struct ringplan_tenant *tenant, unsigned int layer);
/* Ends all edges of a layer. */
void ringplan_unravel(struct ringplan *plan, struct ringplan_tenant *tenant, unsigned int layer);
/* Both layers of a small tenant in which edges are in each other's way: the second is made anew. */
void ringplan_rebuild(struct ringplan *plan, struct ringplan_tenant *tenant);

#endif
