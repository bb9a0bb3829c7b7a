// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/hub_counters.h"
#include "tests/sim/place.h"
#include "tests/sim/world_state.h"

#define WALL_START_MS ((int64_t)1800000000000)
#define TOKEN_LIFE_MS ((int64_t)30 * 86400000)
#define CLOCK_STEP_MS ((int64_t)3600000)
#define CUT_MOST      (60 * NS_PER_SEC)

enum {
	CMA_PORT = 1984,
	HOST_PORT = 40000,
	BEHIND_SOME = 10, /* of so many one lives to tell it */
};

struct instant world_around(struct world *world, int64_t mean)
{
	if (!mean)
		return INSTANT_NEVER;
	return instant_add(
		world->now, (int64_t)random_below(&world->estate.random, (uint64_t)mean * 2));
}

int64_t world_wall_ms(const struct world *world)
{
	return world->wall_ms + world->now.ns / NS_PER_MS;
}

bool world_due(const struct world *world, struct instant at)
{
	return !instant_before(world->now, at);
}

/* ---- network ------------------------------------------------------------------------------- */

void world_send(struct world *world, const struct host *host, const struct addr *from,
	const struct addr *to, struct span bytes)
{
	struct instant cut = from == &world->cma ? host->cut_to : host->cut_from;

	if (world_due(world, cut))
		network_send(&world->network, world->now, from, to, bytes);
	else
		world->network.sent++;
}

static const char *deliver(struct world *world)
{
	struct flight *flight autofree = network_take(&world->network);
	struct host *host = &world->hosts[place_number(&flight->to)];

	if (world->attack && flight->origin == FLIGHT_GENUINE &&
		random_percent(&world->estate.random, world->config.attacks))
		attack_strike(world->attack, world->now);
	return place_of(&flight->to) == PLACE_CMA ? world_cma_input(world, flight)
						  : world_host_input(world, host, flight);
}

/* Cuts some off, or all; in one direction, or both. */
static void cut(struct world *world)
{
	struct random *random = &world->estate.random;
	unsigned share = random_percent(random, 20) ? 100 : 50;
	uint64_t direction = random_below(random, 3);
	struct instant until = instant_add(world->now, (int64_t)random_below(random, CUT_MOST));

	for (size_t i = 0; i < world->config.agents; i++) {
		if (!random_percent(random, share))
			continue;
		if (direction != 0)
			world->hosts[i].cut_to = until;
		if (direction != 1)
			world->hosts[i].cut_from = until;
	}
	world->figures.cuts++;
	world->cut_at = world_around(world, world->config.cut_ns);
}

void world_serve_weather(struct world *world)
{
	if (world_due(world, world->cut_at))
		cut(world);
	if (world_due(world, world->clock_at)) {
		world->wall_ms = WALL_START_MS - CLOCK_STEP_MS +
			(int64_t)random_below(&world->estate.random, 2 * CLOCK_STEP_MS);
		world->figures.steps++;
		world->clock_at = world_around(world, world->config.clock_ns);
	}
	schedule_set(
		&world->schedule, WORLD_WEATHER, instant_first(world->cut_at, world->clock_at));
}

/* ---- the world ----------------------------------------------------------------------------- */

static void make_tokens(struct world *world)
{
	for (size_t i = 0; i < ESTATE_TENANTS; i++) {
		struct hub_token *token = &world->estate.tokens[i];

		random_fill(&world->estate.random, token, sizeof(*token));
		token->tenant = (uint32_t)i + 1;
		token->uses = (uint32_t)(world->config.agents + 1) / ESTATE_TENANTS;
		token->expires_ms = WALL_START_MS + TOKEN_LIFE_MS;
		world->ops->add_token(world->store, token);
	}
}

static void start_host(struct world *world, size_t n)
{
	struct host *host = &world->hosts[n];

	host_init(host, &world->estate, n);
	host->address = place_addr(PLACE_HOST, n, HOST_PORT);
	if (world->config.clones && n % 2) {
		host_clone(host, host - 1);
		host->cloned = host[-1].cloned = true;
	}
	host->change_at = world_around(world, world->config.change_ns);
	host->restart_at = world->now;
	host->move_at = world_around(world, world->config.agent_move_ns);
	host->revoke_at = world_around(world, world->config.revoke_ns);
	schedule_set(&world->schedule, WORLD_HOSTS + n, world->now);
}

struct world *world_new(const struct world_config *config)
{
	struct world *world = mem_alloc(1, sizeof(*world));
	uint8_t secret[SEAL_KEY];

	world->config = *config;
	world->estate.random.state = config->seed;
	world->estate.facts = config->facts;
	world->estate.value_max = config->value_max;
	world->estate.value = mem_alloc(config->value_max + 128, 1);
	world->estate.orders = orders_new(&world->estate.random);
	world->now.ns = NS_PER_SEC;
	world->wall_ms = WALL_START_MS;
	world->commit_at = INSTANT_NEVER;
	world->cma_restart_at = world->now;
	world->cut_at = world_around(world, config->cut_ns);
	world->clock_at = world_around(world, config->clock_ns);
	network_init(&world->network, &world->estate.random);
	world->network.faults = config->faults;
	world->cma = place_addr(PLACE_CMA, 0, CMA_PORT);
	random_fill(&world->estate.random, secret, sizeof(secret));
	keys_from_secret(&world->estate.cma_key, secret);
	if (config->attacks)
		world->attack =
			attack_new(&world->network, &world->cma, world->estate.cma_key.public);
	world->ops = config->store ? config->store : &store_model;
	world->store = world->ops->open(config->clones);
	make_tokens(world);
	schedule_init(&world->schedule, WORLD_HOSTS + config->agents);
	schedule_set(&world->schedule, WORLD_CMA, world->now);
	schedule_set(
		&world->schedule, WORLD_WEATHER, instant_first(world->cut_at, world->clock_at));
	world->hosts = mem_alloc(config->agents, sizeof(*world->hosts));
	for (size_t i = 0; i < config->agents; i++)
		start_host(world, i);
	return world;
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->config.agents; i++)
		host_deinit(&world->hosts[i]);
	free(world->hosts);
	free(world->estate.value);
	orders_free(world->estate.orders);
	hub_free(world->hub);
	world->ops->close(world->store);
	network_deinit(&world->network);
	schedule_deinit(&world->schedule);
	attack_free(world->attack);
	free(world);
}

static struct instant next_step(const struct world *world)
{
	return instant_first(
		network_deadline(&world->network), schedule_deadline(&world->schedule));
}

/* Does what is due first: a datagram arrives, or somebody has waited long enough. */
static const char *step(struct world *world)
{
	size_t slot = schedule_slot(&world->schedule);

	if (!instant_before(schedule_deadline(&world->schedule), network_deadline(&world->network)))
		return deliver(world);
	if (slot == WORLD_CMA)
		return world_serve_cma(world);
	if (slot >= WORLD_HOSTS)
		return world_serve_host(world, &world->hosts[slot - WORLD_HOSTS]);
	world_serve_weather(world);
	return NULL;
}

const char *world_run(struct world *world, int64_t ns)
{
	struct instant end = instant_add(world->now, ns);
	struct instant next;
	const char *wrong = NULL;

	while (!wrong && !instant_before(end, next = next_step(world))) {
		if (instant_before(world->now, next))
			world->now = next;
		wrong = step(world);
	}
	if (!wrong) {
		world->now = end;
		return NULL;
	}
	snprintf(world->wrong, sizeof(world->wrong), "%s (at %.6f s)", wrong,
		(double)world->now.ns / NS_PER_SEC);
	return world->wrong;
}

void world_calm(struct world *world)
{
	world->network.faults = (struct network_faults){ 0 };
	world->config.commit_late = 0;
	world->config.cma_restart_ns = 0;
	world->config.agent_restart_ns = 0;
	world->config.agent_move_ns = 0;
	world->config.revoke_ns = 0;
	world->config.change_ns = 0;
	world->config.attacks = 0;
	world->config.restores = 0;
	world->cut_at = INSTANT_NEVER;
	world->clock_at = INSTANT_NEVER;
	world->wall_ms = WALL_START_MS + 2 * CLOCK_STEP_MS; /* no command is good any more */
	if (world->hub)
		world->cma_restart_at = INSTANT_NEVER;
	for (size_t i = 0; i < world->config.agents; i++) {
		struct host *host = &world->hosts[i];

		host->change_at = world->now;
		host->move_at = INSTANT_NEVER;
		if (world->ops->set_revoked)
			world_revoke(world, host, false);
		host->cut_to = host->cut_from = world->now;
		if (host->uplink)
			host->restart_at = INSTANT_NEVER;
		schedule_set(&world->schedule, WORLD_HOSTS + i, world->now);
	}
	schedule_set(&world->schedule, WORLD_CMA, world->now);
	schedule_set(&world->schedule, WORLD_WEATHER, INSTANT_NEVER);
}

/* What the agent that runs has told was all acted on. (A restore takes results back.) */
static bool has_results(const struct world *world, const struct host *host)
{
	return !world->ops->result || !host->process_results || host->cloned ||
		world->figures.restores ||
		world->ops->result(world->store, host->key.public) == host->results;
}

/* A clone's last word is the CMA's knowledge of both. */
static bool is_known(const struct world *world, const struct host *host)
{
	if (host_is_known(host, world->ops, world->store))
		return true;
	return host->cloned &&
		host_is_known(&world->hosts[(host - world->hosts) ^ 1], world->ops, world->store);
}

static const char *check_settled(struct world *world, size_t i)
{
	const struct uplink_status *status = uplink_status(world->hosts[i].uplink);
	const char *wrong = NULL;

	if (uplink_deadline(world->hosts[i].uplink).ns != INSTANT_NEVER.ns)
		wrong = "an agent is not done";
	else if (!status->settled)
		wrong = "an agent still has something to tell";
	else if (!is_known(world, &world->hosts[i]))
		wrong = "the CMA knows something else than the host";
	else if (!has_results(world, &world->hosts[i]))
		wrong = "a result is missing";
	if (!wrong)
		return NULL;
	snprintf(world->wrong, sizeof(world->wrong),
		"%s: agent %zu, state %d, %u calls, refusal %d, %llu bytes wait after %llu", wrong,
		i, (int)status->state, status->calls, (int)status->refusal,
		(unsigned long long)status->waiting, (unsigned long long)status->durable);
	return world->wrong;
}

/* The CMA may still keep commands in mind that have ended or expired. */
static bool cma_is_busy(const struct world *world)
{
	struct instant next = schedule_at(&world->schedule, WORLD_CMA);

	return next.ns != INSTANT_NEVER.ns &&
		(!world->hub || next.ns != hub_command_deadline(world->hub).ns);
}

static bool is_busy(const struct world *world)
{
	bool busy = world->network.count || cma_is_busy(world);

	for (size_t i = 0; !busy && i < world->config.agents; i++)
		busy = schedule_at(&world->schedule, WORLD_HOSTS + i).ns != INSTANT_NEVER.ns;
	return busy;
}

const char *world_settle(struct world *world, int64_t ns)
{
	struct instant end = instant_add(world->now, ns);
	const char *wrong = NULL;

	while (!wrong && is_busy(world) && instant_before(world->now, end))
		wrong = world_run(world, NS_PER_SEC / 10);
	for (size_t i = 0; !wrong && i < world->config.agents; i++)
		wrong = check_settled(world, i);
	if (!wrong && world->figures.behind >= BEHIND_SOME && !world->figures.noticed)
		wrong = "agents found out that the CMA was restored, and did not tell it";
	if (!wrong && is_busy(world))
		wrong = world->network.count ? "packets are under way" : "the CMA is not done";
	return wrong;
}

struct world_figures world_figures(const struct world *world)
{
	struct world_figures figures = world->figures;

	figures.packets = world->network.sent;
	figures.delivered = world->network.delivered;
	figures.injected = world->network.injected;
	if (world->hub)
		figures.sessions += hub_counters(world->hub)->sessions;
	for (size_t i = 0; i < world->config.agents; i++) {
		const struct host *host = &world->hosts[i];

		figures.agent_restarts += host->restarts;
		figures.stream_restarts += host->stream_restarts;
		figures.retries += host->retries;
		if (!host->uplink)
			continue;
		figures.stream_restarts += uplink_status(host->uplink)->restarts;
		figures.retries += uplink_status(host->uplink)->retries;
	}
	return figures;
}

struct instant world_now(const struct world *world)
{
	return world->now;
}
