// SPDX-License-Identifier: Apache-2.0
#include "agent/heartbeat.h"

#include <inttypes.h>
#include <string.h>

enum { SIGHT_SIZE = 32 }; /* at least what one takes */

static void tell_held(const struct heartbeat *heartbeat)
{
	const struct ring *ring = heartbeat->neighbour.ring;
	const struct record_held held = { .version = ring ? ring_version(ring) : 0,
		.port = ring ? heartbeat->neighbour.port : 0,
		.flags = ring && heartbeat->reflects ? HELD_REFLECTS : 0 };

	uplink_held(heartbeat->uplink, &held);
}

bool heartbeat_start(
	struct heartbeat *heartbeat, uint16_t port, struct uplink *uplink, const struct log *log)
{
	struct neighbour *neighbour = &heartbeat->neighbour;
	int err = port ? neighbour_open(neighbour, port) : 0;

	heartbeat->uplink = uplink;
	heartbeat->log = log;
	if (err)
		log_error(log, "no heartbeats, UDP socket: %s", strerror(-err));
	else if (port && neighbour->port != port)
		log_warn(log, "UDP port %u is taken: heartbeats are at port %u", port,
			neighbour->port);
	tell_held(heartbeat);
	return neighbour->ring;
}

void heartbeat_end(struct heartbeat *heartbeat)
{
	neighbour_close(&heartbeat->neighbour);
}

void heartbeat_reflects(struct heartbeat *heartbeat, bool reflects)
{
	bool before = heartbeat->reflects;

	heartbeat->reflects = reflects;
	if (heartbeat->uplink && reflects != before)
		tell_held(heartbeat);
}

bool heartbeat_list(struct heartbeat *heartbeat, struct instant now, const struct record_ring *list)
{
	if (!heartbeat->neighbour.ring)
		return false;
	if (ring_set(heartbeat->neighbour.ring, now, list)) {
		log_warn(heartbeat->log, "the CMA's list of neighbours is malformed");
		return false;
	}
	log_debug(heartbeat->log, "list of neighbours %016" PRIx64, list->version);
	tell_held(heartbeat);
	return true;
}

static void tell_sight(const struct heartbeat *heartbeat, const struct message_sight *sight)
{
	static const char *const names[SIGHT_COUNT] = { "heard", "silent", "refused", "one-way" };
	const struct message message = { .kind = MESSAGE_SIGHT, .sight = *sight };
	uint8_t bytes[SIGHT_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));

	message_encode(&w, &message);
	uplink_urgent(heartbeat->uplink, writer_span(&w));
	log_info(heartbeat->log,
		"neighbour on edge %" PRIu32 ": %s, %" PRIu32 " ms since it was heard", sight->edge,
		names[sight->sight], sight->quiet_ms);
}

void heartbeat_run(struct heartbeat *heartbeat, struct instant now)
{
	struct ring *ring = heartbeat->neighbour.ring;
	struct message_sight sight;

	if (!ring || (!heartbeat->waits && instant_before(now, ring_deadline(ring))))
		return;
	heartbeat->waits = false;
	neighbour_run(&heartbeat->neighbour, now);
	while (ring_sight(ring, now, &sight))
		tell_sight(heartbeat, &sight);
}

struct instant heartbeat_deadline(const struct heartbeat *heartbeat)
{
	const struct ring *ring = heartbeat->neighbour.ring;

	return ring ? ring_deadline(ring) : INSTANT_NEVER;
}
