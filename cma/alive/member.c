// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/member.h"

#include <string.h>

#include "base/alloc.h"
#include "cma/alive/accusation.h"
#include "cma/alive/alive_state.h"
#include "cma/alive/path.h"
#include "cma/alive/question.h"

enum {
	WATCH_S = 8,	  /* until a neighbour that was never heard is told of */
	MEND_CALM_S = 30, /* after a change of the plan */
	MEND_EVERY_S = 1,
	MEND_EDGES = 8, /* at a time, and one more for each */
	MEND_SHARE = 1000,
};

static uint64_t hash_of(uint64_t id)
{
	return id * 0x9e3779b97f4a7c15u >> 20;
}

struct agent *member_find(const struct alive *alive, uint64_t id)
{
	struct table_link *link = table_find(&alive->by_id, hash_of(id));

	for (; link; link = table_find_next(link)) {
		struct agent *agent = table_object(link, struct agent, by_id);

		if (agent->id == id)
			return agent;
	}
	return NULL;
}

struct agent *member_add(struct alive *alive, const struct alive_agent *known)
{
	struct agent *agent = pool_take(&alive->agent_pool);

	if (alive->count == alive->room) {
		alive->room = alive->room ? 2 * alive->room : 64;
		alive->slots = mem_resize(alive->slots, alive->room, sizeof(*alive->slots));
	}
	agent->slot = (uint32_t)alive->count;
	alive->slots[alive->count++] = agent;
	agent->id = known->id;
	agent->tenant = known->tenant;
	agent->status = (uint8_t)known->status;
	agent->boot = known->boot;
	agent->incarnation = known->incarnation;
	agent->address = known->address;
	table_insert(&alive->by_id, &agent->by_id, hash_of(agent->id));
	domain_place(alive, agent, &known->place);
	return agent;
}

size_t member_neighbours(const struct alive *alive, const struct agent *agent,
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE])
{
	return agent->member ? ringplan_neighbours(alive->plan, agent->slot, neighbours) : 0;
}

struct agent *member_across(const struct alive *alive, const struct agent *agent, uint32_t edge)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = member_neighbours(alive, agent, neighbours);

	for (size_t i = 0; i < count; i++) {
		if (neighbours[i].edge == edge)
			return alive->slots[neighbours[i].slot];
	}
	return NULL;
}

bool member_is_watched(const struct alive *alive, const struct agent *agent)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = member_neighbours(alive, agent, neighbours);

	for (size_t i = 0; i < count; i++) {
		const struct agent *by = alive->slots[neighbours[i].slot];

		if (by->status == ALIVE_UP && !by->untold &&
			!accusation_find(agent, neighbours[i].edge) &&
			!accusation_find(by, neighbours[i].edge))
			return true;
	}
	return false;
}

bool member_has_watched(const struct agent *agent, struct instant now)
{
	return !agent->untold && (uint32_t)(now.ns / NS_PER_SEC) - agent->told_s >= WATCH_S;
}

bool member_counts(const struct agent *agent)
{
	return agent->member && agent->status == ALIVE_UP;
}

/* The sums that member_counts goes into, after a change of what it was. */
static void count(struct alive *alive, const struct agent *agent, bool before)
{
	int change = member_counts(agent) - before;

	alive->up += (size_t)change;
	if (agent->domain)
		domain_count(agent, change);
}

static void watch_neighbours(struct alive *alive, struct instant now, const struct agent *agent)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, agent, neighbours);

	for (size_t i = 0; i < n; i++) {
		struct agent *other = alive->slots[neighbours[i].slot];

		inquiry_watch(alive, now, other);
		if (other->inquiry)
			inquiry_nudge(alive, now, other->inquiry);
	}
}

/* ---- who is a member of the plan --------------------------------------------------------------
 */

void member_joined(struct alive *alive, struct agent *agent)
{
	bool before = member_counts(agent);

	agent->member = true;
	count(alive, agent, before);
}

void member_at(
	struct alive *alive, struct instant now, struct agent *agent, const struct addr *address)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	bool moved = memcmp(agent->address.ip, address->ip, sizeof(address->ip)) ||
		agent->address.port != address->port;
	size_t n;

	if (moved) {
		agent->address = *address;
		if (agent->inquiry)
			inquiry_moved(alive, agent->inquiry);
	}
	if (!address->port) {
		member_leave(alive, now, agent);
		return;
	}
	if (!agent->member) {
		member_joined(alive, agent);
		ringplan_join(alive->plan, agent->slot, agent->tenant, domain_node(agent->domain));
		member_tell(alive, now, agent);
	} else if (moved) {
		n = member_neighbours(alive, agent, neighbours);
		for (size_t i = 0; i < n; i++)
			member_tell(alive, now, alive->slots[neighbours[i].slot]);
	}
	member_follow(alive, now);
}

void member_leave(struct alive *alive, struct instant now, struct agent *agent)
{
	bool before = member_counts(agent);

	if (!agent->member)
		return;
	if (agent->inquiry)
		inquiry_stop(alive, agent->inquiry);
	ringplan_leave(alive->plan, agent->slot);
	member_follow(alive, now);
	agent->member = false;
	count(alive, agent, before);
	inquiry_watch(alive, now, agent);
}

void member_set_status(
	struct alive *alive, struct instant now, struct agent *agent, enum alive_status status)
{
	bool before = member_counts(agent);

	if (agent->status == status)
		return;
	if (agent->inquiry && agent->inquiry->fault)
		fault_count(agent->inquiry->fault,
			alive_status_failed(status) - alive_status_failed(agent->status));
	agent->status = (uint8_t)status;
	count(alive, agent, before);
	fault_event(alive,
		&(struct alive_event){
			.kind = ALIVE_EVENT_STATUS, .agent = agent->id, .status = status });
	if (!agent->member)
		return;
	ringplan_down(alive->plan, agent->slot, status != ALIVE_UP);
	if (status != ALIVE_UP)
		path_release(alive, now, agent);
	inquiry_watch(alive, now, agent);
	watch_neighbours(alive, now, agent);
}

/* ---- what follows from the plan ---------------------------------------------------------------
 */

void member_tell(struct alive *alive, struct instant now, struct agent *agent)
{
	if (agent->dirty)
		return;
	agent->dirty = agent->untold = true;
	if (alive->dirty_count == alive->dirty_room) {
		alive->dirty_room = alive->dirty_room ? 2 * alive->dirty_room : 64;
		alive->dirty = mem_resize(alive->dirty, alive->dirty_room, sizeof(*alive->dirty));
	}
	alive->dirty[alive->dirty_count++] = agent;
	watch_neighbours(alive, now, agent);
}

static void mend(struct alive *alive, struct instant now, struct timer *timer)
{
	unsigned int budget = MEND_EDGES + (unsigned int)(alive->count / MEND_SHARE);

	bool more = ringplan_mend(alive->plan, budget);

	member_follow(alive, now);
	if (more)
		timer_set(&alive->timers, timer, instant_add(now, MEND_EVERY_S * NS_PER_SEC), mend);
}

void member_mend(struct alive *alive, struct instant now)
{
	if (!timer_runs(&alive->mend))
		timer_set(&alive->timers, &alive->mend, instant_add(now, MEND_CALM_S * NS_PER_SEC),
			mend);
}

static void follow(struct alive *alive, struct instant now, const struct ringplan_change *change)
{
	struct agent *one = alive->slots[change->one], *other = alive->slots[change->other];
	bool swap = one->id > other->id;

	fault_event(alive,
		&(struct alive_event){
			.kind = change->added ? ALIVE_EVENT_EDGE : ALIVE_EVENT_EDGE_END,
			.incident.tenant = one->tenant,
			.edge = change->edge,
			.layer = change->layer,
			.low = swap ? other->id : one->id,
			.high = swap ? one->id : other->id,
		});
	if (!change->added) {
		accusation_drop(alive, now, one, change->edge);
		accusation_drop(alive, now, other, change->edge);
	}
	member_tell(alive, now, one);
	member_tell(alive, now, other);
	inquiry_watch(alive, now, one);
	inquiry_watch(alive, now, other);
}

void member_follow(struct alive *alive, struct instant now)
{
	struct ringplan_change change;

	while (ringplan_take(alive->plan, &change)) {
		follow(alive, now, &change);
		member_mend(alive, now);
	}
}

/* As the neighbour of agent, but for the key. */
static struct ring_edge edge_to(const struct alive *alive, const struct agent *agent,
	const struct ringplan_neighbour *neighbour)
{
	const struct agent *other = alive->slots[neighbour->slot];

	return (struct ring_edge){
		.edge = neighbour->edge,
		.flags = (agent->id > other->id ? RING_EDGE_HIGH : 0) |
			(neighbour->inside ? RING_EDGE_INSIDE : 0),
		.at = other->address,
	};
}

/* All keys and the tag follow from the secret, from the agent and from the numbers of its edges. */
static uint64_t version_of(const struct alive *alive, const struct agent *agent)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, agent, neighbours);
	uint8_t content[sizeof(uint16_t) + RING_LIST_EDGES * RING_EDGE_SIZE];
	struct writer w = writer_over(content, sizeof(content));
	uint8_t hash[SEAL_MAC];
	uint64_t version;

	put_u16(&w, alive->config.interval_ms);
	for (size_t i = 0; i < n; i++) {
		const struct ring_edge edge = edge_to(alive, agent, &neighbours[i]);

		ring_edge_put(&w, &edge);
	}
	seal_hash(alive->config.secret, "ring list", writer_span(&w), hash, sizeof(hash));
	memcpy(&version, hash, sizeof(version));
	return version | !version;
}

void member_list(const struct alive *alive, const struct agent *agent, struct ring_list *list)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, agent, neighbours);
	struct writer w = writer_over(list->edges, sizeof(list->edges));

	list->interval_ms = alive->config.interval_ms;
	list->version = version_of(alive, agent);
	question_key(alive, agent, list->probe);
	list->echo = question_tag(alive, agent);
	for (size_t i = 0; i < n; i++) {
		struct ring_edge edge = edge_to(alive, agent, &neighbours[i]);

		beat_edge_key(alive->config.secret, edge.edge, edge.key);
		ring_edge_put(&w, &edge);
		seal_wipe(&edge, sizeof(edge));
	}
	list->size = w.size;
}

bool member_holds(struct alive *alive, struct instant now, struct agent *agent, uint64_t version)
{
	if (version != version_of(alive, agent)) {
		member_tell(alive, now, agent);
		return false;
	}
	if (agent->untold) {
		agent->untold = false;
		agent->told_s = (uint32_t)(now.ns / NS_PER_SEC);
		watch_neighbours(alive, now, agent);
	}
	return true;
}
