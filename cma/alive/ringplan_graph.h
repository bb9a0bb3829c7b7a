/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_RINGPLAN_GRAPH_H
#define CMA_ALIVE_RINGPLAN_GRAPH_H
/* Members and the edges between them, without a thought for which. */
#include "cma/alive/ringplan_state.h"

uint32_t ringplan_chance(struct ringplan *plan, uint32_t below);
void ringplan_enter(struct ringplan *plan, uint32_t slot, uint32_t tenant, uint64_t domain);
/* It must have no edge any more. */
void ringplan_exit(struct ringplan *plan, uint32_t slot);
void ringplan_rehome(struct ringplan *plan, uint32_t slot, uint64_t domain);
bool ringplan_joined(const struct ringplan *plan, uint32_t one, uint32_t other);
unsigned int ringplan_open_ends(const struct ringplan *plan, uint32_t slot, unsigned int layer);
/* A known edge, and a new one; both must have an open end. */
void ringplan_attach(struct ringplan *plan, const struct ringplan_change *edge);
void ringplan_link(struct ringplan *plan, unsigned int layer, uint32_t one, uint32_t other);
void ringplan_unlink(struct ringplan *plan, unsigned int layer, uint32_t one, uint32_t other);
void ringplan_tell(struct ringplan *plan, const struct ringplan_change *change);

#endif
