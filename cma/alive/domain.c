// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/domain.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/alive/alive_state.h"
#include "cma/alive/cable.h"
#include "cma/alive/judge.h"

enum {
	SETTLE_MS = 1000, /* from the first suspicion */
	QUIET_MS = 1500,  /* from the latest one, when there are several, */
	SETTLE_MOST_MS = 5000,
	SEVERAL = 2, /* but not */
	CROWD = 3,   /* hosts, at least, and */
	CROWD_PERCENT = 60,
	RECENT_S = 60, /* a death goes with those that follow */
};

/* ---- who is in it -----------------------------------------------------------------------------
 */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return ((hash ^ value) * 0x9e3779b97f4a7c15u) ^ (hash >> 29);
}

/* The switch with the lowest id; 0: none is known. */
static uint64_t lowest_switch(const struct alive_place *place)
{
	uint64_t lowest = 0;

	for (size_t i = 0; i < place->links && i < ALIVE_LINKS; i++) {
		if (!lowest || place->link[i].sw < lowest)
			lowest = place->link[i].sw;
	}
	return lowest;
}

static struct domain *find(struct alive *alive, uint32_t tenant, uint64_t key)
{
	struct table_link *link = table_find(&alive->domains, key);
	struct domain *domain;

	if (link)
		return table_object(link, struct domain, by_key);
	domain = mem_alloc(1, sizeof(*domain));
	domain->tenant = tenant;
	TAILQ_INIT(&domain->suspects);
	TAILQ_INIT(&domain->recent);
	table_insert(&alive->domains, &domain->by_key, key);
	return domain;
}

/* NULL: nothing is known of the place. */
static struct domain *domain_at(
	struct alive *alive, uint32_t tenant, const struct alive_place *place)
{
	uint64_t sw = lowest_switch(place), node = sw ? sw : place->subnet;
	struct domain *domain;

	if (!node)
		return NULL;
	domain = find(alive, tenant, mix(mix(tenant, sw != 0), node));
	domain->is_subnet = !sw;
	domain->node = node;
	return domain;
}

/* Agents may tell of ever new places: one that nobody is at any more is forgotten. */
static void forget_unused(struct alive *alive, struct domain *domain)
{
	if (!LIST_EMPTY(&domain->agents) || !TAILQ_EMPTY(&domain->suspects) ||
		!TAILQ_EMPTY(&domain->recent) || timer_runs(&domain->window))
		return;
	table_remove(&alive->domains, &domain->by_key);
	free(domain);
}

static void set_cables(struct agent *agent, const struct alive_place *place)
{
	free(agent->cables);
	agent->cables = NULL;
	agent->subnet = place->subnet;
	agent->links = place->links < ALIVE_LINKS ? place->links : ALIVE_LINKS;
	if (agent->links)
		agent->cables = mem_alloc(agent->links, sizeof(*agent->cables));
	for (size_t i = 0; i < agent->links; i++)
		agent->cables[i] = (struct cable){ place->link[i].sw, place->link[i].port };
}

bool domain_place(struct alive *alive, struct agent *agent, const struct alive_place *place)
{
	struct domain *domain = domain_at(alive, agent->tenant, place), *before = agent->domain;
	bool counts = member_counts(agent);

	set_cables(agent, place);
	if (domain == before)
		return false;
	if (agent->inquiry)
		domain_clear(alive, agent->inquiry);
	if (before) {
		LIST_REMOVE(agent, beside);
		domain_count(agent, -counts);
	}
	agent->domain = domain;
	agent->detached = false;
	if (domain) {
		LIST_INSERT_HEAD(&domain->agents, agent, beside);
		domain_count(agent, counts);
	}
	if (before)
		forget_unused(alive, before);
	return true;
}

uint64_t domain_node(const struct domain *domain)
{
	return domain ? domain->node : 0;
}

void domain_count(const struct agent *agent, int change)
{
	agent->domain->up += (size_t)change;
	if (agent->detached)
		agent->domain->detached += (size_t)change;
}

static bool is_detached(const struct agent *agent)
{
	unsigned int links = 0;

	for (unsigned int i = 0; i < agent->links; i++) {
		if (agent->cables[i].sw != agent->domain->node)
			continue;
		if (!(agent->lost & 1u << i))
			return false;
		links++;
	}
	return links > 0;
}

void domain_detach(struct agent *agent)
{
	bool before = agent->detached;

	if (!agent->domain)
		return;
	agent->detached = is_detached(agent);
	if (member_counts(agent))
		agent->domain->detached += (size_t)(agent->detached - before);
}

/* ---- suspicion --------------------------------------------------------------------------------
 */

/* Who lost the switch and lives by another one has nothing more to say of it. */
static size_t crowd_of(const struct domain *domain)
{
	size_t all = domain->up + domain->recents - domain->detached;
	size_t share = (all * CROWD_PERCENT + 99) / 100;

	return share > CROWD ? share : CROWD;
}

bool domain_is_crowd(const struct domain *domain)
{
	return domain->suspected + domain->recents >= crowd_of(domain) &&
		domain->accused + domain->recents >= CROWD;
}

static void forget_old(struct instant now, struct domain *domain)
{
	struct fault *fault;

	while ((fault = TAILQ_FIRST(&domain->recent)) != NULL &&
		instant_sub(now, fault->opened) > RECENT_S * NS_PER_SEC)
		fault_forget_recent(fault);
}

static bool is_open(const struct domain *domain)
{
	return timer_runs(&domain->window);
}

uint32_t domain_inside(const struct alive *alive, const struct agent *agent)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, agent, neighbours);
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += alive->slots[neighbours[i].slot]->domain == agent->domain;
	return count;
}

static void join(
	struct alive *alive, struct instant now, struct fault *fault, struct inquiry *inquiry)
{
	inquiry_stop(alive, inquiry);
	member_set_status(alive, now, inquiry->agent, ALIVE_UNREACHABLE);
	fault_concern(alive, fault, inquiry);
	fault->inside += domain_inside(alive, inquiry->agent);
	inquiry->reported = false;
	inquiry->patience = 0;
	inquiry_down(alive, now, inquiry);
}

/* Deaths of single hosts that were told a moment ago were the beginning of it. NULL: none. */
static struct fault *absorb(struct alive *alive, struct instant now, struct domain *domain,
	const struct alive_incident *name)
{
	struct fault *fault = NULL, *host;

	while ((host = TAILQ_FIRST(&domain->recent)) != NULL) {
		struct inquiry *inquiry = LIST_FIRST(&host->concerned);

		fault_forget_recent(host);
		if (!inquiry || inquiry->agent->status != ALIVE_DOWN)
			continue;
		member_set_status(alive, now, inquiry->agent, ALIVE_UNREACHABLE);
		fault = fault_reclassify(alive, host, name);
	}
	return fault;
}

static void fail(struct alive *alive, struct instant now, struct domain *domain)
{
	const struct alive_incident name = {
		.cause = domain->is_subnet ? ALIVE_CAUSE_PARTITION : ALIVE_CAUSE_SWITCH,
		.tenant = domain->tenant,
		.node = domain->node,
	};
	struct fault *fault = absorb(alive, now, domain, &name);
	struct inquiry *inquiry, *next;

	if (!fault)
		fault = cable_absorb(alive, &name);
	if (!fault)
		fault = fault_open(alive, now, &name, domain->ripe, domain->up);
	for (inquiry = TAILQ_FIRST(&domain->suspects); inquiry; inquiry = next) {
		next = TAILQ_NEXT(inquiry, suspect);
		if (inquiry->ripe)
			join(alive, now, fault, inquiry);
	}
	cable_review(alive, now, &name);
}

static void fail_each(struct alive *alive, struct instant now, struct domain *domain)
{
	struct inquiry *inquiry, *next;

	for (inquiry = TAILQ_FIRST(&domain->suspects); inquiry; inquiry = next) {
		next = TAILQ_NEXT(inquiry, suspect);
		if (!inquiry->ripe)
			continue;
		judge_declare(alive, now, inquiry, ALIVE_DOWN, ALIVE_CAUSE_HOST);
		fault_remember_recent(inquiry->fault, domain);
	}
}

static void decide(struct alive *alive, struct instant now, struct domain *domain)
{
	size_t crowd;

	forget_old(now, domain);
	crowd = crowd_of(domain);
	if (!domain->ripe || is_open(domain) || alive->isolated)
		return;
	domain->deciding = true;
	if (domain->suspected + domain->recents < crowd)
		fail_each(alive, now, domain);
	else if (domain->ripe + domain->recents >= crowd)
		fail(alive, now, domain);
	domain->deciding = false;
}

static void settle(struct alive *alive, struct instant now, struct timer *timer)
{
	struct domain *domain = timer_object(timer, struct domain, window);
	struct instant end = instant_first(instant_add(domain->last, QUIET_MS * NS_PER_MS),
		instant_add(domain->opened, SETTLE_MOST_MS * NS_PER_MS));

	if (domain->suspected >= SEVERAL && !domain_is_crowd(domain) && instant_before(now, end))
		timer_set(&alive->timers, timer, end, settle);
	decide(alive, now, domain);
	forget_unused(alive, domain);
}

static void open_window(struct alive *alive, struct instant now, struct domain *domain)
{
	if (is_open(domain))
		return;
	domain->opened = now;
	timer_set(&alive->timers, &domain->window, instant_add(now, SETTLE_MS * NS_PER_MS), settle);
}

void domain_suspect(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	struct domain *domain = inquiry->agent->domain;

	if (!domain || inquiry->suspected || !member_counts(inquiry->agent))
		return;
	inquiry->suspected = true;
	TAILQ_INSERT_TAIL(&domain->suspects, inquiry, suspect);
	domain->last = now;
	if (!domain->suspected++)
		open_window(alive, now, domain);
}

void domain_accused(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	struct domain *domain = inquiry->agent->domain;

	domain_suspect(alive, now, inquiry);
	if (!inquiry->suspected)
		return;
	domain->accused += !inquiry->counted;
	inquiry->counted = true;
	if (inquiry->accused == 1)
		open_window(alive, now, domain);
}

void domain_unripe(struct inquiry *inquiry)
{
	struct domain *domain = inquiry->agent->domain;

	if (domain)
		domain->ripe -= inquiry->ripe;
	inquiry->ripe = false;
}

/* They waited for a crowd that another one was needed for, which is back: they may be, too. */
static void ask_again(struct alive *alive, struct domain *domain)
{
	struct inquiry *inquiry;

	TAILQ_FOREACH (inquiry, &domain->suspects, suspect) {
		if (!inquiry->ripe)
			continue;
		domain_unripe(inquiry);
		inquiry_again(alive, alive->heard, inquiry);
	}
}

void domain_clear(struct alive *alive, struct inquiry *inquiry)
{
	struct domain *domain = inquiry->agent->domain;

	if (!inquiry->suspected)
		return;
	inquiry->suspected = false;
	TAILQ_REMOVE(&domain->suspects, inquiry, suspect);
	domain->suspected--;
	domain->accused -= inquiry->counted;
	inquiry->counted = false;
	domain_unripe(inquiry);
	if (domain->ripe && !is_open(domain) && !domain->deciding)
		ask_again(alive, domain);
}

/* The switch of its domain failed, or another one that it was plugged into until now. */
static struct fault *find_group(
	const struct alive *alive, struct instant now, const struct agent *agent)
{
	const struct domain *domain = agent->domain;
	struct fault *fault = domain ? fault_find_group(alive, domain->tenant, domain->node) : NULL;

	for (unsigned int i = 0; !fault && i < agent->links; i++) {
		if (agent->lost & 1u << i)
			continue;
		fault = fault_find_group(alive, agent->tenant, agent->cables[i].sw);
		if (fault && instant_sub(now, fault->opened) > RECENT_S * NS_PER_SEC)
			fault = NULL;
	}
	return fault;
}

void domain_ripe(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	struct domain *domain = inquiry->agent->domain;
	struct fault *fault = find_group(alive, now, inquiry->agent);

	if (fault) {
		join(alive, now, fault, inquiry);
		return;
	}
	if (!domain) {
		judge_declare(alive, now, inquiry, ALIVE_DOWN, ALIVE_CAUSE_HOST);
		return;
	}
	domain_suspect(alive, now, inquiry);
	domain->ripe += !inquiry->ripe;
	inquiry->ripe = true;
	decide(alive, now, domain);
}
