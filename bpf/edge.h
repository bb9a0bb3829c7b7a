/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_EDGE_H
#define BPF_EDGE_H
/* The edge table: what user space was told, so that it is told once. */
#include "bpf/ring.h"

static __always_inline void edge_tell(const struct edge_key *key, __u32 outcome)
{
	struct event_edge *event = ring_reserve(struct event_edge);

	if (!event) {
		ring_full();
		return;
	}
	event->kind = EVENT_EDGE;
	event->outcome = outcome;
	event->key = *key;
	ring_submit(event);
}

/* Puts a new edge into the table; false when another CPU was faster. */
static __always_inline bool edge_add(const struct edge_key *key, __u32 outcome)
{
	struct edge_value value = { .count = 1, .outcome = outcome };
	/* int: before 6.4 the upper half of what the map returns is not set. */
	int error = bpf_map_update_elem(&edges, key, &value, BPF_NOEXIST);

	if (error == -E2BIG)
		count(&door.edges_full);
	return !error || error == -E2BIG;
}

/* A use that is its own outcome: an accepted connection, a datagram. */
static __always_inline void edge_use(const struct edge_key *key)
{
	struct edge_value *value = bpf_map_lookup_elem(&edges, key);

	if (value)
		value->count++;
	else if (edge_add(key, EDGE_OK))
		edge_tell(key, EDGE_OK);
}

/* The outcome of an attempt: told when it is not the last one. */
static __always_inline void edge_outcome(const struct edge_key *key, __u32 outcome)
{
	struct edge_value *value = bpf_map_lookup_elem(&edges, key);

	if (value) {
		if (value->outcome == outcome)
			return;
		value->outcome = outcome;
	}
	edge_tell(key, outcome);
}

#endif
