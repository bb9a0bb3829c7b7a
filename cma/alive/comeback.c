// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/comeback.h"

#include "cma/alive/alive_state.h"
#include "cma/alive/judge.h"
#include "cma/alive/path.h"

enum {
	CALM_S = 3,	      /* after the last host came back */
	REPORT_S = 35,	      /* for its hosts to tell: longer than they wait between two tries */
	BOOT_S = 10,	      /* for the boot of a host to be told */
	LOOK_S = 10,	      /* while hosts of a switch are missing */
	MISSING_S = 60,	      /* after the others: those have failed themselves, */
	MISSING_BOOT_S = 300, /* if they did not have to boot */
	MOST_PERCENT = 60,
	NEARLY_ALL_PERCENT = 90,
};

static bool is_share(size_t part, size_t whole, unsigned int percent)
{
	return 100 * part >= percent * whole;
}

/* ---- what it really was -----------------------------------------------------------------------
 */

static struct fault *classify_host(struct alive *alive, struct fault *fault)
{
	const struct inquiry *inquiry = LIST_FIRST(&fault->concerned);
	struct alive_incident name = fault->name;

	if (fault->name.cause != ALIVE_CAUSE_HOST || !inquiry)
		return fault;
	if (fault->restarted) {
		name.cause = ALIVE_CAUSE_GONE;
	} else if (fault->lived && inquiry->agent->links == 1) {
		name.cause = ALIVE_CAUSE_LINK;
		name.node = inquiry->agent->cables[0].port;
	}
	return fault_reclassify(alive, fault, &name);
}

static void classify_group(struct alive *alive, struct fault *fault)
{
	size_t lived = fault->lived + fault->restarted, back = lived + fault->rebooted;
	struct alive_incident name = fault->name;

	if (!back || !is_share(back, back + fault->down, MOST_PERCENT))
		return;
	if (is_share(fault->rebooted, back, NEARLY_ALL_PERCENT))
		name.cause = ALIVE_CAUSE_POWER;
	else if (is_share(lived, back, NEARLY_ALL_PERCENT) && 4 * fault->apart < fault->inside &&
		!fault->unplugged)
		name.cause = ALIVE_CAUSE_PARTITION;
	fault_reclassify(alive, fault, &name);
}

/* ---- when it is over --------------------------------------------------------------------------
 */

static bool awaits_boot(const struct fault *fault, struct instant now)
{
	const struct inquiry *inquiry;

	if (instant_sub(now, fault->returned) >= BOOT_S * NS_PER_SEC)
		return false;
	LIST_FOREACH (inquiry, &fault->concerned, concerned) {
		if (inquiry->boot_unknown)
			return true;
	}
	return false;
}

/* Most are back for long: what is still missing did not fail by the common cause alone. */
static void part(struct alive *alive, struct instant now, struct fault *fault)
{
	size_t back = fault->lived + fault->restarted + fault->rebooted;
	int64_t wait_s = fault->rebooted ? MISSING_BOOT_S : MISSING_S;
	struct inquiry *inquiry, *next;

	if (!is_share(back, back + fault->down, MOST_PERCENT) ||
		instant_sub(now, fault->returned) < wait_s * NS_PER_SEC)
		return;
	for (inquiry = LIST_FIRST(&fault->concerned); inquiry; inquiry = next) {
		next = LIST_NEXT(inquiry, concerned);
		if (inquiry->agent->status == ALIVE_UNREACHABLE)
			judge_declare(alive, now, inquiry, ALIVE_DOWN, ALIVE_CAUSE_HOST);
	}
}

/*
 * Its hosts lived: whether they heard each other meanwhile, which is what tells a switch from its
 * uplink, waits in their queues for the next time that they try to tell.
 */
static bool awaits_reports(const struct fault *fault, struct instant now)
{
	size_t lived = fault->lived + fault->restarted;

	return fault_is_group(fault) && lived && !fault->rebooted && !fault->unplugged &&
		4 * fault->apart < fault->inside &&
		!is_share(fault->reported, lived, MOST_PERCENT) &&
		instant_sub(now, fault->returned) < REPORT_S * NS_PER_SEC;
}

static void settle(struct alive *alive, struct instant now, struct timer *timer)
{
	struct fault *fault = timer_object(timer, struct fault, timer);

	if (awaits_boot(fault, now) || awaits_reports(fault, now)) {
		comeback_look(alive, now, fault, 1);
		return;
	}
	if (fault_is_group(fault)) {
		classify_group(alive, fault);
		part(alive, now, fault);
	} else if (!fault->down) {
		fault = classify_host(alive, fault);
	}
	if (!fault->down && !fault->support)
		fault_clear(alive, fault);
	else if (fault->down && fault_is_group(fault))
		comeback_look(alive, now, fault, LOOK_S);
}

void comeback_look(struct alive *alive, struct instant now, struct fault *fault, int wait_s)
{
	timer_set(&alive->timers, &fault->timer, instant_add(now, wait_s * NS_PER_SEC), settle);
}

/* ---- inputs -----------------------------------------------------------------------------------
 */

/* It need not call, and so not say which list it holds: that may be another one by now, or none. */
static void watch_again(struct alive *alive, struct instant now, struct agent *agent)
{
	if (!agent->member && agent->address.port)
		member_at(alive, now, agent, &agent->address);
	else if (agent->member && agent->untold)
		member_tell(alive, now, agent);
}

void comeback(struct alive *alive, struct instant now, struct agent *agent, bool same_run)
{
	struct inquiry *inquiry = inquiry_of(alive, agent);
	struct fault *fault = inquiry->fault;

	timer_stop(&alive->timers, &inquiry->grace);
	inquiry_stop(alive, inquiry);
	inquiry->patience = 0;
	inquiry->vouched = false;
	member_set_status(alive, now, agent, ALIVE_UP);
	if (same_run)
		watch_again(alive, now, agent);
	if (inquiry->accused)
		path_expect(alive, now, inquiry);
	if (!fault)
		return;
	fault->returned = now;
	fault->lived += same_run;
	inquiry->boot_unknown = !same_run;
	comeback_look(alive, now, fault, CALM_S);
}

void comeback_boot(struct alive *alive, struct instant now, struct agent *agent, uint64_t boot)
{
	struct inquiry *inquiry = agent->inquiry;
	bool same = !boot || agent->boot == boot;

	(void)now;
	(void)alive;
	if (boot)
		agent->boot = boot;
	if (!inquiry || !inquiry->boot_unknown)
		return;
	inquiry->boot_unknown = false;
	inquiry_touch(alive, inquiry);
	if (!inquiry->fault)
		return;
	if (same)
		inquiry->fault->restarted++;
	else
		inquiry->fault->rebooted++;
}

void comeback_reported(const struct agent *agent)
{
	struct inquiry *inquiry = agent->inquiry;

	if (!inquiry || !inquiry->fault || inquiry->reported || agent->status != ALIVE_UP)
		return;
	inquiry->reported = true;
	inquiry->fault->reported++;
}

void comeback_apart(const struct agent *one, const struct agent *other)
{
	if (one->inquiry && other->inquiry && one->inquiry->fault &&
		one->inquiry->fault == other->inquiry->fault)
		one->inquiry->fault->apart++;
}
