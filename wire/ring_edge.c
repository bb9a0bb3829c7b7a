// SPDX-License-Identifier: Apache-2.0
#include "wire/ring_edge.h"

void ring_edge_put(struct writer *w, const struct ring_edge *edge)
{
	put_u32(w, edge->edge);
	put_u8(w, edge->flags);
	put_bytes(w, edge->at.ip, sizeof(edge->at.ip));
	put_u16(w, edge->at.port);
	put_bytes(w, edge->key, BEAT_KEY);
}

bool ring_edge_get(struct reader *r, struct ring_edge *edge)
{
	if (r->failed || !r->left.size)
		return false;
	*edge = (struct ring_edge){ .edge = get_u32(r), .flags = get_u8(r) };
	get_bytes(r, edge->at.ip, sizeof(edge->at.ip));
	edge->at.port = get_u16(r);
	get_bytes(r, edge->key, BEAT_KEY);
	return !r->failed;
}
