// SPDX-License-Identifier: Apache-2.0
#include "cma/drops.h"

#include <assert.h>

#include "cma/hub_counters.h"
#include "cma/inbound.h"
#include "cma/vigil.h"

/* The hub's counters begin with those of what went well. */
enum {
#define COUNTER(name, text) COUNTER_##name,
	HUB_COUNTERS(COUNTER)
#undef COUNTER
		COUNTER_COUNT,
	COUNTER_FIRST_BAD = COUNTER_bad_packet
};

size_t drops_list(const struct hub_counters *hub, const struct inbound_counters *inbound,
	const struct vigil_view *vigil, struct drop drops[DROPS_MAX])
{
	const struct drop all[] = {
#define COUNTER(name, text) { #name, text, hub->name },
		HUB_COUNTERS(COUNTER)
#undef COUNTER
	};
	size_t count = 0;

	static_assert(COUNTER_COUNT - COUNTER_FIRST_BAD + 7 <= DROPS_MAX, "DROPS_MAX");
	drops[count++] = (struct drop){ "buffer_full", "datagrams lost, the buffer being full",
		inbound->overflowed };
	drops[count++] = (struct drop){ "filtered", "datagrams that can be none of ours",
		inbound->filtered };
	drops[count++] = (struct drop){ "too_long", "datagrams longer than any of ours",
		inbound->truncated };
	drops[count++] =
		(struct drop){ "not_sent", "datagrams that could not be sent", inbound->unsent };
	drops[count++] = (struct drop){ "questions_not_sent",
		"questions to hosts that could not be sent", vigil->asked.unsent };
	drops[count++] = (struct drop){ "bad_answer",
		"answers of hosts that are not genuine or not to a question", vigil->alive.forged };
	drops[count++] = (struct drop){ "strange_sight",
		"agents told of heartbeats with whom they have none", vigil->alive.strange };
	for (size_t i = COUNTER_FIRST_BAD; i < COUNTER_COUNT; i++)
		drops[count++] = all[i];
	return count;
}
