// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_edge.h"

#include <stdio.h>
#include <string.h>

#include "agent/watch_state.h"
#include "base/json.h"
#include "base/text.h"

enum { RESTS_MAX = 64 }; /* of one service: addresses of ours whose other peers are one fact each */

/* The group an edge belongs to: all that differ in nothing but the addresses. */
static uint64_t group_id(const struct edge_name *name)
{
	uint8_t section = (uint8_t)name->section;
	uint64_t hash = naming_hash(NAMING_HASH_START, &section, 1);

	hash = naming_hash(hash, name->wide, strlen(name->wide) + 1);
	return naming_hash(hash, name->after, strlen(name->after));
}

static struct fan *fan_find(const struct watch *watch, uint64_t id)
{
	struct fan *fan;

	HASH_FIND(hh, watch->fans, &id, sizeof(id), fan);
	return fan;
}

static enum fold fan_room(const struct watch *watch, const struct fan *fan)
{
	if (!fan || fan->peers < watch->config.peers_max)
		return FOLD_NONE;
	if (fan->networks < watch->config.peers_max)
		return FOLD_NETWORK;
	return fan->rests < RESTS_MAX ? FOLD_ALL : FOLD_ANYWHERE;
}

static void fold_ip(uint8_t ip[16], enum fold fold)
{
	bool v4 = addr_is_v4(ip);

	if (fold == FOLD_NETWORK)
		memset(ip + (v4 ? 15 : 8), 0, v4 ? 1 : 8);
	else if (fold >= FOLD_ALL)
		memcpy(ip, (uint8_t[16]){ [10] = 0xff, [11] = 0xff }, 16);
}

/* "10.0.0.7", "10.0.0.0/24", "2001:db8::/64", "0.0.0.0/0" */
static void fold_text(const uint8_t ip[16], enum fold fold, char to[ADDR_TEXT_SIZE])
{
	static const char *const v4[] = { "", "/24", "/0", "/0" };
	static const char *const v6[] = { "", "/64", "/0", "/0" };
	size_t length;

	addr_ip_text(ip, to);
	length = strlen(to);
	text_copy_to(to + length, ADDR_TEXT_SIZE - length, addr_is_v4(ip) ? v4[fold] : v6[fold]);
}

static struct thing *find_as(
	const struct watch *watch, struct edge_name *name, const uint8_t ip[16], enum fold fold)
{
	char text[ADDR_TEXT_SIZE];
	bool brackets = name->port_follows && !addr_is_v4(ip);

	fold_text(ip, fold, text);
	snprintf(name->key, sizeof(name->key), "%s%s%s%s%s",
		fold == FOLD_ANYWHERE ? name->wide : name->before, brackets ? "[" : "", text,
		brackets ? "]" : "", name->after);
	return thing_find(watch, name->section, name->key);
}

struct thing *watch_edge_find(
	struct watch *watch, struct edge_name *name, uint8_t ip[16], enum fold *fold)
{
	enum fold room = fan_room(watch, fan_find(watch, group_id(name)));
	struct thing *found;

	if (*fold == FOLD_NONE) {
		found = find_as(watch, name, ip, FOLD_NONE);
		if (found || room == FOLD_NONE)
			return found;
	}
	if (room < FOLD_NETWORK)
		room = FOLD_NETWORK;
	watch->losses.folded++;
	for (*fold = FOLD_NETWORK; *fold <= FOLD_ANYWHERE; (*fold)++) {
		fold_ip(ip, *fold);
		found = find_as(watch, name, ip, *fold);
		if (found || room == *fold)
			break;
	}
	return found;
}

void watch_edge_init(struct watch *watch, struct edge *edge, const struct edge_name *name,
	const struct place *place, enum fold fold)
{
	uint64_t id = group_id(name);
	struct fan *fan = fan_find(watch, id);

	if (!fan) {
		fan = mem_alloc(1, sizeof(*fan));
		fan->id = id;
		HASH_ADD(hh, watch->fans, id, sizeof(id), fan);
	}
	fan->refs++;
	fan->peers += fold == FOLD_NONE;
	fan->networks += fold == FOLD_NETWORK;
	fan->rests += fold == FOLD_ALL;
	edge->fan = fan;
	edge->fold = (uint8_t)fold;
	edge->place = *place;
	netns_hold(place->netns);
}

void watch_edge_end(struct watch *watch, struct edge *edge)
{
	struct fan *fan = edge->fan;

	fan->peers -= edge->fold == FOLD_NONE;
	fan->networks -= edge->fold == FOLD_NETWORK;
	fan->rests -= edge->fold == FOLD_ALL;
	if (!--fan->refs) {
		HASH_DELETE(hh, watch->fans, fan);
		free(fan);
	}
	netns_put(watch, edge->place.netns);
}

void watch_edge_to_json(enum fold fold, const uint8_t ip[16], const char *what, json_t *value)
{
	char text[ADDR_TEXT_SIZE];

	fold_text(ip, fold, text);
	json_set_text(value, what, text);
	if (fold != FOLD_NONE)
		json_object_set_new(value, "folded", json_true());
	if (fold == FOLD_NETWORK && addr_is_v4(ip))
		json_object_set_new(value, "peers", json_integer(256));
}
