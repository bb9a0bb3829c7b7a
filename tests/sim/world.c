// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/hub_counters.h"
#include "tests/sim/host.h"
#include "wire/keys.h"

#define WALL_START_MS	((int64_t)1800000000000)
#define TOKEN_LIFE_MS	((int64_t)86400000)
#define COMMIT_MOST	(10 * NS_PER_MS)
#define COMMIT_LATE	(2 * NS_PER_SEC) /* a slow disk, now and then */
#define AGENT_DOWN_MOST (20 * NS_PER_SEC)
#define CMA_DOWN_MOST	(5 * NS_PER_SEC)

struct world {
	struct world_config config;
	struct estate estate;
	struct instant now;
	struct network network;
	struct addr cma;
	struct hub *hub; /* NULL while the CMA is down */
	const struct store_ops *ops;
	void *store;
	bool transaction; /* is open in the store */
	uint64_t version; /* counts what may change what an invariant says */
	struct instant commit_at, cma_restart_at;
	struct host *hosts;
	struct world_figures figures;
	char wrong[256];
};

/* A time around the mean from now; never when the mean is 0. */
static struct instant around(struct world *world, int64_t mean)
{
	if (!mean)
		return INSTANT_NEVER;
	return instant_add(
		world->now, (int64_t)random_below(&world->estate.random, (uint64_t)mean * 2));
}

/* ---- hosts ------------------------------------------------------------------------------------
 */

/* Half of them are back at once, while the old process's packets are still under way. */
static int64_t down_time(struct world *world)
{
	bool back = random_percent(&world->estate.random, 50);

	return back ? 0 : (int64_t)random_below(&world->estate.random, AGENT_DOWN_MOST);
}

static void restart_agent(struct world *world, struct host *host)
{
	if (host->uplink) {
		host_stop(host);
		host->restarts++;
		host->restart_at = instant_add(world->now, down_time(world));
	} else {
		host_start(host, &world->estate);
		host->restart_at = around(world, world->config.agent_restart_ns);
	}
}

/* ---- the CMA ----------------------------------------------------------------------------------
 */

static void start_cma(struct world *world)
{
	struct hub_config config = {
		.key = world->estate.cma_key,
		.epoch = world->ops->restart(world->store),
		.random = random_fill,
		.owner = &world->estate.random,
	};

	world->hub = hub_new(&config);
	world->ops->load(world->store, world->hub);
	world->transaction = false;
	world->version++;
	world->commit_at = INSTANT_NEVER;
}

static void restart_cma(struct world *world)
{
	if (world->hub) {
		world->figures.sessions += hub_counters(world->hub)->sessions;
		world->figures.rollbacks += hub_counters(world->hub)->rollbacks;
		hub_free(world->hub);
		world->hub = NULL;
		world->commit_at = INSTANT_NEVER;
		world->figures.cma_restarts++;
		world->cma_restart_at = instant_add(
			world->now, (int64_t)random_below(&world->estate.random, CMA_DOWN_MOST));
	} else {
		start_cma(world);
		world->cma_restart_at = around(world, world->config.cma_restart_ns);
	}
}

static int64_t commit_time(struct world *world)
{
	bool late = random_percent(&world->estate.random, world->config.commit_fails);

	return (int64_t)random_below(&world->estate.random, late ? COMMIT_LATE : COMMIT_MOST);
}

static const char *commit(struct world *world)
{
	world->commit_at = INSTANT_NEVER;
	world->transaction = false;
	world->version++;
	if (!random_percent(&world->estate.random, world->config.commit_fails))
		return world->ops->commit(world->store, world->hub);
	world->ops->roll_back(world->store);
	hub_rolled_back(world->hub);
	return NULL;
}

static const char *step_cma(struct world *world)
{
	int64_t now_ms = WALL_START_MS + world->now.ns / NS_PER_MS;
	uint8_t datagram[PACKET_MAX];
	struct hub_event event;
	struct addr to;
	size_t size;
	const char *wrong = NULL;

	if (!world->hub)
		return NULL;
	while (!wrong && hub_take(world->hub, &event)) {
		wrong = world->ops->apply(world->store, &event, now_ms);
		hub_event_free(&event);
		world->transaction = true;
		world->figures.messages++;
	}
	if (world->transaction && world->commit_at.ns == INSTANT_NEVER.ns)
		world->commit_at = instant_add(world->now, commit_time(world));
	if (!wrong && !instant_before(world->now, world->commit_at))
		wrong = commit(world);
	while (hub_work(world->hub, world->now))
		continue;
	while ((size = hub_output(world->hub, world->now, &to, datagram)))
		network_send(&world->network, world->now, &world->cma, &to, datagram, size);
	return wrong;
}

/* ---- the world --------------------------------------------------------------------------------
 */

static void start_host(struct world *world, struct host *host, size_t n)
{
	host_init(host, &world->estate, n);
	host->change_at = around(world, world->config.change_ns);
	host->restart_at = around(world, world->config.agent_restart_ns);
	host_start(host, &world->estate);
}

struct world *world_new(const struct world_config *config)
{
	struct world *world = mem_alloc(1, sizeof(*world));
	uint8_t secret[SEAL_KEY];

	world->config = *config;
	world->estate.random.state = config->seed;
	world->estate.facts = config->facts;
	world->estate.value_max = config->value_max;
	world->now.ns = NS_PER_SEC;
	network_init(&world->network, &world->estate.random);
	world->network.faults = config->faults;
	addr_parse("10.1.0.1:1984", &world->cma);
	random_fill(&world->estate.random, secret, sizeof(secret));
	keys_from_secret(&world->estate.cma_key, secret);
	random_fill(&world->estate.random, &world->estate.token, sizeof(world->estate.token));
	world->estate.token.tenant = 1;
	world->estate.token.uses = (uint32_t)config->agents;
	world->estate.token.expires_ms = WALL_START_MS + TOKEN_LIFE_MS;
	world->ops = config->store ? config->store : &store_model;
	world->store = world->ops->open();
	world->ops->add_token(world->store, &world->estate.token);
	world->hosts = mem_alloc(config->agents, sizeof(*world->hosts));
	for (size_t i = 0; i < config->agents; i++)
		start_host(world, &world->hosts[i], i);
	start_cma(world);
	world->cma_restart_at = around(world, config->cma_restart_ns);
	return world;
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->config.agents; i++) {
		host_deinit(&world->hosts[i]);
	}
	free(world->hosts);
	hub_free(world->hub);
	world->ops->close(world->store);
	network_deinit(&world->network);
	free(world);
}

static bool is_for(const struct flight *flight, const struct addr *address)
{
	return !memcmp(&flight->to, address, sizeof(*address));
}

static void deliver(struct world *world, const struct flight *flight)
{
	struct span bytes = SPAN(flight->bytes, flight->size);

	if (is_for(flight, &world->cma)) {
		if (world->hub)
			hub_input(world->hub, world->now, WALL_START_MS + world->now.ns / NS_PER_MS,
				&flight->from, bytes);
		return;
	}
	for (size_t i = 0; i < world->config.agents; i++) {
		struct host *host = &world->hosts[i];

		if (host->uplink && is_for(flight, &host->address))
			uplink_input(host->uplink, world->now, bytes);
	}
}

static void step_agent(struct world *world, struct host *host)
{
	uint8_t datagram[PACKET_MAX];
	size_t size;

	if (!instant_before(world->now, host->change_at)) {
		host_change(host, &world->estate);
		world->figures.changes++;
		host->change_at = around(world, world->config.change_ns);
	}
	if (!instant_before(world->now, host->restart_at))
		restart_agent(world, host);
	if (!host->uplink)
		return;
	while ((size = uplink_output(host->uplink, world->now, datagram)))
		network_send(
			&world->network, world->now, &host->address, &world->cma, datagram, size);
	host_keep(host, &world->estate);
}

/* What an agent believes to be durable is committed: always, and after any crash. */
static bool acks_are_true(const struct world *world, struct host *host)
{
	const struct uplink_status *status;

	if (!host->uplink)
		return true;
	status = uplink_status(host->uplink);
	return status->durable <=
		world->ops->durable(world->store, host->key.public, status->incarnation);
}

/* Looks at an agent, unless nothing has changed since the last look. */
static const char *check(struct world *world, struct host *host)
{
	const struct uplink_status *status = host->uplink ? uplink_status(host->uplink) : NULL;

	if (!status ||
		(host->checked == world->version && host->checked_durable == status->durable))
		return NULL;
	if (!acks_are_true(world, host))
		return "acknowledged, but not committed";
	if (!status->settled)
		return NULL;
	host->checked = world->version;
	host->checked_durable = status->durable;
	return host_is_known(host, world->ops, world->store)
		? NULL
		: "an agent has nothing left to tell, and the CMA knows something else";
}

static struct instant next_step(const struct world *world)
{
	struct instant next = network_deadline(&world->network);

	if (world->hub) {
		next = instant_first(next, hub_deadline(world->hub));
		next = instant_first(next, world->commit_at);
	}
	next = instant_first(next, world->cma_restart_at);
	for (size_t i = 0; i < world->config.agents; i++) {
		const struct host *host = &world->hosts[i];

		next = instant_first(next, host->change_at);
		next = instant_first(next, host->restart_at);
		if (host->uplink)
			next = instant_first(next, uplink_deadline(host->uplink));
	}
	return next;
}

static const char *step(struct world *world)
{
	struct flight *flight = network_take(&world->network, world->now);
	const char *wrong;

	if (flight)
		deliver(world, flight);
	free(flight);
	if (!instant_before(world->now, world->cma_restart_at))
		restart_cma(world);
	wrong = step_cma(world);
	for (size_t i = 0; !wrong && i < world->config.agents; i++) {
		step_agent(world, &world->hosts[i]);
		wrong = check(world, &world->hosts[i]);
		if (wrong)
			snprintf(world->wrong, sizeof(world->wrong), "%s (agent %zu, %.6f s)",
				wrong, i, (double)world->now.ns / NS_PER_SEC);
	}
	return wrong;
}

const char *world_run(struct world *world, int64_t ns)
{
	struct instant end = instant_add(world->now, ns);
	struct instant next;
	const char *wrong = NULL;

	while (!wrong && !instant_before(end, next = next_step(world))) {
		if (instant_before(world->now, next))
			world->now = next;
		world->wrong[0] = 0;
		wrong = step(world);
	}
	if (wrong)
		return world->wrong[0] ? world->wrong : wrong;
	world->now = end;
	return NULL;
}

void world_calm(struct world *world)
{
	world->network.faults = (struct network_faults){ 0 };
	world->config.commit_fails = 0;
	world->config.cma_restart_ns = 0;
	world->config.agent_restart_ns = 0;
	world->config.change_ns = 0;
	if (world->hub)
		world->cma_restart_at = INSTANT_NEVER;
	for (size_t i = 0; i < world->config.agents; i++) {
		world->hosts[i].change_at = INSTANT_NEVER;
		if (world->hosts[i].uplink)
			world->hosts[i].restart_at = INSTANT_NEVER;
	}
}

static const char *who_is_busy(struct world *world)
{
	for (size_t i = 0; i < world->config.agents; i++) {
		const struct uplink_status *status;

		if (!world->hosts[i].uplink)
			continue;
		status = uplink_status(world->hosts[i].uplink);
		if (uplink_deadline(world->hosts[i].uplink).ns != INSTANT_NEVER.ns) {
			snprintf(world->wrong, sizeof(world->wrong),
				"agent %zu is not done: state %d, %u calls, refusal %d, "
				"%llu bytes wait after sequence %llu",
				i, (int)status->state, status->calls, (int)status->refusal,
				(unsigned long long)status->waiting,
				(unsigned long long)status->durable);
			return world->wrong;
		}
	}
	return world->network.count ? "packets are under way" : "the CMA is not done";
}

const char *world_settle(struct world *world, int64_t ns)
{
	struct instant end = instant_add(world->now, ns);
	const char *wrong = NULL;

	while (!wrong && next_step(world).ns != INSTANT_NEVER.ns && instant_before(world->now, end))
		wrong = world_run(world, NS_PER_SEC / 10);
	if (wrong)
		return wrong;
	if (next_step(world).ns != INSTANT_NEVER.ns)
		return who_is_busy(world);
	for (size_t i = 0; i < world->config.agents; i++) {
		if (!uplink_status(world->hosts[i].uplink)->settled)
			return "an agent still has something to tell";
		if (!host_is_known(&world->hosts[i], world->ops, world->store))
			return "the CMA knows something else than the host";
	}
	return NULL;
}

static void count_fact(void *owner, const struct fact *fact)
{
	(void)fact;
	++*(uint64_t *)owner;
}

struct world_figures world_figures(const struct world *world)
{
	struct world_figures figures = world->figures;

	figures.packets = world->network.sent;
	figures.delivered = world->network.delivered;
	if (world->hub) {
		figures.sessions += hub_counters(world->hub)->sessions;
		figures.rollbacks += hub_counters(world->hub)->rollbacks;
	}
	for (size_t i = 0; i < world->config.agents; i++) {
		const struct host *host = &world->hosts[i];

		figures.agent_restarts += host->restarts;
		figures.stream_restarts += host->stream_restarts;
		if (host->uplink)
			figures.stream_restarts += uplink_status(host->uplink)->restarts;
		world->ops->each(world->store, host->key.public, count_fact, &figures.facts);
	}
	return figures;
}

struct instant world_now(const struct world *world)
{
	return world->now;
}
