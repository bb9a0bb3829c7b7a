// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/pulse.h"

#include "cma/alive/alive_state.h"

enum {
	EVERY_MS = 10000,
	OFTEN_MS = 1000, /* while we are isolated */
	FIRST_MS = 700,	 /* for one to answer */
	OTHERS_MS = 2000,
	OTHERS = 8,
	DRAWS = 64,   /* to find those who are up */
	MAJORITY = 3, /* at least */
};

static void beat(struct alive *alive, struct instant now, struct timer *timer);
static void judge_others(struct alive *alive, struct instant now, struct timer *timer);

/* Any that is up; NULL: not found. */
static struct agent *draw(struct alive *alive)
{
	uint32_t chance;

	for (int i = 0; i < DRAWS; i++) {
		struct agent *agent;

		alive->config.random(alive->config.owner, &chance, sizeof(chance));
		agent = alive->slots[chance % alive->count];
		if (member_counts(agent))
			return agent;
	}
	return NULL;
}

/* So many different ones that are not asked already, as far as there are any. */
static void ask_some(struct alive *alive, struct instant now, int count)
{
	for (int i = 0; alive->count && i < count; i++) {
		struct agent *agent = draw(alive);

		if (!agent)
			return;
		inquiry_ask(alive, now, inquiry_of(alive, agent));
	}
}

static size_t others_of(const struct alive *alive)
{
	return alive->up < OTHERS ? alive->up : OTHERS;
}

static void set(struct alive *alive, struct instant now, int64_t wait_ms,
	void (*action)(struct alive *alive, struct instant now, struct timer *timer))
{
	timer_set(
		&alive->timers, &alive->pulse.timer, instant_add(now, wait_ms * NS_PER_MS), action);
}

static void rest(struct alive *alive, struct instant now)
{
	alive->pulse.asked = 0;
	set(alive, now, alive->isolated ? OFTEN_MS : EVERY_MS, beat);
}

static void isolate(struct alive *alive, struct instant now, bool majority)
{
	const struct alive_incident name = { .cause = ALIVE_CAUSE_ISOLATED };

	if (alive->isolated)
		return;
	alive->isolated = fault_open(alive, now, &name, alive->doubted, alive->up);
	alive->majority = majority;
	inquiry_hold_all(alive, now);
}

static void reunite(struct alive *alive, struct instant now)
{
	struct fault *fault = alive->isolated;

	alive->isolated = NULL;
	fault_clear(alive, fault);
	inquiry_restart_all(alive, now);
}

static bool was_heard(const struct alive *alive)
{
	return !instant_before(alive->heard, alive->pulse.began);
}

static void heard(struct alive *alive, struct instant now)
{
	if (alive->isolated && (!alive->majority || 5 * alive->doubted <= 2 * alive->up))
		reunite(alive, now);
	rest(alive, now);
}

static void judge_others(struct alive *alive, struct instant now, struct timer *timer)
{
	(void)timer;
	if (was_heard(alive)) {
		heard(alive, now);
		return;
	}
	if (alive->pulse.asked >= 2)
		isolate(alive, now, false);
	rest(alive, now);
}

static void judge_first(struct alive *alive, struct instant now, struct timer *timer)
{
	(void)timer;
	if (was_heard(alive)) {
		heard(alive, now);
		return;
	}
	ask_some(alive, now, OTHERS);
	alive->pulse.asked = others_of(alive);
	set(alive, now, OTHERS_MS, judge_others);
}

static void beat(struct alive *alive, struct instant now, struct timer *timer)
{
	(void)timer;
	if (!alive->up) {
		rest(alive, now);
		return;
	}
	alive->pulse.began = now;
	alive->pulse.asked = 1;
	ask_some(alive, now, alive->isolated ? OTHERS : 1);
	set(alive, now, FIRST_MS, judge_first);
}

void pulse_start(struct alive *alive, struct instant now)
{
	rest(alive, now);
}

void pulse_now(struct alive *alive, struct instant now)
{
	if (alive->pulse.asked)
		return;
	alive->pulse.began = now;
	ask_some(alive, now, OTHERS);
	alive->pulse.asked = others_of(alive);
	set(alive, now, OTHERS_MS, judge_others);
}

void pulse_doubt(struct alive *alive, struct instant now, const struct domain *domain)
{
	if (alive->isolated || alive->doubted < MAJORITY || 2 * alive->doubted <= alive->up)
		return;
	if (domain && 10 * domain->suspected >= 9 * alive->doubted)
		return;
	isolate(alive, now, true);
}
