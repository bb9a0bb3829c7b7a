// SPDX-License-Identifier: Apache-2.0
#include "cma/vigil.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/alive_load.h"
#include "cma/hub_ring.h"
#include "cma/newcomer.h"
#include "cma/server.h"
#include "wire/message.h"

enum {
	VIGIL_SENDS = 1 << 14, /* datagrams in one turn */
	VIGIL_DECISIONS = 512, /* of one step, in one transaction */
	/* Of datagrams: more than wait in a socket, but whoever floods it does not keep us there.
	 */
	VIGIL_BATCHES = 2048,
	VIGIL_INTERVAL_MAX_MS = 60000,
	VIGIL_NO_LIST = 1, /* version of the empty list, when heartbeats are off */
};

struct vigil {
	struct server *server;
	struct alive *alive; /* NULL: heartbeats are off */
	struct probe *probe;
	struct newcomers newcomers;
};

/* ---- the start ----------------------------------------------------------------------------- */

static const uint8_t *public_key(void *owner, uint64_t id)
{
	const struct vigil *vigil = owner;

	return hub_agent_key(vigil->server->hub, id);
}

static int make_alive(struct vigil *vigil, unsigned int degree, uint16_t interval_ms)
{
	struct server *server = vigil->server;
	struct alive_config config = {
		.degree = degree,
		.interval_ms = interval_ms,
		.public_key = public_key,
		.random = seal_draw,
		.owner = vigil,
	};
	int err = alive_load_config(server->graph, &config);

	if (err) {
		log_error(server->log, "cannot load who watches whom: %s: %s", strerror(-err),
			graph_error(server->graph));
		return err;
	}
	seal_random(&config.seed, sizeof(config.seed));
	vigil->alive = alive_new(&config);
	seal_wipe(&config, sizeof(config));
	return 0;
}

int vigil_new(struct server *server, struct vigil **vigil)
{
	const char *degree = config_text(server->config, "ring-degree");
	int64_t interval_ms = config_duration_ms(server->config, "heartbeat-interval");
	struct vigil *made = mem_alloc(1, sizeof(*made));

	made->server = server;
	*vigil = made;
	if (interval_ms < 1 || interval_ms > VIGIL_INTERVAL_MAX_MS) {
		log_error(server->log, "--heartbeat-interval '%s': must be from 1s to 60s",
			config_text(server->config, "heartbeat-interval"));
		return -EINVAL;
	}
	if (!strcmp(degree, "off"))
		return 0;
	return make_alive(made, degree[0] == '4' ? 4 : 2, (uint16_t)interval_ms);
}

void vigil_free(struct vigil *vigil)
{
	if (!vigil)
		return;
	alive_free(vigil->alive);
	probe_close(vigil->probe);
	newcomer_deinit(&vigil->newcomers);
	free(vigil);
}

int vigil_load(struct vigil *vigil)
{
	struct server *server = vigil->server;
	int err;

	if (vigil->alive)
		return alive_load(server->graph, vigil->alive);
	err = alive_load_off(server->graph, feed_begin(server->feed, wall_now_ms()));
	feed_end(server->feed);
	return err;
}

int vigil_open(struct vigil *vigil)
{
	int err = vigil->alive ? probe_open(&vigil->server->address, &vigil->probe) : 0;

	if (err)
		log_error(vigil->server->log, "cannot open the socket that asks hosts: %s",
			strerror(-err));
	return err;
}

void vigil_start(struct vigil *vigil, struct instant now)
{
	if (vigil->alive)
		alive_start(vigil->alive, now);
}

/* ---- agents -------------------------------------------------------------------------------- */

void vigil_admitted(struct vigil *vigil, struct instant now, const uint8_t key[SEAL_KEY])
{
	struct hub_known known;

	if (!vigil->alive || hub_agent_find(vigil->server->hub, key, &known))
		return;
	alive_add(vigil->alive,
		&(struct alive_agent){
			.id = known.id, .tenant = known.tenant, .status = ALIVE_LEFT });
	alive_revoked(vigil->alive, now, known.id, false);
}

void vigil_revoked(struct vigil *vigil, struct instant now, const uint8_t key[SEAL_KEY])
{
	struct hub_known known;

	if (vigil->alive && !hub_agent_find(vigil->server->hub, key, &known))
		alive_revoked(vigil->alive, now, known.id, true);
}

/* ---- in ------------------------------------------------------------------------------------ */

static void take_message(struct vigil *vigil, struct instant now, const struct hub_event *event)
{
	uint8_t kind = event->size ? event->bytes[0] : 0;
	struct message message;

	if ((kind != MESSAGE_SIGHT && kind != MESSAGE_DIGEST) ||
		message_decode(SPAN(event->bytes, event->size), &message))
		return;
	if (kind == MESSAGE_SIGHT) {
		alive_sight(vigil->alive, now, event->id, &message.sight);
	} else if (message.digest.boot) {
		newcomer_boot(&vigil->newcomers, event->id, message.digest.boot);
		alive_boot(vigil->alive, now, event->id, message.digest.boot);
	}
}

void vigil_event(struct vigil *vigil, struct instant now, const struct hub_event *event)
{
	if (!vigil->alive)
		return;
	switch (event->kind) {
	case HUB_ENROL:
		newcomer_add(&vigil->newcomers, &event->agent);
		break;
	case HUB_HERE:
		alive_here(vigil->alive, now, event->id, event->incarnation);
		break;
	case HUB_LEFT:
		newcomer_left(&vigil->newcomers, event->id);
		alive_left(vigil->alive, now, event->id);
		break;
	case HUB_MESSAGE:
		take_message(vigil, now, event);
		break;
	case HUB_DUPLICATE_KEY:
	case HUB_ROLLED_BACK:
	case HUB_UNREACHED:
	case HUB_UNANSWERED:
		break;
	}
}

/* It is durable, and so may be what is decided about it. */
static void join(struct vigil *vigil, struct instant now, uint64_t id)
{
	struct newcomer newcomer;

	if (!newcomer_take(&vigil->newcomers, id, &newcomer))
		return;
	alive_add(vigil->alive, &newcomer.agent);
	alive_here(vigil->alive, now, id, newcomer.agent.incarnation);
	if (newcomer.has_held) {
		alive_held(vigil->alive, now, id, &newcomer.held, &newcomer.from);
		store_keep_beat(vigil->server->store, id, newcomer.held.port);
	}
	if (newcomer.left)
		alive_left(vigil->alive, now, id);
}

void vigil_result(struct vigil *vigil, struct instant now, const struct store_result *result)
{
	if (!vigil->alive)
		return;
	if (result->kind == STORE_COMMITTED && result->joined)
		join(vigil, now, result->commit.id);
	else if (result->kind == STORE_PLACED)
		alive_place(vigil->alive, now, result->commit.id, &result->place);
}

/* Heartbeats are off: it shall have no neighbours. */
static void tell_nothing(struct vigil *vigil, struct instant now, const struct hub_held *held)
{
	const struct record_ring nothing = { .version = VIGIL_NO_LIST };

	if (held->held.version > VIGIL_NO_LIST)
		hub_ring_tell(vigil->server->hub, now, held->id, &nothing);
}

static void take_held(struct vigil *vigil, struct instant now)
{
	struct hub_held held;

	while (hub_ring_take(vigil->server->hub, now, &held)) {
		if (!vigil->alive) {
			tell_nothing(vigil, now, &held);
			continue;
		}
		alive_held(vigil->alive, now, held.id, &held.held, &held.from);
		/* The store has to know an agent before it can keep anything of it. */
		if (!newcomer_held(&vigil->newcomers, held.id, &held.held, &held.from) &&
			!held.answers)
			store_keep_beat(vigil->server->store, held.id, held.held.port);
	}
}

static void take_answer(void *owner, const struct addr *from, struct span datagram)
{
	struct vigil *vigil = owner;

	alive_input(vigil->alive, instant_now(), from, datagram);
}

static void take_refusal(void *owner, const struct addr *refused)
{
	struct vigil *vigil = owner;

	alive_refused(vigil->alive, instant_now(), refused);
}

/* All that was there before: what has arrived must not count as silence. */
static void drain(struct vigil *vigil)
{
	int left = VIGIL_BATCHES;

	while (left-- > 0 && inbound_receive(probe_inbound(vigil->probe), take_answer, vigil))
		continue;
	left = VIGIL_BATCHES;
	while (left-- > 0 && probe_refusals(vigil->probe, take_refusal, vigil))
		continue;
}

/* ---- out ----------------------------------------------------------------------------------- */

static void ask(struct vigil *vigil, struct instant now)
{
	struct inbound *socket = probe_inbound(vigil->probe);
	struct addr to;
	size_t size;

	for (int i = 0; i < VIGIL_SENDS; i++) {
		size = alive_output(vigil->alive, now, &to, inbound_room(socket));
		if (!size)
			break;
		inbound_send(socket, &to, size);
	}
	inbound_flush(socket);
}

static void keep_decisions(struct vigil *vigil)
{
	struct alive_event events[VIGIL_DECISIONS];
	size_t count;

	do {
		for (count = 0; count < VIGIL_DECISIONS; count++)
			if (!alive_take(vigil->alive, &events[count]))
				break;
		if (count)
			store_keep(vigil->server->store, events, count);
	} while (count == VIGIL_DECISIONS);
}

static void tell_lists(struct vigil *vigil, struct instant now)
{
	struct ring_list list;
	uint64_t id;

	while (alive_take_list(vigil->alive, &id, &list)) {
		const struct record record = ring_list_record(&list);

		hub_ring_tell(vigil->server->hub, now, id, &record.ring);
	}
	seal_wipe(&list, sizeof(list));
}

void vigil_turn(struct vigil *vigil)
{
	struct instant now;

	if (vigil->alive)
		drain(vigil);
	now = instant_now();
	take_held(vigil, now);
	if (!vigil->alive)
		return;
	ask(vigil, now);
	keep_decisions(vigil);
	tell_lists(vigil, now);
}

struct instant vigil_deadline(const struct vigil *vigil)
{
	return vigil->alive ? alive_deadline(vigil->alive) : INSTANT_NEVER;
}

int vigil_fd(const struct vigil *vigil)
{
	return vigil->alive ? inbound_fd(probe_inbound(vigil->probe)) : -1;
}

void vigil_look(const struct vigil *vigil, struct vigil_view *view)
{
	*view = (struct vigil_view){ .lists = hub_ring_count(vigil->server->hub) };
	if (!vigil->alive)
		return;
	view->on = true;
	view->alive = *alive_counters(vigil->alive);
	view->asked = *inbound_counters(probe_inbound(vigil->probe));
	view->refused = *probe_counters(vigil->probe);
}
