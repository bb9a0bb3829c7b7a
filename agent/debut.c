// SPDX-License-Identifier: Apache-2.0
#include "agent/debut.h"

#include <stdio.h>
#include <string.h>

struct search {
	char end[ADDR_TEXT_SIZE + 8]; /* of the key of our talking to the CMA (watch_client.c) */
	bool found;
};

static void compare(void *owner, const struct fact *fact)
{
	struct search *search = owner;
	size_t size = strlen(search->end);

	search->found |= fact->key.size > size &&
		!memcmp(fact->key.data + fact->key.size - size, search->end, size);
}

static bool is_known(const struct tracker *tracker, const struct addr *cma)
{
	char text[ADDR_TEXT_SIZE];
	struct search search = { .found = false };

	addr_text(cma, text);
	snprintf(search.end, sizeof(search.end), " udp %s", text);
	tracker_each(tracker, SECTION_CLIENT, compare, &search);
	return search.found;
}

bool debut_waits(struct debut *debut, struct instant now, const struct tracker *tracker,
	const struct uplink_status *status, const struct addr *cma)
{
	if (debut->over || !status->sessions)
		return false;
	if (!debut->until.ns)
		debut->until = instant_add(now, DEBUT_MS * NS_PER_MS);
	debut->over = !instant_before(now, debut->until) || is_known(tracker, cma);
	return !debut->over;
}

struct instant debut_deadline(const struct debut *debut)
{
	return debut->over || !debut->until.ns ? INSTANT_NEVER : debut->until;
}
