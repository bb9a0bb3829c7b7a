// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/watch_edge.h"
#include "agent/watch_state.h"
#include "base/json.h"

static const char *const state_names[] = {
	[CLIENT_OK] = "ok",
	[CLIENT_REFUSED] = "refused",
	[CLIENT_TIMEOUT] = "timeout",
	[CLIENT_UNREACHABLE] = "unreachable",
	[CLIENT_FAILED] = "failed",
};

static enum client_state state_of(uint32_t outcome)
{
	switch (outcome) {
	case EDGE_OK:
		return CLIENT_OK;
	case ECONNREFUSED:
		return CLIENT_REFUSED;
	case ETIMEDOUT:
		return CLIENT_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		return CLIENT_UNREACHABLE;
	default:
		return CLIENT_FAILED;
	}
}

static void tell_state(struct watch *watch, struct client *client, struct instant now)
{
	client->told_state = client->state;
	client->changed = now;
	client->succeeded |= client->state == CLIENT_OK;
	client->failed |= client->state != CLIENT_OK;
	thing_touch(watch, &client->thing);
}

static void stop_waiting(struct watch *watch, struct client *client)
{
	if (client->waits)
		TAILQ_REMOVE(&watch->flapping, client, next);
	client->waits = false;
}

static void set_state(
	struct watch *watch, struct client *client, struct instant now, enum client_state state)
{
	bool first = state == CLIENT_OK ? !client->succeeded : !client->failed;
	struct instant calm = instant_add(client->changed, WATCH_FLAP_S * NS_PER_SEC);

	client->state = (uint8_t)state;
	if (client->state == client->told_state) {
		stop_waiting(watch, client);
	} else if (first || !watch->config.hold || !instant_before(now, calm)) {
		stop_waiting(watch, client);
		tell_state(watch, client, now);
	} else if (!client->waits) {
		client->waits = true;
		client->until = instant_add(now, WATCH_FLAP_S * NS_PER_SEC);
		TAILQ_INSERT_TAIL(&watch->flapping, client, next);
	}
}

static void name_client(
	const struct program *program, const struct place *place, struct edge_name *name)
{
	char protocol[PLACE_PROTOCOL_SIZE];
	const char *netns = place->netns->name;

	place_protocol(place->protocol, protocol);
	name->section = SECTION_CLIENT;
	name->port_follows = true;
	snprintf(
		name->before, sizeof(name->before), "%s %s ", thing_key(&program->thing), protocol);
	snprintf(
		name->after, sizeof(name->after), ":%u%s%s", place->port, *netns ? " " : "", netns);
}

void client_see(struct watch *watch, struct instant now, struct program *program,
	const struct place *place, uint32_t outcome)
{
	struct place told = *place;
	struct edge_name name;
	struct client *client;
	enum fold fold;

	name_client(program, place, &name);
	client = (struct client *)watch_edge_find(watch, &name, told.ip, &fold);
	if (client) {
		client->edge.seen_s = watch_seconds(now);
		/* Who gives up on one of two connections tells nothing about the other end. */
		if (outcome != EDGE_ABANDONED)
			set_state(watch, client, now, state_of(outcome));
		return;
	}
	client = thing_new(watch, SECTION_CLIENT, name.key, sizeof(*client));
	watch_edge_init(watch, &client->edge, &name, &told, fold);
	client->edge.seen_s = watch_seconds(now);
	client->program = program;
	client->state = (uint8_t)state_of(outcome);
	program_use(watch, program);
	tell_state(watch, client, now);
}

json_t *client_json(const struct client *client)
{
	json_t *value = json_object();

	place_to_json(&client->edge.place, false, value);
	watch_edge_to_json((enum fold)client->edge.fold, client->edge.place.ip, "addr", value);
	json_set_text(value, "process", thing_key(&client->program->thing));
	json_set_text(value, "state", state_names[client->told_state]);
	return value;
}

void client_tick(struct watch *watch, struct instant now)
{
	struct client *first;

	while ((first = TAILQ_FIRST(&watch->flapping)) && !instant_before(now, first->until)) {
		stop_waiting(watch, first);
		tell_state(watch, first, now);
	}
}

void client_drop(struct watch *watch, struct client *client)
{
	struct program *program = client->program;

	stop_waiting(watch, client);
	watch_edge_end(watch, &client->edge);
	thing_drop(watch, &client->thing);
	program_unuse(watch, program);
}
