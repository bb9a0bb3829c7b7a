/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_NAME_H
#define CMA_GRAPH_NAME_H
/* What people call a node, inside a sentence, and whose it is. */
#include "cma/graph/graph.h"

enum { GRAPH_NAME = 192 };

/*
 * "web1" (the first characters of its key for a host that has told no name yet), "switch sw-a12",
 * "port gi1/0/7 of switch sw-a12", or else its label. Names come from outside: a long one is cut,
 * and what is no text in it is '?'. -ENOENT: there is no such node.
 */
int graph_name(struct graph *g, int64_t node, char name[GRAPH_NAME]);
/* The node of the tenant that a node hangs below, or is. -ENOENT. */
int graph_tenant_of(struct graph *g, int64_t node, int64_t *tenant);
/* All tenants; stops at the first non-zero and returns it. */
typedef int graph_tenant_fn(void *context, int64_t tenant);
int graph_tenants(struct graph *g, graph_tenant_fn *fn, void *context);

#endif
