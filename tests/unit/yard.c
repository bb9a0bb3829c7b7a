// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/yard.h"

#include <stdarg.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/ring_edge.h"

enum { SILENT_MS = 5200, TICK_MS = 50, PORT = 1985 };

static const uint8_t secret[SEAL_KEY] = { 7 };

uint64_t yard_id(size_t host)
{
	return 100 + host;
}

uint64_t yard_switch(size_t number)
{
	return 5000 + number;
}

uint64_t yard_port(size_t host)
{
	return 9000 + host;
}

static void random_of(void *owner, void *to, size_t size)
{
	struct yard *yard = owner;
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++) {
		yard->seed = yard->seed * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(yard->seed >> 56);
	}
}

static void key_of(uint64_t id, uint8_t key[SEAL_KEY])
{
	memset(key, 0, SEAL_KEY);
	memcpy(key, &id, sizeof(id));
}

static const uint8_t *public_key(void *owner, uint64_t id)
{
	static uint8_t key[SEAL_KEY];

	(void)owner;
	key_of(id, key);
	return key;
}

static struct addr address_of(size_t host)
{
	struct addr address = { .ip = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)(host + 1) },
		.port = PORT };

	return address;
}

static struct alive_agent agent_of(const struct yard *yard, size_t host)
{
	return (struct alive_agent){
		.id = yard_id(host),
		.tenant = 1,
		.status = yard_status(yard, host),
		.boot = yard->hosts[host].boot,
		.incarnation = yard->hosts[host].incarnation,
		.address = address_of(host),
		.place = yard->hosts[host].place,
	};
}

/* ---- the wires --------------------------------------------------------------------------------
 */

static bool reaches_cma(const struct yard *yard, size_t host)
{
	return yard->hosts[host].kernel && yard->hosts[host].segment == 0;
}

static bool reaches(const struct yard *yard, size_t from, size_t to)
{
	return yard->hosts[from].kernel && yard->hosts[from].agent && yard->hosts[to].kernel &&
		yard->hosts[from].segment == yard->hosts[to].segment && !yard->blocked[from][to];
}

static void answer(struct yard *yard, size_t host, struct span question)
{
	struct addr at = address_of(host);
	uint8_t datagram[PACKET_BEAT_SIZE], key[SEAL_KEY], probe[BEAT_KEY];
	struct beat beat;

	key_of(yard_id(host), key);
	beat_probe_key(secret, key, probe);
	assert_int_equal(beat_decode(question, probe, &beat), 0);
	assert_int_equal(beat.edge, BEAT_EDGE_CMA);
	assert_true(beat.state & BEAT_ASKS);
	beat_encode(
		&(struct beat){ .edge = BEAT_EDGE_CMA, .echo = beat.challenge }, probe, datagram);
	memcpy(yard->recorded[host], datagram, sizeof(datagram));
	alive_input(yard->alive, yard->now, &at, SPAN(datagram, sizeof(datagram)));
}

static void reflect(struct yard *yard, size_t host, struct span request)
{
	struct addr at = address_of(host);
	uint8_t datagram[PACKET_ECHO_SIZE];
	struct writer w = writer_over(datagram, sizeof(datagram));
	struct packet p;

	assert_int_equal(packet_decode(request, &p), 0);
	assert_int_equal(p.type, PACKET_ECHO);
	assert_int_equal(p.flags, 0);
	alive_input(yard->alive, yard->now, &at, request); /* which is no answer */
	p.flags = PACKET_FLAG_ANSWER;
	p.echo = packet_answer_tag(p.echo);
	packet_encode(&w, &p);
	alive_input(yard->alive, yard->now, &at, writer_span(&w));
}

static void deliver(struct yard *yard, const struct addr *to, struct span datagram)
{
	size_t host = to->ip[15] - 1u;

	yard->questions++;
	if (host < yard->count && yard->replays && !yard->hosts[host].kernel)
		alive_input(
			yard->alive, yard->now, to, SPAN(yard->recorded[host], PACKET_BEAT_SIZE));
	if (host >= yard->count || !reaches_cma(yard, host))
		return;
	if (datagram.size == PACKET_ECHO_SIZE && yard->hosts[host].reflects)
		reflect(yard, host, datagram);
	else if ((to->port != PORT || yard->hosts[host].closed) && yard->hosts[host].walled)
		return;
	else if (to->port != PORT || yard->hosts[host].closed)
		alive_refused(yard->alive, yard->now, to);
	else if (yard->hosts[host].agent)
		answer(yard, host, datagram);
}

static void keep(struct yard *yard, const struct alive_event *event)
{
	struct yard_edge *edge;

	assert_true(yard->event_count < YARD_EVENTS);
	yard->events[yard->event_count++] = *event;
	if (event->kind == ALIVE_EVENT_EDGE) {
		assert_true(yard->edge_count < YARD_EDGES);
		edge = &yard->edges[yard->edge_count++];
		*edge = (struct yard_edge){ .edge = event->edge };
		edge->end[0].host = event->low - yard_id(0);
		edge->end[1].host = event->high - yard_id(0);
		edge->end[0].heard = edge->end[1].heard = yard->now;
	}
	for (size_t i = 0; event->kind == ALIVE_EVENT_EDGE_END && i < yard->edge_count; i++)
		yard->edges[i].gone |= yard->edges[i].edge == event->edge;
}

static void held(struct yard *yard, size_t host, uint64_t version)
{
	struct addr at = address_of(host);
	struct record_held record = {
		.version = version, .port = PORT, .flags = yard->hosts[host].reflects
	};

	alive_held(yard->alive, yard->now, yard_id(host), &record, &at);
}

static void pump(struct yard *yard)
{
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct alive_event event;
	struct ring_list list;
	struct addr to;
	uint64_t id;
	size_t size;

	while ((size = alive_output(yard->alive, yard->now, &to, datagram)))
		deliver(yard, &to, SPAN(datagram, size));
	while (alive_take_list(yard->alive, &id, &list)) {
		if (reaches_cma(yard, id - yard_id(0)) && yard->hosts[id - yard_id(0)].agent)
			held(yard, id - yard_id(0), list.version);
	}
	while (alive_take(yard->alive, &event))
		keep(yard, &event);
}

/* ---- neighbours -------------------------------------------------------------------------------
 */

static void tell(struct yard *yard, const struct yard_edge *edge, int end, enum sight sight)
{
	const struct message_sight message = {
		.edge = edge->edge,
		.misses = yard->misses,
		.health = yard->health,
		.sight = (uint8_t)sight,
	};

	alive_sight(yard->alive, yard->now, yard_id(edge->end[end].host), &message);
}

/* What changes is told, in order, when there is a way. */
static void look(struct yard *yard, struct yard_edge *edge, int end)
{
	size_t self = edge->end[end].host, other = edge->end[!end].host;
	bool in = reaches(yard, other, self), out = reaches(yard, self, other);
	enum sight sight = edge->end[end].sight;

	if (in && out) {
		edge->end[end].heard = yard->now;
		sight = SIGHT_HEARD;
	} else if (instant_sub(yard->now, edge->end[end].heard) >= SILENT_MS * NS_PER_MS) {
		sight = in ? SIGHT_ONE_WAY : SIGHT_SILENT;
	}
	if (sight != edge->end[end].sight) {
		assert_true(edge->end[end].queued < YARD_QUEUE);
		edge->end[end].queue[edge->end[end].queued++] = sight;
	}
	edge->end[end].sight = sight;
	if (!reaches_cma(yard, self))
		return;
	for (size_t i = 0; i < edge->end[end].queued; i++)
		tell(yard, edge, end, edge->end[end].queue[i]);
	edge->end[end].queued = 0;
}

void yard_accuse(struct yard *yard, size_t host, enum sight sight)
{
	for (size_t i = 0; i < yard->edge_count; i++) {
		for (int end = 0; end < 2; end++) {
			if (yard->edges[i].gone || yard->edges[i].end[end].host != host)
				continue;
			yard->edges[i].end[!end].sight = sight;
			tell(yard, &yard->edges[i], !end, sight);
		}
	}
}

static void watch(struct yard *yard)
{
	for (size_t i = 0; i < yard->edge_count; i++) {
		for (int end = 0; end < 2 && !yard->edges[i].gone; end++) {
			size_t self = yard->edges[i].end[end].host;

			if (yard->hosts[self].kernel && yard->hosts[self].agent)
				look(yard, &yard->edges[i], end);
		}
	}
}

void yard_run(struct yard *yard, int64_t ms)
{
	struct instant end = instant_add(yard->now, ms * NS_PER_MS);
	struct instant tick = instant_add(yard->now, TICK_MS * NS_PER_MS);

	pump(yard);
	while (instant_before(yard->now, end)) {
		struct instant next =
			instant_first(instant_first(tick, end), alive_deadline(yard->alive));

		if (instant_before(yard->now, next))
			yard->now = next;
		if (!instant_before(yard->now, tick)) {
			watch(yard);
			tick = instant_add(tick, TICK_MS * NS_PER_MS);
		}
		pump(yard);
	}
}

void yard_forget(struct yard *yard)
{
	yard_run(yard, 20000);
	yard->event_count = 0;
	yard->questions = 0;
}

/* ---- hosts ------------------------------------------------------------------------------------
 */

static struct alive_config config_of(struct yard *yard, unsigned int degree)
{
	struct alive_config config = {
		.degree = degree,
		.interval_ms = 1000,
		.next_edge = 1 + (uint32_t)yard->edge_count,
		.seed = 1,
		.public_key = public_key,
		.random = random_of,
		.owner = yard,
	};

	memcpy(config.secret, secret, sizeof(secret));
	return config;
}

void yard_begin(struct yard *yard, size_t hosts, size_t per_switch, unsigned int degree)
{
	struct alive_config config;

	assert_int_equal(seal_init(), 0);
	memset(yard, 0, sizeof(*yard));
	yard->now.ns = 1000 * NS_PER_SEC;
	yard->seed = 42;
	yard->count = hosts;
	yard->misses = 5;
	config = config_of(yard, degree);
	yard->alive = alive_new(&config);
	for (size_t i = 0; i < hosts; i++) {
		struct yard_host *host = &yard->hosts[i];
		struct alive_agent agent;

		*host = (struct yard_host){ .kernel = true, .agent = true, .boot = 1 + i };
		if (per_switch) {
			host->place.links = 1;
			host->place.link[0].sw = yard_switch(i / per_switch);
			host->place.link[0].port = yard_port(i);
		}
		agent = agent_of(yard, i);
		agent.address.port = 0;
		alive_add(yard->alive, &agent);
	}
	alive_start(yard->alive, yard->now);
	for (size_t i = 0; i < hosts; i++)
		yard_call(yard, i, true);
	yard_forget(yard);
}

/* The incidents that the events left open, with the hosts of each. */
static void load_incidents(struct yard *yard)
{
	for (size_t i = 0; i < yard->event_count; i++) {
		const struct alive_event *opened = &yard->events[i];
		uint64_t hosts[YARD_HOSTS];
		size_t count = 0;
		bool open = opened->kind == ALIVE_EVENT_OPEN;

		for (size_t j = i; j < yard->event_count && open; j++) {
			const struct alive_event *event = &yard->events[j];

			if (memcmp(&event->incident, &opened->incident, sizeof(event->incident)))
				continue;
			open = event->kind != ALIVE_EVENT_CLEAR;
			if (event->kind == ALIVE_EVENT_CONCERNS)
				hosts[count++] = event->agent;
		}
		if (open)
			alive_add_incident(yard->alive, &opened->incident, hosts, count);
	}
}

static void load_edges(struct yard *yard)
{
	for (size_t i = 0; i < yard->edge_count; i++) {
		const struct yard_edge *edge = &yard->edges[i];

		if (edge->gone)
			continue;
		alive_add_edge(yard->alive,
			&(struct alive_edge){
				.edge = edge->edge,
				.low = yard_id(edge->end[0].host),
				.high = yard_id(edge->end[1].host),
				.low_sees = edge->end[0].sight,
				.high_sees = edge->end[1].sight,
			});
	}
}

void yard_restart(struct yard *yard)
{
	struct alive_config config = config_of(yard, 2);

	alive_free(yard->alive);
	yard->alive = alive_new(&config);
	for (size_t i = 0; i < yard->count; i++) {
		struct alive_agent agent = agent_of(yard, i);

		alive_add(yard->alive, &agent);
	}
	load_edges(yard);
	load_incidents(yard);
	alive_start(yard->alive, yard->now);
}

void yard_end(struct yard *yard)
{
	alive_free(yard->alive);
}

void yard_kill(struct yard *yard, size_t host)
{
	yard->hosts[host].kernel = false;
}

void yard_call(struct yard *yard, size_t host, bool new_run)
{
	struct yard_host *self = &yard->hosts[host];

	if (new_run)
		self->incarnation += 1 << 16;
	else
		self->incarnation++;
	alive_here(yard->alive, yard->now, yard_id(host), self->incarnation);
	held(yard, host, 0);
	alive_boot(yard->alive, yard->now, yard_id(host), self->boot);
}

void yard_boot(struct yard *yard, size_t host)
{
	struct yard_host *self = &yard->hosts[host];

	self->kernel = self->agent = true;
	self->boot += 1000;
	for (size_t i = 0; i < yard->edge_count; i++) {
		for (int end = 0; end < 2; end++) {
			if (yard->edges[i].end[end].host != host)
				continue;
			yard->edges[i].end[end].sight = SIGHT_HEARD;
			yard->edges[i].end[end].queued = 0;
			yard->edges[i].end[end].heard = yard->now;
		}
	}
	yard_call(yard, host, true);
}

/* ---- what was said ----------------------------------------------------------------------------
 */

size_t yard_count(const struct yard *yard, enum alive_event_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < yard->event_count; i++)
		count += yard->events[i].kind == kind;
	return count;
}

const struct alive_event *yard_find(
	const struct yard *yard, enum alive_event_kind kind, enum alive_cause cause, uint64_t node)
{
	for (size_t i = 0; i < yard->event_count; i++) {
		const struct alive_event *event = &yard->events[i];

		if (event->kind == kind && event->incident.cause == cause &&
			event->incident.node == node)
			return event;
	}
	return NULL;
}

enum alive_status yard_status(const struct yard *yard, size_t host)
{
	enum alive_status status = ALIVE_UP;

	for (size_t i = 0; i < yard->event_count; i++) {
		if (yard->events[i].kind == ALIVE_EVENT_STATUS &&
			yard->events[i].agent == yard_id(host))
			status = yard->events[i].status;
	}
	return status;
}

size_t yard_open(const struct yard *yard)
{
	return yard_count(yard, ALIVE_EVENT_OPEN) - yard_count(yard, ALIVE_EVENT_CLEAR);
}

size_t yard_neighbours(const struct yard *yard, size_t host, size_t neighbours[8])
{
	size_t count = 0;

	for (size_t i = 0; i < yard->edge_count; i++) {
		for (int end = 0; end < 2; end++) {
			if (!yard->edges[i].gone && yard->edges[i].end[end].host == host)
				neighbours[count++] = yard->edges[i].end[!end].host;
		}
	}
	return count;
}
