// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "agent/watch_edge.h"
#include "agent/watch_state.h"
#include "base/json.h"

enum { LOOSE_UDP_S = 120 };

/*
 * Is it a fact yet? Before the first whole snapshot a listener may only be unknown; and what a UDP
 * socket that is no service gets is an answer.
 */
static bool is_fact(const struct watch *watch, const struct inbound *inbound)
{
	return inbound->listen || inbound->owners ||
		(watch->settled && inbound->edge.place.protocol != IPPROTO_UDP);
}

static void touch(struct watch *watch, struct inbound *inbound)
{
	if (is_fact(watch, inbound))
		thing_touch(watch, &inbound->thing);
}

static void set_owners(struct watch *watch, struct inbound *inbound, struct owners *owners)
{
	struct owners *before = inbound->owners;

	inbound->owners = owners ? owners_hold(owners) : NULL;
	owners_put(watch, before);
}

/* "any" of the family of the peer: a peer reaches a socket at an address of its own family. */
static void set_any(struct place *place, const uint8_t peer[16])
{
	memset(place->ip, 0, sizeof(place->ip));
	if (addr_is_v4(peer))
		place->ip[10] = place->ip[11] = 0xff;
}

static void put_before(char *to, size_t size, const struct place *place)
{
	struct addr addr = { .port = place->port };
	char protocol[PLACE_PROTOCOL_SIZE], text[ADDR_TEXT_SIZE];

	memcpy(addr.ip, place->ip, sizeof(addr.ip));
	addr_text(&addr, text);
	place_protocol(place->protocol, protocol);
	snprintf(to, size, "%s %s<", protocol, text);
}

static void name_inbound(
	const struct place *place, const struct place *anywhere, struct edge_name *name)
{
	const char *netns = place->netns->name;

	name->section = SECTION_INBOUND;
	name->port_follows = false;
	put_before(name->before, sizeof(name->before), place);
	put_before(name->wide, sizeof(name->wide), anywhere);
	snprintf(name->after, sizeof(name->after), "%s%s", *netns ? " " : "", netns);
}

static void attach(struct watch *watch, struct inbound *inbound, struct listen *listen)
{
	LIST_REMOVE(inbound, next);
	LIST_INSERT_HEAD(&listen->inbound, inbound, next);
	inbound->listen = listen;
	set_owners(watch, inbound, listen->owners);
	touch(watch, inbound);
}

void inbound_see(struct watch *watch, struct instant now, const struct place *place,
	const uint8_t peer[16], struct program *server)
{
	struct place ours = *place, anywhere = *place;
	struct edge_name name;
	struct inbound *inbound;
	uint8_t told[16];
	enum fold fold = FOLD_NONE;

	set_any(&anywhere, peer);
	if (addr_is_any(ours.ip))
		ours = anywhere;
	name_inbound(&ours, &anywhere, &name);
	memcpy(told, peer, sizeof(told));
	inbound = (struct inbound *)watch_edge_find(watch, &name, told, &fold);
	if (inbound) {
		inbound->edge.seen_s = watch_seconds(now);
		return;
	}
	if (fold == FOLD_ANYWHERE)
		ours = anywhere;
	inbound = thing_new(watch, SECTION_INBOUND, name.key, sizeof(*inbound));
	watch_edge_init(watch, &inbound->edge, &name, &ours, fold);
	inbound->edge.seen_s = watch_seconds(now);
	memcpy(inbound->peer, told, sizeof(told));
	LIST_INSERT_HEAD(&watch->loose, inbound, next);
	if (listen_match(watch, &ours)) {
		attach(watch, inbound, listen_match(watch, &ours));
		return;
	}
	if (server)
		inbound->owners = owners_new(watch, &server, 1);
	touch(watch, inbound);
}

json_t *inbound_json(const struct inbound *inbound)
{
	json_t *value = json_object();

	place_to_json(&inbound->edge.place, true, value);
	watch_edge_to_json((enum fold)inbound->edge.fold, inbound->peer, "peer", value);
	owners_to_json(inbound->owners, value);
	return value;
}

void inbound_attach(struct watch *watch, struct listen *listen)
{
	struct inbound *inbound, *next;

	for (inbound = LIST_FIRST(&watch->loose); inbound; inbound = next) {
		next = LIST_NEXT(inbound, next);
		if (listen_match(watch, &inbound->edge.place) == listen)
			attach(watch, inbound, listen);
	}
}

void inbound_reown(struct watch *watch, struct listen *listen)
{
	struct inbound *inbound;

	LIST_FOREACH (inbound, &listen->inbound, next) {
		set_owners(watch, inbound, listen->owners);
		touch(watch, inbound);
	}
}

void inbound_detach(struct watch *watch, struct listen *listen)
{
	struct inbound *inbound;

	while ((inbound = LIST_FIRST(&listen->inbound))) {
		LIST_REMOVE(inbound, next);
		LIST_INSERT_HEAD(&watch->loose, inbound, next);
		inbound->listen = NULL;
	}
}

void inbound_settle(struct watch *watch, struct instant now)
{
	struct inbound *inbound, *next;

	for (inbound = LIST_FIRST(&watch->loose); inbound; inbound = next) {
		next = LIST_NEXT(inbound, next);
		if (is_fact(watch, inbound))
			touch(watch, inbound);
		else if (watch_seconds(now) - inbound->edge.seen_s > LOOSE_UDP_S)
			inbound_drop(watch, inbound);
	}
}

void inbound_drop(struct watch *watch, struct inbound *inbound)
{
	struct owners *owners = inbound->owners;

	LIST_REMOVE(inbound, next);
	watch_edge_end(watch, &inbound->edge);
	thing_drop(watch, &inbound->thing);
	owners_put(watch, owners);
}
