// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/inquiry.h"

#include <string.h>

#include "cma/alive/accusation.h"
#include "cma/alive/alive_state.h"
#include "cma/alive/comeback.h"
#include "cma/alive/judge.h"
#include "cma/alive/pulse.h"

enum {
	GAP_MS = 200,	 /* between two questions */
	ANSWER_MS = 250, /* the last one is given a little longer */
	DOUBT = 3,     /* questions that fail until an agent is no witness, and others are asked */
	EARLY_S = 120, /* for others to boot, where all were off */
	WATCH_S = 1,   /* without anybody who watches it, until we ask */
	GRACE_S = 600, /* a host that is down keeps its edges */
	WAIT_S = 10,   /* until a host that is down is asked again, doubled each time */
	WAIT_DOUBLED = 6,
	CALM = 4,
	CALM_SHARE = 100,
	WAIT_SOON = 2, /* of an agent whose host lives */
};

uint64_t inquiry_ip_hash(const struct addr *address)
{
	uint64_t halves[2];

	memcpy(halves, address->ip, sizeof(halves));
	/* IPv4 addresses differ in the last four bytes only: these have to reach all bits. */
	halves[0] ^= halves[1] ^ halves[1] >> 32;
	return halves[0] * 0x9e3779b97f4a7c15u >> 20;
}

void inquiry_moved(struct alive *alive, struct inquiry *inquiry)
{
	table_remove(&alive->by_ip, &inquiry->by_ip);
	table_insert(&alive->by_ip, &inquiry->by_ip, inquiry_ip_hash(&inquiry->agent->address));
}

struct inquiry *inquiry_of(struct alive *alive, struct agent *agent)
{
	struct inquiry *inquiry = agent->inquiry;

	if (inquiry)
		return inquiry;
	inquiry = pool_take(&alive->inquiry_pool);
	inquiry->agent = agent;
	agent->inquiry = inquiry;
	inquiry->verdict = VERDICT_ASK;
	TAILQ_INSERT_TAIL(&alive->inquiries, inquiry, all);
	table_insert(&alive->by_ip, &inquiry->by_ip, inquiry_ip_hash(&agent->address));
	inquiry_touch(alive, inquiry);
	return inquiry;
}

/* ---- its end ----------------------------------------------------------------------------------
 */

void inquiry_touch(struct alive *alive, struct inquiry *inquiry)
{
	if (inquiry->in_review)
		return;
	inquiry->in_review = true;
	TAILQ_INSERT_TAIL(&alive->reviews, inquiry, review);
}

static bool is_over(const struct inquiry *inquiry)
{
	uint8_t status = inquiry->agent->status;

	return !inquiry->accused && !inquiry->fault && !inquiry->asking && !inquiry->orphan &&
		!inquiry->boot_unknown && !timer_runs(&inquiry->grace) &&
		(status == ALIVE_UP || status == ALIVE_LEFT || status == ALIVE_REVOKED);
}

void inquiry_end(struct alive *alive, struct inquiry *inquiry)
{
	inquiry_stop(alive, inquiry);
	timer_stop(&alive->timers, &inquiry->grace);
	timer_stop(&alive->timers, &inquiry->path);
	table_remove(&alive->by_ip, &inquiry->by_ip);
	TAILQ_REMOVE(&alive->inquiries, inquiry, all);
	if (inquiry->in_review)
		TAILQ_REMOVE(&alive->reviews, inquiry, review);
	inquiry->agent->inquiry = NULL;
	pool_give(&alive->inquiry_pool, inquiry);
}

void inquiry_review(struct alive *alive)
{
	struct inquiry *inquiry;

	while ((inquiry = TAILQ_FIRST(&alive->reviews)) != NULL) {
		TAILQ_REMOVE(&alive->reviews, inquiry, review);
		inquiry->in_review = false;
		if (is_over(inquiry))
			inquiry_end(alive, inquiry);
	}
}

static bool is_lately(struct instant now, struct instant since)
{
	return since.ns && instant_sub(now, since) < EARLY_S * NS_PER_SEC;
}

/* Somebody who did not begin a moment ago misses it: not all was off. */
static bool is_missed(const struct alive *alive, struct instant now, const struct inquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->accused; i++) {
		if (!is_lately(now, alive->slots[inquiry->accusations[i].by]->began))
			return true;
	}
	return false;
}

/* Who is missed with its neighbours may have nobody left to say so. */
static bool is_beside_missed(
	const struct alive *alive, struct instant now, const struct agent *agent)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = member_neighbours(alive, agent, neighbours);

	for (size_t i = 0; i < count; i++) {
		const struct inquiry *inquiry = alive->slots[neighbours[i].slot]->inquiry;

		if (inquiry && is_missed(alive, now, inquiry))
			return true;
	}
	return false;
}

bool inquiry_is_early(const struct alive *alive, struct instant now, const struct inquiry *inquiry)
{
	if (inquiry->agent->seen || inquiry->agent->status != ALIVE_UP)
		return false;
	if (inquiry->accused)
		return !is_missed(alive, now, inquiry);
	return is_lately(now, alive->began) && !is_beside_missed(alive, now, inquiry->agent);
}

void inquiry_ask_later(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	inquiry_ask_at(alive, instant_add(now, EARLY_S * NS_PER_SEC), inquiry);
}

/* ---- rounds -----------------------------------------------------------------------------------
 */

void inquiry_ask_on(struct alive *alive, struct inquiry *inquiry)
{
	if (inquiry->waiting)
		return;
	inquiry->waiting = true;
	alive->waiting++;
	TAILQ_INSERT_TAIL(&alive->turns, inquiry, turn);
}

static void withdraw(struct alive *alive, struct inquiry *inquiry)
{
	if (!inquiry->waiting)
		return;
	inquiry->waiting = false;
	alive->waiting--;
	TAILQ_REMOVE(&alive->turns, inquiry, turn);
}

static void begin(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	timer_stop(&alive->timers, &inquiry->question);
	inquiry->asking = true;
	inquiry->began = now;
	inquiry->sent = inquiry->failed = 0;
	inquiry->extra = 0;
	inquiry->kernel = inquiry->refuses = inquiry->answered = false;
	alive->counters.rounds++;
	inquiry_ask_on(alive, inquiry);
}

void inquiry_ask(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	const struct agent *agent = inquiry->agent;

	if (inquiry->asking || !agent->address.port || agent->status == ALIVE_LEFT ||
		agent->status == ALIVE_REVOKED)
		return;
	alive->config.random(alive->config.owner, &inquiry->nonce, sizeof(inquiry->nonce));
	inquiry->nonce |= !inquiry->nonce;
	inquiry->spread = false;
	begin(alive, now, inquiry);
}

/* Few are in doubt: those who shall watch are rather not dead themselves. */
static bool is_calm(const struct alive *alive)
{
	return alive->doubted <= CALM + alive->up / CALM_SHARE;
}

static void ask(struct alive *alive, struct instant now, struct timer *timer)
{
	struct inquiry *inquiry = timer_object(timer, struct inquiry, question);

	if (inquiry->orphan && inquiry->answered && is_calm(alive) &&
		!ringplan_watched(alive->plan, inquiry->agent->slot) &&
		ringplan_rescue(alive->plan, inquiry->agent->slot))
		member_follow(alive, now);
	inquiry_ask(alive, now, inquiry);
}

void inquiry_ask_at(struct alive *alive, struct instant at, struct inquiry *inquiry)
{
	timer_set(&alive->timers, &inquiry->question, at, ask);
}

static void ask_on(struct alive *alive, struct instant now, struct timer *timer)
{
	(void)now;
	inquiry_ask_on(alive, timer_object(timer, struct inquiry, question));
}

void inquiry_ask_on_at(struct alive *alive, struct instant at, struct inquiry *inquiry)
{
	timer_set(&alive->timers, &inquiry->question, at, ask_on);
}

bool inquiry_is_fresh(const struct inquiry *inquiry)
{
	return inquiry->failed < 3 * JUDGE_ROUND;
}

void inquiry_stop(struct alive *alive, struct inquiry *inquiry)
{
	inquiry->asking = false;
	timer_stop(&alive->timers, &inquiry->question);
	withdraw(alive, inquiry);
	inquiry_acquit(alive, inquiry);
	inquiry_touch(alive, inquiry);
}

void inquiry_again(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	if (inquiry->asking)
		begin(alive, now, inquiry);
}

void inquiry_restart_all(struct alive *alive, struct instant now)
{
	struct inquiry *inquiry;

	TAILQ_FOREACH (inquiry, &alive->inquiries, all) {
		if (!inquiry->asking)
			continue;
		inquiry_acquit(alive, inquiry);
		begin(alive, now, inquiry);
	}
}

void inquiry_spread(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = member_neighbours(alive, inquiry->agent, neighbours);

	if (inquiry->spread)
		return;
	inquiry->spread = true;
	for (size_t i = 0; i < count; i++) {
		struct agent *other = alive->slots[neighbours[i].slot];

		if (other->status == ALIVE_UP &&
			!accusation_find(inquiry->agent, neighbours[i].edge))
			inquiry_ask(alive, now, inquiry_of(alive, other));
	}
}

static void unanswered(struct alive *alive, struct instant now, struct timer *timer)
{
	struct inquiry *inquiry = timer_object(timer, struct inquiry, question);

	inquiry->failed = inquiry->sent;
	if (inquiry_is_early(alive, now, inquiry)) {
		inquiry_stop(alive, inquiry);
		inquiry_ask_later(alive, now, inquiry);
		return;
	}
	if (inquiry->failed >= DOUBT && member_counts(inquiry->agent)) {
		if (!inquiry->doubted)
			alive->doubted++;
		inquiry->doubted = true;
		domain_suspect(alive, now, inquiry);
		pulse_doubt(alive, now, inquiry->agent->domain);
		inquiry_spread(alive, now, inquiry);
	}
	judge(alive, now, inquiry);
}

void inquiry_sent(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	int64_t wait_ms = ++inquiry->sent % JUDGE_ROUND ? GAP_MS : ANSWER_MS;

	withdraw(alive, inquiry);
	timer_set(&alive->timers, &inquiry->question, instant_add(now, wait_ms * NS_PER_MS),
		unanswered);
}

static void rejudge(struct alive *alive, struct instant now, struct timer *timer)
{
	judge(alive, now, timer_object(timer, struct inquiry, question));
}

void inquiry_nudge(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	if (inquiry->asking && timer_runs(&inquiry->question) && inquiry->question.action == ask_on)
		timer_set(&alive->timers, &inquiry->question, now, rejudge);
}

void inquiry_hold_all(struct alive *alive, struct instant now)
{
	struct inquiry *inquiry;

	TAILQ_FOREACH (inquiry, &alive->inquiries, all) {
		if (!inquiry->ripe)
			continue;
		domain_unripe(inquiry);
		timer_set(&alive->timers, &inquiry->question, now, rejudge);
	}
}

/* ---- what becomes of it -----------------------------------------------------------------------
 */

void inquiry_acquit(struct alive *alive, struct inquiry *inquiry)
{
	if (inquiry->doubted)
		alive->doubted--;
	inquiry->doubted = false;
	domain_clear(alive, inquiry);
}

void inquiry_alive(struct alive *alive, struct instant now, struct agent *agent, bool spoke)
{
	struct inquiry *inquiry = agent->inquiry;

	alive->heard = now;
	agent->seen = true;
	if (agent->status == ALIVE_LEFT || agent->status == ALIVE_REVOKED)
		return;
	if (agent->status != ALIVE_UP)
		comeback(alive, now, agent, true);
	if (!inquiry)
		return;
	inquiry->answered = true;
	inquiry->spoke |= spoke;
	judge(alive, now, inquiry);
}

void inquiry_watch(struct alive *alive, struct instant now, struct agent *agent)
{
	bool orphan = member_counts(agent) && !member_is_watched(alive, agent);
	struct inquiry *inquiry = orphan ? inquiry_of(alive, agent) : agent->inquiry;

	if (!alive->started || !inquiry || inquiry->orphan == orphan)
		return;
	inquiry->orphan = orphan;
	inquiry_touch(alive, inquiry);
	if (orphan && !inquiry->asking)
		inquiry_ask_at(alive, instant_add(now, WATCH_S * NS_PER_SEC), inquiry);
}

static void end_grace(struct alive *alive, struct instant now, struct timer *timer)
{
	struct inquiry *inquiry = timer_object(timer, struct inquiry, grace);

	member_leave(alive, now, inquiry->agent);
	inquiry_touch(alive, inquiry);
	if (inquiry->agent->status != ALIVE_LEFT)
		inquiry_down(alive, now, inquiry);
}

void inquiry_down(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	uint8_t status = inquiry->agent->status;
	unsigned int most = status == ALIVE_HUNG || status == ALIVE_GONE ? WAIT_SOON : WAIT_DOUBLED;
	unsigned int doubled = inquiry->patience < most ? inquiry->patience : most;

	inquiry_stop(alive, inquiry);
	inquiry->patience++;
	if (inquiry->agent->member && !timer_runs(&inquiry->grace))
		timer_set(&alive->timers, &inquiry->grace, instant_add(now, GRACE_S * NS_PER_SEC),
			end_grace);
	if (status != ALIVE_LEFT && status != ALIVE_REVOKED)
		inquiry_ask_at(alive, instant_add(now, ((int64_t)WAIT_S << doubled) * NS_PER_SEC),
			inquiry);
}
