/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_DROPS_H
#define CMA_DROPS_H
/* What was dropped, refused or mended on the way in, by reason: nothing is lost silently. */
#include <stddef.h>
#include <stdint.h>

struct hub_counters;
struct inbound_counters;
struct vigil_view;

enum { DROPS_MAX = 36 };

struct drop {
	const char *name; /* for programs */
	const char *text; /* for people */
	uint64_t count;	  /* so far */
};

/* Fills drops, always with the same reasons in the same order; how many there are. */
size_t drops_list(const struct hub_counters *hub, const struct inbound_counters *inbound,
	const struct vigil_view *vigil, struct drop drops[DROPS_MAX]);

#endif
