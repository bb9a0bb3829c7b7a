// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/watch_edge.h"
#include "agent/watch_state.h"
#include "base/json.h"
#include "base/text.h"

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
	text_copy_to(name->wide, sizeof(name->wide), name->before);
	snprintf(
		name->after, sizeof(name->after), ":%u%s%s", place->port, *netns ? " " : "", netns);
}

/* The fact for place, which is changed to what a new one shall say; NULL when there is none. */
static struct client *find_client(struct watch *watch, const struct program *program,
	struct place *place, struct edge_name *name, enum fold *fold)
{
	struct thing *found;

	*fold = FOLD_NONE;
	name_client(program, place, name);
	found = watch_edge_find(watch, name, place->ip, fold);
	if (found || *fold != FOLD_NONE || program->clients < watch->config.ports_max)
		return (struct client *)found;
	watch->losses.ports++;
	*fold = FOLD_NETWORK;
	place->port = 0;
	name_client(program, place, name);
	return (struct client *)watch_edge_find(watch, name, place->ip, fold);
}

static struct client *client_new(struct watch *watch, struct instant now, struct program *program,
	const struct place *place, const struct edge_name *name, enum fold fold)
{
	struct client *client = thing_new(watch, SECTION_CLIENT, name->key, sizeof(*client));

	watch_edge_init(watch, &client->edge, name, place, fold);
	client->edge.seen_s = watch_seconds(now);
	client->program = program;
	program->clients += fold == FOLD_NONE;
	program_use(watch, program);
	return client;
}

void client_see(struct watch *watch, struct instant now, struct program *program,
	const struct place *place, uint32_t outcome)
{
	struct place told = *place;
	struct edge_name name;
	struct client *client;
	enum fold fold;

	client = find_client(watch, program, &told, &name, &fold);
	if (client) {
		client->edge.seen_s = watch_seconds(now);
		/* Who gives up on one of two connections tells nothing about the other end. */
		if (outcome != EDGE_ABANDONED)
			set_state(watch, client, now, state_of(outcome));
		return;
	}
	client = client_new(watch, now, program, &told, &name, fold);
	client->state = (uint8_t)state_of(outcome);
	tell_state(watch, client, now);
}

static void move(struct watch *watch, struct client *client, struct program *program)
{
	struct instant seen = { client->edge.seen_s * NS_PER_SEC };
	struct place place = client->edge.place;
	struct edge_name name;
	struct client *moved;
	enum fold fold;

	if (client->edge.fold == FOLD_NONE && !find_client(watch, program, &place, &name, &fold)) {
		moved = client_new(watch, seen, program, &place, &name, fold);
		moved->state = client->state;
		tell_state(watch, moved, client->changed);
	}
	client_drop(watch, client);
}

void client_replace(struct watch *watch, struct program *before, struct program *after)
{
	struct thing *thing, *next;

	program_hold(before);
	HASH_ITER (hh, watch->things, thing, next) {
		struct client *client = (struct client *)thing;

		if (thing_section(thing) == SECTION_CLIENT && !thing->gone &&
			client->program == before)
			move(watch, client, after);
	}
	program_put(watch, before);
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
	program->clients -= client->edge.fold == FOLD_NONE;
	watch_edge_end(watch, &client->edge);
	thing_drop(watch, &client->thing);
	program_unuse(watch, program);
}
