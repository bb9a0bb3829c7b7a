/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_DERIVE_H
#define CMA_GRAPH_DERIVE_H
/*
 * What one fact says about the graph: a pure function, one rule per section. The store compares
 * what the old and the new value of a fact say, and opens and closes edges by the difference.
 *
 * A service and its client never name each other. Both name the same endpoint node, so they meet
 * there, whichever is told first. An address that means something else on every host (loopback,
 * link-local, multicast) makes an endpoint that belongs to its host; any other one belongs to the
 * address, which is one node for the whole tenant.
 */
#include <stddef.h>

#include "base/json.h"
#include "wire/section.h"

/* Owners of a node beside another node of the same result. */
enum { DERIVE_TENANT = -2, DERIVE_HOST = -1 };
/*
 * Of the processes that hold one listener on a wildcard address, as many serve: each does so on
 * every address. The limit must not depend on the addresses, which come one by one.
 */
enum { DERIVE_HOLDERS_MAX = 32 };

struct derive_node {
	const char *kind;
	int owner; /* index in nodes, always of an earlier one, or as above */
	char *key;
	char *label; /* NULL: nothing better than the key is known */
};

struct derive_edge {
	int src; /* index in nodes, or DERIVE_HOST */
	const char *kind;
	int dst;
};

/* An address that the host answers on in a network namespace ("": its own). */
struct derive_local {
	char *netns;
	char *ip;
};

struct derive_locals {
	struct derive_local *items;
	size_t count;
};

struct derived {
	struct derive_node *nodes;
	size_t node_count;
	uint32_t *node_slots; /* nodes by hash: index + 1, 0 is free; a power of two, half full */
	size_t node_slot_count;
	struct derive_edge *edges;
	size_t edge_count;
	struct derive_locals locals;
	char *host_label; /* NULL: it says nothing about the host's name */
};

/*
 * key and value of the fact; value NULL (there is no fact) says nothing, and so does what a rule
 * does not know: a member that is absent or has a wrong type never fails. locals is
 * what all facts of the host together say; only a listener on a wildcard address depends on it.
 * End the result with derived_free.
 */
struct derived derive(enum section section, const char *key, const json_t *value,
	const struct derive_locals *locals);
void derived_free(struct derived *d);
/* Whether both say the same nodes and edges; addresses and the host's label do not count. */
bool derived_equal(const struct derived *a, const struct derived *b);
/* Whether what this fact says depends on locals. */
bool derive_is_wildcard(enum section section, const json_t *value);

void derive_locals_add(struct derive_locals *locals, const char *netns, const char *ip);
void derive_locals_free(struct derive_locals *locals);

/* A MAC address in any of its common forms as aa:bb:cc:dd:ee:ff; any other text as it is. */
char *derive_mac(const char *text);

#endif
