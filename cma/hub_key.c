// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_key.h"

#include <string.h>

#include "cma/hub_state.h"
#include "wire/message.h"

/* An agent that has not taken it by then has no root key to look at it with. */
enum { TELLS = 16 };

static void forget_product(void *owner, struct table_link *link)
{
	struct peer *peer = table_object(link, struct peer, by_id);

	(void)owner;
	seal_wipe(peer->shared, sizeof(peer->shared));
}

void hub_key_rotate(
	struct hub *hub, const struct key_pair *key, const uint8_t certificate[CERTIFICATE_SIZE])
{
	hub->old = hub->self;
	hub->has_old = true;
	session_self_init(&hub->self, key);
	/* Agents keep what they were told about resets: that does not change with the key. */
	memcpy(hub->self.reset_key, hub->old.reset_key, sizeof(hub->self.reset_key));
	memcpy(hub->certificate, certificate, sizeof(hub->certificate));
	hub->generation++;
	table_each(&hub->peers_by_id, forget_product, NULL);
}

void hub_key_retire(struct hub *hub)
{
	seal_wipe(&hub->old, sizeof(hub->old));
	hub->has_old = false;
}

const struct session_self *hub_key_called(const struct hub *hub, const struct packet *init)
{
	if (session_is_for(&hub->self, init))
		return &hub->self;
	return hub->has_old && session_is_for(&hub->old, init) ? &hub->old : NULL;
}

void hub_key_begin(const struct hub *hub, struct channel *channel, const struct session_self *self)
{
	channel->generation = (uint8_t)(hub->generation - (self == &hub->old));
	channel->key_sends = 0;
}

void hub_key_tell(const struct hub *hub, struct channel *channel, struct writer *plain)
{
	struct record record = { .kind = RECORD_NEW_KEY };

	if (channel->generation == hub->generation || channel->key_sends >= TELLS)
		return;
	channel->key_sends++;
	memcpy(record.new_key.certificate, hub->certificate, sizeof(hub->certificate));
	record_encode(plain, &record);
}
