/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_CAUSE_TEXT_H
#define CMA_CAUSE_TEXT_H
/* What people are told of a cause: one line, by names, and no more than is known. */
#include "cma/alive/event.h"
#include "cma/graph/incident.h"

enum { CAUSE_TEXT = 640 };

/*
 * key holds the cause as the graph knows it. hosts of so many hosts are concerned; of 0: that is
 * not known. -ENOENT: its node, or the other one, is not there.
 */
int cause_text(struct graph *g, enum alive_cause cause, const struct graph_cause *key,
	uint32_t hosts, uint32_t of, char text[CAUSE_TEXT]);

#endif
