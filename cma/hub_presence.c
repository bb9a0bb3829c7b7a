// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_presence.h"

#include "cma/hub_data.h"

void hub_presence_fill(struct hub_event *event, const struct peer *peer)
{
	const struct channel *channel = peer->channel;

	if (!channel)
		return;
	event->address = channel->address;
	event->session = (uint64_t)channel->session.local << 32 | channel->session.remote;
}

static void queue(struct hub *hub, enum hub_event_kind kind, const struct peer *peer)
{
	struct hub_event event = { .kind = kind, .id = peer->known.id };

	event.incarnation = peer->known.incarnation;
	hub_presence_fill(&event, peer);
	hub_queue_event(hub, &event);
}

static void queue_present(struct hub *hub, const struct peer *peer)
{
	queue(hub, peer->channel->left ? HUB_LEFT : HUB_HERE, peer);
}

void hub_presence_changed(struct hub *hub, struct peer *peer)
{
	hub_data_activate(hub, peer)->presence++;
	queue_present(hub, peer);
}

void hub_presence_duplicate(struct hub *hub, const struct peer *peer, const struct addr *other)
{
	struct hub_event event = { .kind = HUB_DUPLICATE_KEY, .id = peer->known.id };

	hub_presence_fill(&event, peer);
	event.other = *other;
	hub_queue_event(hub, &event);
	hub->counters.duplicate_keys++;
}

void hub_presence_lost(struct hub *hub, struct peer *peer)
{
	hub_data_activate(hub, peer)->rolled_back = true;
	queue(hub, HUB_ROLLED_BACK, peer);
	hub->counters.rollbacks++;
}

void hub_presence_committed(struct hub *hub, struct peer *peer, unsigned count)
{
	struct active *active = peer->active;

	if (!active || !count)
		return;
	active->presence -= count < active->presence ? count : active->presence;
	if (active->presence)
		return;
	active->rolled_back = false;
	hub_data_rest(hub, active);
}

void hub_presence_rolled_back(struct hub *hub, struct active *active)
{
	const struct peer *peer = active->peer;

	if (active->presence && peer->channel) {
		active->presence = 1;
		queue_present(hub, peer);
		if (active->rolled_back)
			queue(hub, HUB_ROLLED_BACK, peer);
	} else {
		active->presence = 0;
	}
}
