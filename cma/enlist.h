/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ENLIST_H
#define CMA_ENLIST_H
/* Rows of the store as the hub keeps them in memory. Wipe both kinds of results: they hold keys. */
#include "cma/graph/roster.h"
#include "cma/hub.h"

void enlist_token(const struct graph_token *token, struct hub_token *known);
void enlist_agent(const struct graph_agent *agent, struct hub_agent *known);
/* The number by which hub and arbiter know the tenant of that name. */
uint32_t enlist_tenant(const char *name);

#endif
