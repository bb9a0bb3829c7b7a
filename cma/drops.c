// SPDX-License-Identifier: Apache-2.0
#include "cma/drops.h"

#include <assert.h>

#include "cma/hub_counters.h"
#include "cma/inbound.h"

/* The hub's counters begin with those of what went well. */
enum {
#define COUNTER(name, text) COUNTER_##name,
	HUB_COUNTERS(COUNTER)
#undef COUNTER
		COUNTER_COUNT,
	COUNTER_FIRST_BAD = COUNTER_bad_packet
};

size_t drops_list(const struct hub_counters *hub, const struct inbound_counters *inbound,
	struct drop drops[DROPS_MAX])
{
	const struct drop all[] = {
#define COUNTER(name, text) { #name, text, hub->name },
		HUB_COUNTERS(COUNTER)
#undef COUNTER
	};
	size_t count = 0;

	static_assert(COUNTER_COUNT - COUNTER_FIRST_BAD + 4 <= DROPS_MAX, "DROPS_MAX");
	drops[count++] = (struct drop){ "buffer_full", "datagrams lost, the buffer being full",
		inbound->overflowed };
	drops[count++] = (struct drop){ "filtered", "datagrams that can be none of ours",
		inbound->filtered };
	drops[count++] = (struct drop){ "too_long", "datagrams longer than any of ours",
		inbound->truncated };
	drops[count++] =
		(struct drop){ "not_sent", "datagrams that could not be sent", inbound->unsent };
	for (size_t i = COUNTER_FIRST_BAD; i < COUNTER_COUNT; i++)
		drops[count++] = all[i];
	return count;
}
