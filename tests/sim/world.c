// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/uplink.h"
#include "base/alloc.h"
#include "cma/hub_counters.h"
#include "tests/sim/store.h"
#include "wire/keys.h"

#define WALL_START_MS	((int64_t)1800000000000)
#define TOKEN_LIFE_MS	((int64_t)86400000)
#define COMMIT_MOST	(10 * NS_PER_MS)
#define AGENT_DOWN_MOST (20 * NS_PER_SEC)
#define CMA_DOWN_MOST	(5 * NS_PER_SEC)

enum { SECTIONS = 4 };

struct host {
	struct addr address;
	struct key_pair key;
	uint8_t digest_key[SEAL_FACT_KEY];
	/* What is true: a value for each fact, as the seed of its text; 0: there is none. */
	uint64_t *truth;
	bool enrolled; /* kept on the host's disk */
	uint8_t psk[SEAL_KEY];
	struct tracker *tracker; /* NULL while the agent is down */
	struct uplink *uplink;
	struct instant change_at, restart_at;
	uint64_t restarts, stream_restarts;
	uint64_t checked; /* version of the world at the last look */
	uint64_t checked_durable;
};

struct world {
	struct world_config config;
	struct random random;
	struct instant now;
	struct network network;
	struct addr cma;
	struct hub_token token;
	struct key_pair cma_key;
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

static const enum section sections[SECTIONS] = { SECTION_LISTEN, SECTION_INBOUND, SECTION_SCRIPT,
	SECTION_CONFIG };

/* A time around the mean from now; never when the mean is 0. */
static struct instant around(struct world *world, int64_t mean)
{
	if (!mean)
		return INSTANT_NEVER;
	return instant_add(world->now, (int64_t)random_below(&world->random, (uint64_t)mean * 2));
}

/* ---- hosts ------------------------------------------------------------------------------------
 */

/* A JSON object for the fact i with this value; the caller frees. */
static char *value_text(const struct world *world, size_t i, uint64_t value)
{
	struct random random = { value };
	size_t size = 1 + random_below(&random, world->config.value_max);
	char *filler autofree = mem_alloc(size + 1, 1);

	for (size_t at = 0; at < size; at++)
		filler[at] = (char)('a' + random_below(&random, 16));
	return text_format("{\"addr\":\"10.9.%zu.%u\",\"port\":%zu,\"process\":[\"p%u\"],"
			   "\"proto\":\"tcp\",\"text\":\"%s\"}",
		i % 3, (unsigned)(value >> 8 & 3), 1000 + i, (unsigned)(value >> 16 & 7), filler);
}

static void tell_fact(struct world *world, struct host *host, size_t i)
{
	char *text autofree = host->truth[i] ? value_text(world, i, host->truth[i]) : text_copy("");
	char key[32];
	struct fact fact = { .section = sections[i % SECTIONS], .value = SPAN_TEXT(text) };

	snprintf(key, sizeof(key), "fact %zu", i / SECTIONS);
	fact.key = SPAN_TEXT(key);
	tracker_apply(host->tracker, &fact);
	host->checked = 0;
}

static void change_host(struct world *world, struct host *host)
{
	size_t i = random_below(&world->random, world->config.facts * SECTIONS);

	host->truth[i] = random_percent(&world->random, 30) ? 0 : random_next(&world->random) | 1;
	world->figures.changes++;
	if (host->tracker)
		tell_fact(world, host, i);
}

static void start_agent(struct world *world, struct host *host)
{
	struct uplink_config config = {
		.key = host->key,
		.has_token = true,
		.enrolled = host->enrolled,
		.random = random_fill,
		.owner = &world->random,
	};

	host->tracker = tracker_new(host->digest_key);
	for (size_t i = 0; i < world->config.facts * SECTIONS; i++)
		tell_fact(world, host, i);
	config.tracker = host->tracker;
	memcpy(config.cma, world->cma_key.public, SEAL_KEY);
	memcpy(config.token_id, world->token.id, TOKEN_ID);
	memcpy(config.token_secret, world->token.secret, SEAL_KEY);
	memcpy(config.psk, host->psk, SEAL_KEY);
	host->uplink = uplink_new(&config);
	uplink_ready(host->uplink);
}

static void stop_agent(struct host *host)
{
	if (host->uplink)
		host->stream_restarts += uplink_status(host->uplink)->restarts;
	uplink_free(host->uplink);
	tracker_free(host->tracker);
	host->uplink = NULL;
	host->tracker = NULL;
}

static void restart_agent(struct world *world, struct host *host)
{
	if (host->uplink) {
		stop_agent(host);
		host->restarts++;
		host->restart_at = instant_add(
			world->now, (int64_t)random_below(&world->random, AGENT_DOWN_MOST));
	} else {
		start_agent(world, host);
		host->restart_at = around(world, world->config.agent_restart_ns);
	}
}

static void init_host(struct world *world, struct host *host, size_t n)
{
	uint8_t secret[SEAL_KEY];
	char text[ADDR_TEXT_SIZE];

	random_fill(&world->random, secret, sizeof(secret));
	keys_from_secret(&host->key, secret);
	seal_fact_key(host->key.public, host->digest_key);
	snprintf(text, sizeof(text), "10.0.%zu.%zu:%d", n / 250, 1 + n % 250, 40000);
	addr_parse(text, &host->address);
	host->truth = mem_alloc(world->config.facts * SECTIONS, sizeof(uint64_t));
	for (size_t i = 0; i < world->config.facts; i++)
		change_host(world, host);
	host->change_at = around(world, world->config.change_ns);
	host->restart_at = around(world, world->config.agent_restart_ns);
	start_agent(world, host);
}

/* ---- the CMA ----------------------------------------------------------------------------------
 */

static void start_cma(struct world *world)
{
	struct hub_config config = {
		.key = world->cma_key,
		.epoch = world->ops->restart(world->store),
		.random = random_fill,
		.owner = &world->random,
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
			world->now, (int64_t)random_below(&world->random, CMA_DOWN_MOST));
	} else {
		start_cma(world);
		world->cma_restart_at = around(world, world->config.cma_restart_ns);
	}
}

static const char *commit(struct world *world)
{
	world->commit_at = INSTANT_NEVER;
	world->transaction = false;
	world->version++;
	if (!random_percent(&world->random, world->config.commit_fails))
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
	while (hub_take(world->hub, &event)) {
		wrong = world->ops->apply(world->store, &event, now_ms);
		hub_event_free(&event);
		world->transaction = true;
		world->figures.messages++;
		if (wrong)
			return wrong;
	}
	if (world->transaction && world->commit_at.ns == INSTANT_NEVER.ns)
		world->commit_at =
			instant_add(world->now, (int64_t)random_below(&world->random, COMMIT_MOST));
	if (!instant_before(world->now, world->commit_at))
		wrong = commit(world);
	while ((size = hub_output(world->hub, world->now, &to, datagram)))
		network_send(&world->network, world->now, &world->cma, &to, datagram, size);
	return wrong;
}

/* ---- the world --------------------------------------------------------------------------------
 */

struct world *world_new(const struct world_config *config)
{
	struct world *world = mem_alloc(1, sizeof(*world));
	uint8_t secret[SEAL_KEY];

	world->config = *config;
	world->random.state = config->seed;
	world->now.ns = NS_PER_SEC;
	network_init(&world->network, &world->random);
	world->network.faults = config->faults;
	addr_parse("10.1.0.1:1984", &world->cma);
	random_fill(&world->random, secret, sizeof(secret));
	keys_from_secret(&world->cma_key, secret);
	random_fill(&world->random, &world->token, sizeof(world->token));
	world->token.tenant = 1;
	world->token.uses = (uint32_t)config->agents;
	world->token.expires_ms = WALL_START_MS + TOKEN_LIFE_MS;
	world->ops = config->store ? config->store : &store_model;
	world->store = world->ops->open();
	world->ops->add_token(world->store, &world->token);
	world->hosts = mem_alloc(config->agents, sizeof(*world->hosts));
	for (size_t i = 0; i < config->agents; i++)
		init_host(world, &world->hosts[i], i);
	start_cma(world);
	world->cma_restart_at = around(world, config->cma_restart_ns);
	return world;
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->config.agents; i++) {
		stop_agent(&world->hosts[i]);
		free(world->hosts[i].truth);
	}
	free(world->hosts);
	hub_free(world->hub);
	world->ops->close(world->store);
	network_deinit(&world->network);
	free(world);
}

static void deliver(struct world *world, const struct flight *flight)
{
	struct span bytes = SPAN(flight->bytes, flight->size);

	if (addr_equal(&flight->to, &world->cma)) {
		if (world->hub)
			hub_input(world->hub, world->now, WALL_START_MS + world->now.ns / NS_PER_MS,
				&flight->from, bytes);
		return;
	}
	for (size_t i = 0; i < world->config.agents; i++) {
		struct host *host = &world->hosts[i];

		if (host->uplink && addr_equal(&flight->to, &host->address))
			uplink_input(host->uplink, world->now, bytes);
	}
}

static void step_agent(struct world *world, struct host *host)
{
	uint8_t datagram[PACKET_MAX];
	size_t size;

	if (!instant_before(world->now, host->change_at)) {
		change_host(world, host);
		host->change_at = around(world, world->config.change_ns);
	}
	if (!instant_before(world->now, host->restart_at))
		restart_agent(world, host);
	if (!host->uplink)
		return;
	while ((size = uplink_output(host->uplink, world->now, datagram)))
		network_send(
			&world->network, world->now, &host->address, &world->cma, datagram, size);
	if (uplink_status(host->uplink)->enrolled && !host->enrolled) {
		host->enrolled = true;
		keys_agent_psk(world->token.secret, host->key.public, host->psk);
	}
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

struct comparison {
	const struct tracker *tracker;
	size_t found, differ;
};

static void compare_fact(void *owner, const struct fact *fact)
{
	struct comparison *comparison = owner;
	struct span value = tracker_value(comparison->tracker, fact->section, fact->key);

	comparison->found++;
	comparison->differ += !span_equal(value, fact->value);
}

static bool same_facts(const struct world *world, struct host *host)
{
	struct comparison comparison = { .tracker = host->tracker };
	size_t count = 0;

	for (int section = 0; section < SECTION_COUNT; section++)
		count += tracker_count(host->tracker, (enum section)section);
	world->ops->each(world->store, host->key.public, compare_fact, &comparison);
	return !comparison.differ && comparison.found == count;
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
	return same_facts(world, host)
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
				"agent %zu is not done: state %d, %u calls, refusal %d, %llu bytes wait "
				"after sequence %llu",
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
		if (!same_facts(world, &world->hosts[i]))
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
