// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/alive.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/alive/accusation.h"
#include "cma/alive/alive_state.h"
#include "cma/alive/cable.h"
#include "cma/alive/comeback.h"
#include "cma/alive/judge.h"
#include "cma/alive/pulse.h"
#include "cma/alive/question.h"
#include "wire/warrant.h"

enum { STALL_MS = 1000 };

struct alive *alive_new(const struct alive_config *config)
{
	struct alive *alive = mem_alloc(1, sizeof(*alive));

	alive->config = *config;
	alive->plan = ringplan_new(config->degree, config->next_edge, config->seed);
	alive->agent_pool.size = sizeof(struct agent);
	alive->inquiry_pool.size = sizeof(struct inquiry);
	alive->heard.ns = alive->pace.ns = INT64_MIN / 2;
	alive->due = INSTANT_NEVER;
	TAILQ_INIT(&alive->inquiries);
	TAILQ_INIT(&alive->turns);
	TAILQ_INIT(&alive->reviews);
	return alive;
}

static void free_domain(void *owner, struct table_link *link)
{
	(void)owner;
	free(table_object(link, struct domain, by_key));
}

static void free_fault(void *owner, struct table_link *link)
{
	(void)owner;
	free(table_object(link, struct fault, by_name));
}

void alive_free(struct alive *alive)
{
	if (!alive)
		return;
	for (size_t i = 0; i < alive->count; i++)
		free(alive->slots[i]->cables);
	table_each(&alive->domains, free_domain, NULL);
	table_each(&alive->faults, free_fault, NULL);
	cable_free(alive);
	table_deinit(&alive->domains);
	table_deinit(&alive->faults);
	table_deinit(&alive->by_id);
	table_deinit(&alive->by_ip);
	pool_deinit(&alive->agent_pool);
	pool_deinit(&alive->inquiry_pool);
	timers_deinit(&alive->timers);
	ringplan_free(alive->plan);
	free(alive->slots);
	free(alive->events);
	free(alive->dirty);
	free(alive->loaded);
	seal_wipe(alive, sizeof(*alive));
	free(alive);
}

/* ---- inputs -----------------------------------------------------------------------------------
 */

void alive_here(struct alive *alive, struct instant now, uint64_t id, uint64_t incarnation)
{
	struct agent *agent = member_find(alive, id);
	bool same;

	if (!agent || agent->status == ALIVE_REVOKED)
		return;
	same = agent->incarnation && warrant_same_run(agent->incarnation, incarnation);
	agent->incarnation = incarnation;
	if (!same) {
		agent->began = now;
		accusation_drop_by(alive, now, agent);
	}
	if (agent->status != ALIVE_UP)
		comeback(alive, now, agent, same);
	inquiry_alive(alive, now, agent, true);
}

void alive_held(struct alive *alive, struct instant now, uint64_t id,
	const struct record_held *held, const struct addr *from)
{
	struct agent *agent = member_find(alive, id);
	struct addr at = *from;

	if (!agent || agent->status == ALIVE_REVOKED || agent->status == ALIVE_LEFT)
		return;
	inquiry_alive(alive, now, agent, true);
	at.port = held->port;
	agent->reflects = held->flags & 1;
	member_at(alive, now, agent, &at);
	if (agent->member)
		member_holds(alive, now, agent, held->version);
}

void alive_left(struct alive *alive, struct instant now, uint64_t id)
{
	struct agent *agent = member_find(alive, id);

	if (!agent || agent->status == ALIVE_REVOKED || agent->status == ALIVE_LEFT)
		return;
	if (agent->status != ALIVE_UP)
		comeback(alive, now, agent, true);
	alive->heard = now;
	cable_forget(alive, now, agent);
	member_set_status(alive, now, agent, ALIVE_LEFT);
	inquiry_down(alive, now, inquiry_of(alive, agent));
}

void alive_revoked(struct alive *alive, struct instant now, uint64_t id, bool revoked)
{
	struct agent *agent = member_find(alive, id);

	if (!agent || (agent->status == ALIVE_REVOKED) == revoked)
		return;
	if (!revoked) {
		member_set_status(alive, now, agent, ALIVE_LEFT);
		return;
	}
	if (agent->inquiry && agent->inquiry->fault)
		fault_withdraw(alive, now, agent->inquiry);
	cable_forget(alive, now, agent);
	member_set_status(alive, now, agent, ALIVE_REVOKED);
	member_leave(alive, now, agent);
	if (!agent->inquiry)
		return;
	timer_stop(&alive->timers, &agent->inquiry->grace);
	inquiry_stop(alive, agent->inquiry);
}

void alive_boot(struct alive *alive, struct instant now, uint64_t id, uint64_t boot)
{
	struct agent *agent = member_find(alive, id);

	if (agent)
		comeback_boot(alive, now, agent, boot);
}

void alive_place(
	struct alive *alive, struct instant now, uint64_t id, const struct alive_place *place)
{
	struct agent *agent = member_find(alive, id);

	if (agent)
		cable_place(alive, now, agent, place);
}

/* The other end is heard: when it was believed to be down, it is asked. */
static void heard_again(struct alive *alive, struct instant now, struct agent *other, uint32_t edge)
{
	accusation_drop(alive, now, other, edge);
	if (other->status != ALIVE_UP && other->inquiry) {
		other->inquiry->vouched = true;
		inquiry_ask(alive, now, other->inquiry);
	}
}

static void accuse(struct alive *alive, struct instant now, const struct agent *agent,
	struct agent *other, const struct message_sight *sight)
{
	struct inquiry *inquiry;

	accusation_make(alive, now, other, agent, sight);
	comeback_apart(agent, other);
	inquiry = other->inquiry;
	if (!inquiry || other->status != ALIVE_UP)
		return;
	if (inquiry_is_early(alive, now, inquiry)) {
		if (!inquiry->asking && !timer_runs(&inquiry->question))
			inquiry_ask_later(alive, now, inquiry);
		return;
	}
	if (!inquiry->asking || (inquiry->verdict == VERDICT_HEARD && !inquiry_is_fresh(inquiry))) {
		inquiry_stop(alive, inquiry);
		inquiry_ask(alive, now, inquiry);
	}
	domain_accused(alive, now, inquiry);
	inquiry_spread(alive, now, inquiry);
}

void alive_sight(
	struct alive *alive, struct instant now, uint64_t id, const struct message_sight *sight)
{
	struct agent *agent = member_find(alive, id), *other;

	if (!agent || agent->status == ALIVE_REVOKED || sight->sight >= SIGHT_COUNT)
		return;
	alive->counters.sights++;
	inquiry_alive(alive, now, agent, true);
	comeback_reported(agent);
	other = member_across(alive, agent, sight->edge);
	if (!other) {
		alive->counters.strange++;
		return;
	}
	if (sight->sight == SIGHT_HEARD)
		heard_again(alive, now, other, sight->edge);
	else
		accuse(alive, now, agent, other, sight);
	inquiry_watch(alive, now, other);
	inquiry_watch(alive, now, agent);
	if (other->inquiry)
		judge(alive, now, other->inquiry);
}

void alive_input(
	struct alive *alive, struct instant now, const struct addr *from, struct span datagram)
{
	question_input(alive, now, from, datagram);
}

void alive_refused(struct alive *alive, struct instant now, const struct addr *address)
{
	(void)now;
	question_refused(alive, address);
}

/* ---- outputs ----------------------------------------------------------------------------------
 */

/* All that came was taken before, so nothing that waits in a socket counts as missing. */
static void work(struct alive *alive, struct instant now)
{
	struct timer *timer;

	if (alive->due.ns != INSTANT_NEVER.ns &&
		instant_sub(now, alive->due) > STALL_MS * NS_PER_MS) {
		alive->counters.stalls++;
		inquiry_restart_all(alive, now);
	}
	alive->due = now;
	while ((timer = timers_take(&alive->timers, now)) != NULL)
		timer->action(alive, now, timer);
	inquiry_review(alive);
}

size_t alive_output(struct alive *alive, struct instant now, struct addr *to,
	uint8_t datagram[PACKET_BEAT_SIZE])
{
	size_t size;

	work(alive, now);
	size = question_next(alive, now, to, datagram);
	if (!size)
		alive->due = alive_deadline(alive);
	return size;
}

bool alive_take(struct alive *alive, struct alive_event *event)
{
	if (!alive->event_count)
		return false;
	*event = alive->events[alive->event_first];
	alive->event_first = (alive->event_first + 1) % alive->event_room;
	alive->event_count--;
	return true;
}

bool alive_take_list(struct alive *alive, uint64_t *id, struct ring_list *list)
{
	while (alive->dirty_count) {
		struct agent *agent = alive->dirty[--alive->dirty_count];

		agent->dirty = false;
		if (!agent->untold || !member_counts(agent))
			continue;
		*id = agent->id;
		member_list(alive, agent, list);
		return true;
	}
	return false;
}

struct instant alive_deadline(const struct alive *alive)
{
	return instant_first(timers_first(&alive->timers), question_deadline(alive));
}

const struct alive_counters *alive_counters(const struct alive *alive)
{
	return &alive->counters;
}
