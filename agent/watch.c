// SPDX-License-Identifier: Apache-2.0
#include "agent/watch.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "agent/watch_state.h"

enum { PEERS_MAX = 1024, NAMES_MAX = 64, PORTS_MAX = 2048 };
enum { EDGE_TTL_S = 24 * 3600, PERIOD_S = 60, PAUSE_S = 1, PAUSE_PERCENT = 1 };

struct watch *watch_new(const struct watch_config *config, const struct watch_source *source)
{
	struct watch *watch = mem_alloc(1, sizeof(*watch));

	watch->config = *config;
	watch->source = *source;
	if (!watch->config.peers_max)
		watch->config.peers_max = PEERS_MAX;
	if (!watch->config.names_max)
		watch->config.names_max = NAMES_MAX;
	if (!watch->config.ports_max)
		watch->config.ports_max = PORTS_MAX;
	if (!watch->config.edge_ttl_ns)
		watch->config.edge_ttl_ns = EDGE_TTL_S * NS_PER_SEC;
	if (!watch->config.period_ns)
		watch->config.period_ns = PERIOD_S * NS_PER_SEC;
	TAILQ_INIT(&watch->waiting);
	TAILQ_INIT(&watch->sightings);
	TAILQ_INIT(&watch->held);
	TAILQ_INIT(&watch->flapping);
	TAILQ_INIT(&watch->doubts);
	LIST_INIT(&watch->loose);
	return watch;
}

/* Edges whose last use was before the given second, or all of them. */
static void drop_edges(struct watch *watch, bool all, uint32_t before_s)
{
	struct thing *thing, *next;

	HASH_ITER (hh, watch->things, thing, next) {
		enum section section = thing_section(thing);
		struct client *client = (struct client *)thing;
		struct inbound *inbound = (struct inbound *)thing;

		if (thing->gone)
			continue;
		if (section == SECTION_CLIENT && (all || client->edge.seen_s < before_s))
			client_drop(watch, client);
		else if (section == SECTION_INBOUND && (all || inbound->edge.seen_s < before_s))
			inbound_drop(watch, inbound);
	}
}

static void free_things(struct watch *watch)
{
	struct thing *thing, *next;

	HASH_ITER (hh, watch->things, thing, next) {
		if (thing_section(thing) == SECTION_COVERAGE)
			free(((struct cover *)thing)->value);
		HASH_DELETE(hh, watch->things, thing);
		free(thing);
	}
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	doubt_free_all(watch);
	rename_free_all(watch);
	drop_edges(watch, true, 0);
	listen_free_all(watch);
	workload_free_all(watch);
	task_sweep(watch, watch->generation + 1);
	free_things(watch);
	free(watch->value);
	free(watch->last);
	free(watch);
}

static void see_client(struct watch *watch, struct instant now, const struct place *place,
	const struct event_edge *event)
{
	struct program *program;

	/* Nobody is at "any", and nothing is sent to port 0: somebody only looked. */
	if (addr_is_any(place->ip) || !place->port)
		return;
	program = workload_program(watch, now, event);
	if (!program)
		return;
	if (event->outcome == EDGE_PENDING) {
		doubt_add(watch, now, event);
		return;
	}
	if (place->protocol == IPPROTO_UDP)
		doubt_end(watch, &event->key);
	if (event->outcome != EDGE_UNUSED)
		client_see(watch, now, program, place, event->outcome);
}

void watch_edge(struct watch *watch, struct instant now, const struct event_edge *event)
{
	const struct edge_key *key = &event->key;
	struct place place = {
		.netns = netns_get(watch, key->netns), .port = key->port, .protocol = key->protocol
	};

	memcpy(place.ip, key->role == EDGE_SERVER ? key->local : key->peer, sizeof(place.ip));
	if (key->role == EDGE_SERVER)
		inbound_see(watch, now, &place, key->peer, NULL);
	else
		see_client(watch, now, &place, event);
	netns_put(watch, place.netns);
}

void watch_walk_edge(struct watch *watch, struct instant now, const struct edge_key *key,
	const struct edge_value *value)
{
	struct event_edge event = { .kind = EVENT_EDGE, .key = *key, .outcome = value->outcome };

	/* Who is not known any more was told when it was. */
	if (key->role == EDGE_CLIENT && !workload_known(watch, key->workload))
		return;
	if (value->outcome != EDGE_PENDING)
		watch_edge(watch, now, &event);
}

void watch_walk_end(struct watch *watch, struct instant now)
{
	uint32_t ttl_s = (uint32_t)(watch->config.edge_ttl_ns / NS_PER_SEC);

	if (watch_seconds(now) > ttl_s)
		drop_edges(watch, false, watch_seconds(now) - ttl_s);
}

void watch_snapshot_begin(struct watch *watch, struct instant now, uint64_t boottime)
{
	uint64_t hold_ns = watch->config.hold ? WATCH_HOLD_S * NS_PER_SEC : 0;
	uint64_t fresh_ns = WATCH_FRESH_S * NS_PER_SEC;

	watch->snapshot_began = now;
	/* Nobody else tells the connections of those that are older than the first snapshot. */
	if (!watch->generation++)
		watch->first_boottime = boottime;
	watch->fresh_after = boottime > fresh_ns ? boottime - fresh_ns : 0;
	watch->young_after = boottime - hold_ns;
	if (watch->young_after < watch->first_boottime)
		watch->young_after = watch->first_boottime;
}

static bool is_zero(const uint8_t ip[16])
{
	return addr_is_any(ip);
}

/* Names that a socket was given to be found, not those that the kernel made up for it. */
static bool is_unix_service(const struct event_row *row, const char *path)
{
	enum { AUTOBIND_SIZE = 6 }; /* unix(7): a NUL and 5 hex digits */

	if (!row->path_size)
		return false;
	if (row->state == TCP_LISTEN)
		return true;
	return row->type == SOCK_DGRAM && row->state != TCP_ESTABLISHED &&
		(path[0] || row->path_size != AUTOBIND_SIZE);
}

static bool is_service(const struct event_row *row, const char *path)
{
	if (row->family == AF_UNIX)
		return is_unix_service(row, path);
	if (row->type == SOCK_DGRAM)
		return (row->flags & SOCKET_BOUND) && is_zero(row->peer) && row->local_port;
	return row->state == TCP_LISTEN && row->local_port;
}

static bool is_connected(const struct event_row *row)
{
	if (row->family == AF_UNIX || is_zero(row->peer) || !row->peer_port)
		return false;
	return row->state != TCP_SYN_SENT && row->state != TCP_SYN_RECV &&
		row->state != TCP_CLOSE && row->state != TCP_LISTEN;
}

/* Who of the two serves. A UDP socket that is connected on a port of its choice may do either. */
static bool is_served_here(const struct event_row *row)
{
	if (row->protocol != IPPROTO_UDP)
		return row->flags & SOCKET_ACCEPTED;
	return (row->flags & SOCKET_BOUND) && row->local_port < EPHEMERAL_FROM &&
		row->peer_port >= EPHEMERAL_FROM;
}

static void connection_row(struct watch *watch, struct instant now, const struct event_row *row)
{
	struct place place = { .netns = netns_get(watch, row->netns),
		.protocol = (uint8_t)row->protocol };
	/* A connection of one that is young was told, or will be, by its own events. */
	struct task *task = row->start > watch->young_after
		? task_find(watch, row->tgid, row->start)
		: task_read_client(watch, row->tgid, row->start);

	if (task)
		task->generation = watch->generation;
	if (task && is_served_here(row)) {
		memcpy(place.ip, row->local, sizeof(place.ip));
		place.port = row->local_port;
		inbound_see(watch, now, &place, row->peer, task->program);
	} else if (task) {
		memcpy(place.ip, row->peer, sizeof(place.ip));
		place.port = row->peer_port;
		client_see(watch, now, task->program, &place, EDGE_OK);
	}
	netns_put(watch, place.netns);
}

void watch_row(
	struct watch *watch, struct instant now, const struct event_row *row, const char *path)
{
	if (watch->config.own_netns_only && row->netns != watch->config.own_netns)
		return;
	if (is_service(row, path))
		listen_row(watch, now, row, path);
	else if (is_connected(row))
		connection_row(watch, now, row);
}

void watch_snapshot_end(struct watch *watch, struct instant now, bool whole)
{
	/* However much is asked for, snapshots take a hundredth of the time. */
	int64_t pause = instant_sub(now, watch->snapshot_began) * (100 / PAUSE_PERCENT);

	if (pause < PAUSE_S * NS_PER_SEC)
		pause = PAUSE_S * NS_PER_SEC;
	watch->snapshot_next = instant_add(now, pause);
	watch->snapshot_at = instant_add(now, watch->config.period_ns);
	listen_sweep(watch, now, whole);
	if (!whole)
		return;
	watch->settled = true;
	inbound_settle(watch, now);
	task_sweep(watch, watch->generation);
	task_settle(watch, now);
	netns_refresh(watch);
}

void watch_ask_snapshot(struct watch *watch, struct instant at)
{
	if (instant_before(at, watch->snapshot_next))
		at = watch->snapshot_next;
	watch->snapshot_at = instant_first(watch->snapshot_at, at);
}

bool watch_wants_snapshot(const struct watch *watch, struct instant now)
{
	return !instant_before(now, watch->snapshot_at);
}

struct watch_losses watch_losses(const struct watch *watch)
{
	return watch->losses;
}

struct instant watch_deadline(const struct watch *watch)
{
	struct instant first = watch->snapshot_at;

	if (!TAILQ_EMPTY(&watch->sightings))
		first = instant_first(first, TAILQ_FIRST(&watch->sightings)->until);
	if (!TAILQ_EMPTY(&watch->held))
		first = instant_first(first, TAILQ_FIRST(&watch->held)->until);
	if (!TAILQ_EMPTY(&watch->doubts))
		first = instant_first(first, TAILQ_FIRST(&watch->doubts)->until);
	if (!TAILQ_EMPTY(&watch->flapping))
		first = instant_first(first, TAILQ_FIRST(&watch->flapping)->until);
	return first;
}

void watch_tick(struct watch *watch, struct instant now)
{
	workload_tick(watch, now);
	doubt_tick(watch, now);
	listen_tick(watch, now);
	client_tick(watch, now);
}
