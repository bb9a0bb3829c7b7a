// SPDX-License-Identifier: Apache-2.0
/* The hosts of a simulated world, and what must hold of each. */
#include <string.h>

#include "cma/hub_admit.h"
#include "tests/sim/world_state.h"

#define AGENT_DOWN_MOST (20 * NS_PER_SEC)
#define REVOKED_MOST	(60 * NS_PER_SEC) /* after longer, an agent that is let in calls later */

/* Half of them are back at once, while the old process's packets are still under way. */
static int64_t down_time(struct world *world)
{
	bool back = random_percent(&world->estate.random, 50);

	return back ? 0 : (int64_t)random_below(&world->estate.random, AGENT_DOWN_MOST);
}

static void send_all(struct world *world, struct host *host)
{
	uint8_t datagram[PACKET_MAX];
	size_t size;

	while ((size = uplink_output(host->uplink, world->now, datagram)))
		world_send(world, host, &host->address, &world->cma, SPAN(datagram, size));
}

/* Some take their leave, most are killed. */
static void restart_agent(struct world *world, struct host *host)
{
	if (host->uplink) {
		if (random_percent(&world->estate.random, 25)) {
			uplink_leave(host->uplink);
			send_all(world, host);
		}
		host_stop(host);
		host->restarts++;
		host->restart_at = instant_add(world->now, down_time(world));
	} else {
		host_start(host, &world->estate);
		host->process = ++world->processes;
		host->restart_at = world_around(world, world->config.agent_restart_ns);
	}
}

static struct instant revoked_until(struct world *world)
{
	return instant_add(world->now, (int64_t)random_below(&world->estate.random, REVOKED_MOST));
}

void world_host_restored(struct world *world, struct host *host)
{
	host->old_incarnation = 0;
	if (world->config.revoke_ns) { /* the backup may say so: nobody leaves it at that */
		host->revoked = true;
		host->revoke_at = revoked_until(world);
		schedule_set(
			&world->schedule, WORLD_HOSTS + (size_t)(host - world->hosts), world->now);
	}
	if (!host->uplink)
		return;
	host->old_incarnation = uplink_status(host->uplink)->incarnation;
	host->old_sessions = uplink_status(host->uplink)->sessions;
	host->checked = 0;
}

/*
 * What an agent believes to be durable is committed: always, and after any crash. Only after a
 * restore it may be behind, and then no session with the CMA goes on before a new stream began.
 * (One may have been on its way when the old CMA ended.)
 */
static const char *check_acks(struct world *world, struct host *host)
{
	const struct uplink_status *status = uplink_status(host->uplink);
	uint64_t durable = world->ops->durable(world->store, host->key.public, status->incarnation);
	uint32_t tenant;

	if (host->old_incarnation != status->incarnation)
		host->old_incarnation = 0;
	/* One that the backup does not know at all enrols again, and has nobody to tell. */
	world->ops->sum(world->store, host->key.public, &tenant);
	world->figures.behind +=
		!host->behind && !host->cloned && tenant && status->durable > durable;
	host->behind = status->durable > durable;
	if (!host->behind || host->cloned)
		return NULL;
	if (!host->old_incarnation)
		return "acknowledged, but not committed";
	return status->sessions > host->old_sessions + 1
		? "nobody noticed that the CMA was restored"
		: NULL;
}

/* Looks at an agent, unless nothing has changed since the last look. */
const char *world_check_host(struct world *world, struct host *host)
{
	const struct uplink_status *status = host->uplink ? uplink_status(host->uplink) : NULL;
	const char *wrong;

	if (!status ||
		(host->checked == world->version && host->checked_durable == status->durable &&
			host->checked_sessions == status->sessions))
		return NULL;
	wrong = check_acks(world, host);
	if (wrong || !status->settled || host->behind || host->cloned)
		return wrong;
	host->checked = world->version;
	host->checked_durable = status->durable;
	host->checked_sessions = status->sessions;
	return host_is_known(host, world->ops, world->store)
		? NULL
		: "an agent has nothing left to tell, and the CMA knows something else";
}

static void change(struct world *world, struct host *host)
{
	static const uint8_t nobody[WARRANT_ID];

	host_change(host, &world->estate);
	world->figures.changes++;
	if (host->uplink && random_percent(&world->estate.random, world->config.results))
		host_tell_result(host, nobody);
	if (world->hub && random_percent(&world->estate.random, world->config.commands)) {
		orders_give(world->estate.orders, world->hub, world->now, world_wall_ms(world),
			host->key.public, host->judge.run);
		world->figures.commands++;
		schedule_set(&world->schedule, WORLD_CMA, world->now);
	}
	host->change_at = world_around(world, world->config.change_ns);
}

void world_revoke(struct world *world, struct host *host, bool revoked)
{
	struct hub_agent agent = { .id = 0 };
	uint32_t tenant;

	host->revoked = revoked;
	host->revoke_at =
		revoked ? revoked_until(world) : world_around(world, world->config.revoke_ns);
	world->figures.revoked += revoked;
	world->ops->set_revoked(world->store, host->key.public, revoked);
	world->ops->sum(world->store, host->key.public, &tenant);
	memcpy(agent.key, host->key.public, SEAL_KEY);
	if (world->hub && revoked)
		hub_revoke(world->hub, agent.key);
	else if (world->hub && tenant) /* it is known, and stays what it was */
		hub_admit(world->hub, &agent, false);
}

const char *world_serve_host(struct world *world, struct host *host)
{
	size_t slot = WORLD_HOSTS + (size_t)(host - world->hosts);
	struct instant next;

	if (world_due(world, host->change_at))
		change(world, host);
	if (world_due(world, host->restart_at))
		restart_agent(world, host);
	if (world_due(world, host->move_at)) {
		host->address.port++;
		host->move_at = world_around(world, world->config.agent_move_ns);
	}
	if (world_due(world, host->revoke_at))
		world_revoke(world, host, !host->revoked);
	next = instant_first(host->change_at, host->restart_at);
	next = instant_first(next, host->revoke_at);
	next = instant_first(next, host->move_at);
	if (host->uplink) {
		send_all(world, host);
		host_keep(host);
		next = instant_first(next, uplink_deadline(host->uplink));
	}
	schedule_set(&world->schedule, slot, next);
	return world_check_host(world, host);
}

const char *world_host_input(struct world *world, struct host *host, const struct flight *flight)
{
	bool known = flight->taken_by == host->process && flight->bytes[0] == PACKET_DATA;
	uint64_t before;

	if (!host->uplink || flight->to.port != host->address.port)
		return NULL;
	before = uplink_status(host->uplink)->ignored;
	uplink_input(host->uplink, world->now, SPAN(flight->bytes, flight->size));
	if (known && uplink_status(host->uplink)->ignored == before)
		return "an agent took a datagram twice";
	if (!orders_done(world->estate.orders, &world->figures.done))
		return "a command was done twice";
	if (world->attack && flight->origin == FLIGHT_GENUINE)
		attack_hear(world->attack, flight, host->process);
	return world_serve_host(world, host);
}
