// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_wake.h"

#include "cma/hub_state.h"

struct sleeper {
	struct table_link by_id;
	struct addr address;
	uint32_t session;
};

static struct sleeper *find(const struct hub *hub, uint64_t id)
{
	struct table_link *link = table_find(&hub->sleepers, id);

	return link ? table_object(link, struct sleeper, by_id) : NULL;
}

void hub_wake_know(struct hub *hub, uint64_t id, const struct addr *address, uint32_t session)
{
	struct sleeper *sleeper = find(hub, id);

	if (!sleeper) {
		hub->sleeper_pool.size = sizeof(*sleeper);
		sleeper = pool_take(&hub->sleeper_pool);
		table_insert(&hub->sleepers, &sleeper->by_id, id);
	}
	sleeper->address = *address;
	sleeper->session = session;
}

void hub_wake_forget(struct hub *hub, const struct peer *peer)
{
	struct sleeper *sleeper = find(hub, peer->known.id);

	if (!sleeper)
		return;
	table_remove(&hub->sleepers, &sleeper->by_id);
	pool_give(&hub->sleeper_pool, sleeper);
}

static size_t reset(struct hub *hub, uint32_t session, uint8_t *datagram)
{
	const struct packet p = { .type = PACKET_DATA, .receiver = session };

	session_reset(&hub->self, &p, datagram);
	hub->counters.resets++;
	return PACKET_UNKNOWN_SIZE;
}

size_t hub_wake_call(
	struct hub *hub, const struct peer *peer, struct addr *to, uint8_t datagram[PACKET_MAX])
{
	const struct sleeper *sleeper;

	if (peer->channel) {
		*to = peer->channel->address;
		return reset(hub, peer->channel->session.local, datagram);
	}
	sleeper = find(hub, peer->known.id);
	if (!sleeper)
		return 0;
	*to = sleeper->address;
	return reset(hub, sleeper->session, datagram);
}
