// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/cable.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cma/alive/alive_state.h"

enum {
	SETTLE_MS = 1500, /* for others to lose the same switch */
	TOGETHER_S = 5,	  /* two hosts that lose it in that time, */
	TTL_S = 40,	  /* or three in that, as LLDP forgets, mean the switch */
};

struct lost {
	LIST_ENTRY(lost) beside;
	struct agent *agent;
	uint64_t port;
	struct instant since;
	struct fault *fault;
};

/* What is lost of the links to one switch. */
struct trunk {
	struct table_link by_switch;
	uint64_t sw;
	uint32_t tenant;
	LIST_HEAD(, lost) lost;
	struct timer timer;
};

static uint64_t hash_of(uint32_t tenant, uint64_t sw)
{
	return (sw ^ (uint64_t)tenant << 40) * 0x9e3779b97f4a7c15u >> 20;
}

static struct trunk *find_trunk(const struct alive *alive, uint32_t tenant, uint64_t sw)
{
	struct table_link *link = table_find(&alive->trunks, hash_of(tenant, sw));

	for (; link; link = table_find_next(link)) {
		struct trunk *trunk = table_object(link, struct trunk, by_switch);

		if (trunk->sw == sw && trunk->tenant == tenant)
			return trunk;
	}
	return NULL;
}

static struct trunk *trunk_of(struct alive *alive, uint32_t tenant, uint64_t sw)
{
	struct trunk *trunk = find_trunk(alive, tenant, sw);

	if (trunk)
		return trunk;
	trunk = mem_alloc(1, sizeof(*trunk));
	trunk->sw = sw;
	trunk->tenant = tenant;
	table_insert(&alive->trunks, &trunk->by_switch, hash_of(tenant, sw));
	return trunk;
}

static void free_trunk(void *owner, struct table_link *link)
{
	struct trunk *trunk = table_object(link, struct trunk, by_switch);
	struct lost *lost;

	(void)owner;
	while ((lost = LIST_FIRST(&trunk->lost)) != NULL) {
		LIST_REMOVE(lost, beside);
		free(lost);
	}
	free(trunk);
}

void cable_free(struct alive *alive)
{
	table_each(&alive->trunks, free_trunk, NULL);
	table_deinit(&alive->trunks);
}

/* ---- link or switch ---------------------------------------------------------------------------
 */

static bool lost_all(const struct agent *agent, uint64_t sw)
{
	for (unsigned int i = 0; i < agent->links; i++) {
		if (agent->cables[i].sw == sw && !(agent->lost & 1u << i))
			return false;
	}
	return true;
}

/* Hosts that lost the switch in the last so many seconds. */
static size_t hosts_without(struct instant now, const struct trunk *trunk, int64_t seconds)
{
	const struct agent *last = NULL; /* links of one host stand together */
	const struct lost *lost;
	size_t count = 0;

	LIST_FOREACH (lost, &trunk->lost, beside) {
		if (lost->agent == last || instant_sub(now, lost->since) > seconds * NS_PER_SEC ||
			!lost_all(lost->agent, trunk->sw))
			continue;
		last = lost->agent;
		count++;
	}
	return count;
}

static bool is_unplugged(const struct alive_incident *name)
{
	return name->cause != ALIVE_CAUSE_LINK;
}

static void attribute(struct alive *alive, struct instant now, struct lost *lost,
	const struct alive_incident *name)
{
	struct fault *fault = fault_find(alive, name), *old = lost->fault;

	if (old && old == fault) {
		fault->unplugged |= is_unplugged(name);
		return;
	}
	if (old && !fault) {
		fault_reclassify(alive, old, name)->unplugged |= is_unplugged(name);
		return;
	}
	if (!fault)
		fault = fault_open(alive, now, name, 1, 1);
	fault->unplugged |= is_unplugged(name);
	lost->fault = fault;
	fault->support++;
	fault_event(alive,
		&(struct alive_event){ .kind = ALIVE_EVENT_CONCERNS,
			.incident = *name,
			.agent = lost->agent->id });
	if (old && !--old->support)
		fault_clear(alive, old);
}

/* Link or switch; in the second case what was told as links before becomes the switch. */
static struct alive_incident name_of(struct instant now, const struct trunk *trunk,
	const struct lost *lost, bool is_switch, const struct fault *group)
{
	struct alive_incident name = {
		.cause = ALIVE_CAUSE_LINK,
		.tenant = trunk->tenant,
		.node = lost->port,
	};

	if (is_switch && lost_all(lost->agent, trunk->sw) &&
		instant_sub(now, lost->since) <= TTL_S * NS_PER_SEC) {
		name.cause = group ? group->name.cause : ALIVE_CAUSE_SWITCH;
		name.node = trunk->sw;
	}
	return name;
}

/* Those that had an incident, or those that had none. */
static void attribute_all(struct alive *alive, struct instant now, struct trunk *trunk, bool had,
	bool is_switch, const struct fault *group)
{
	struct lost *lost;

	LIST_FOREACH (lost, &trunk->lost, beside) {
		struct alive_incident name = name_of(now, trunk, lost, is_switch, group);

		if ((lost->fault != NULL) == had && !(had && name.cause == ALIVE_CAUSE_LINK))
			attribute(alive, now, lost, &name);
	}
}

static void forget_unused(struct alive *alive, struct trunk *trunk)
{
	if (!LIST_EMPTY(&trunk->lost) || timer_runs(&trunk->timer))
		return;
	table_remove(&alive->trunks, &trunk->by_switch);
	free(trunk);
}

static void decide(struct alive *alive, struct instant now, struct timer *timer)
{
	struct trunk *trunk = timer_object(timer, struct trunk, timer);
	struct fault *group = fault_find_group(alive, trunk->tenant, trunk->sw);
	bool is_switch = group || hosts_without(now, trunk, TOGETHER_S) >= 2 ||
		hosts_without(now, trunk, TTL_S) >= 3;

	/* First those that have an incident: one of them may become that of the switch. */
	attribute_all(alive, now, trunk, true, is_switch, group);
	attribute_all(alive, now, trunk, false, is_switch, group);
	forget_unused(alive, trunk);
}

struct fault *cable_absorb(struct alive *alive, const struct alive_incident *name)
{
	const struct trunk *trunk = find_trunk(alive, name->tenant, name->node);
	const struct lost *lost;

	if (!trunk)
		return NULL;
	LIST_FOREACH (lost, &trunk->lost, beside) {
		if (lost->fault && lost->fault->name.cause == ALIVE_CAUSE_LINK &&
			lost_all(lost->agent, trunk->sw))
			return fault_reclassify(alive, lost->fault, name);
	}
	return NULL;
}

void cable_review(struct alive *alive, struct instant now, const struct alive_incident *name)
{
	struct trunk *trunk = find_trunk(alive, name->tenant, name->node);

	if (trunk && !timer_runs(&trunk->timer))
		decide(alive, now, &trunk->timer);
}

/* ---- what is plugged in -----------------------------------------------------------------------
 */

static struct lost *add(
	struct alive *alive, struct instant now, struct agent *agent, const struct cable *cable)
{
	struct trunk *trunk = trunk_of(alive, agent->tenant, cable->sw);
	struct lost *lost = mem_alloc(1, sizeof(*lost)), *other;

	lost->agent = agent;
	lost->port = cable->port;
	lost->since = now;
	LIST_FOREACH (other, &trunk->lost, beside) {
		if (other->agent == agent)
			break;
	}
	if (other)
		LIST_INSERT_AFTER(other, lost, beside);
	else
		LIST_INSERT_HEAD(&trunk->lost, lost, beside);
	return lost;
}

static void lose(struct alive *alive, struct instant now, struct agent *agent, unsigned int i)
{
	struct trunk *trunk = trunk_of(alive, agent->tenant, agent->cables[i].sw);

	agent->lost |= (uint8_t)(1u << i);
	domain_detach(agent);
	add(alive, now, agent, &agent->cables[i]);
	if (!timer_runs(&trunk->timer))
		timer_set(&alive->timers, &trunk->timer, instant_add(now, SETTLE_MS * NS_PER_MS),
			decide);
}

static void restore(struct alive *alive, struct instant now, struct agent *agent, unsigned int i)
{
	struct trunk *trunk = find_trunk(alive, agent->tenant, agent->cables[i].sw);
	struct lost *lost;

	agent->lost &= (uint8_t) ~(1u << i);
	domain_detach(agent);
	if (!trunk)
		return; /* cannot be */
	LIST_FOREACH (lost, &trunk->lost, beside) {
		if (lost->agent == agent && lost->port == agent->cables[i].port)
			break;
	}
	if (!lost)
		return;
	LIST_REMOVE(lost, beside);
	if (lost->fault)
		fault_unsupport(alive, now, lost->fault);
	free(lost);
	forget_unused(alive, trunk);
}

void cable_load(struct alive *alive, struct agent *agent, struct fault *fault)
{
	bool is_link = fault->name.cause == ALIVE_CAUSE_LINK;
	struct cable cable = { .sw = is_link ? 0 : fault->name.node,
		.port = is_link ? fault->name.node : 0 };
	struct lost *lost;

	if (agent->links == ALIVE_LINKS)
		return;
	agent->cables = mem_resize(agent->cables, agent->links + 1u, sizeof(*agent->cables));
	agent->cables[agent->links] = cable;
	agent->lost |= (uint8_t)(1u << agent->links++);
	lost = add(alive, (struct instant){ 0 }, agent, &cable); /* long ago */
	lost->fault = fault;
	fault->support++;
}

/* What is lost since before we started is known by its port or by its switch only. */
static bool is_same(const struct cable *cable, uint64_t sw, uint64_t port)
{
	return cable->port ? cable->port == port : cable->sw == sw;
}

static bool is_in(const struct alive_place *place, const struct cable *cable)
{
	for (size_t i = 0; i < place->links && i < ALIVE_LINKS; i++) {
		if (is_same(cable, place->link[i].sw, place->link[i].port))
			return true;
	}
	return false;
}

static bool has_new(const struct agent *agent, const struct alive_place *place)
{
	for (size_t i = 0; i < place->links && i < ALIVE_LINKS; i++) {
		unsigned int j = 0;

		while (j < agent->links &&
			!is_same(&agent->cables[j], place->link[i].sw, place->link[i].port))
			j++;
		if (j == agent->links)
			return true;
	}
	return false;
}

void cable_forget(struct alive *alive, struct instant now, struct agent *agent)
{
	for (unsigned int i = 0; i < agent->links; i++) {
		if (agent->lost & 1u << i)
			restore(alive, now, agent, i);
	}
}

/* It is plugged in so from now on. */
static void adopt(struct alive *alive, struct instant now, struct agent *agent,
	const struct alive_place *place)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, agent, neighbours);

	cable_forget(alive, now, agent);
	if (!domain_place(alive, agent, place) || !agent->member)
		return;
	ringplan_move(alive->plan, agent->slot, domain_node(agent->domain));
	member_mend(alive, now);
	member_tell(alive, now, agent);
	for (size_t i = 0; i < n; i++)
		member_tell(alive, now, alive->slots[neighbours[i].slot]);
}

void cable_place(struct alive *alive, struct instant now, struct agent *agent,
	const struct alive_place *place)
{
	if (!agent->links || agent->status != ALIVE_UP || has_new(agent, place)) {
		adopt(alive, now, agent, place);
		return;
	}
	if (!place->links)
		return; /* LLDP went, not the cables */
	for (unsigned int i = 0; i < agent->links; i++) {
		bool is_lost = agent->lost & 1u << i, here = is_in(place, &agent->cables[i]);

		if (is_lost && here)
			restore(alive, now, agent, i);
		else if (!is_lost && !here)
			lose(alive, now, agent, i);
	}
	if (!agent->lost)
		adopt(alive, now, agent, place);
}
