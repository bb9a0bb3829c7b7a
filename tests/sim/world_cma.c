// SPDX-License-Identifier: Apache-2.0
/* The CMA of a simulated world: the shipped hub, and what cma/loop.c and cma/store.c do for it. */
#include "cma/hub_counters.h"
#include "tests/sim/place.h"
#include "tests/sim/world_state.h"

#define COMMIT_USUAL  (5 * NS_PER_MS)
#define COMMIT_LATE   (2 * NS_PER_SEC) /* a slow disk, now and then */
#define CMA_DOWN_MOST (5 * NS_PER_SEC)

enum { BACKUP_PERCENT = 2 /* of the commits */ };

static void start_cma(struct world *world)
{
	struct hub_config config = {
		.key = world->estate.cma_key,
		.random = random_fill,
		.owner = &world->estate.random,
	};

	if (world->cma_process && random_percent(&world->estate.random, world->config.restores)) {
		world->ops->restore(world->store);
		world->figures.restores++;
		for (size_t i = 0; i < world->config.agents; i++)
			world_host_restored(world, &world->hosts[i]);
	}
	config.epoch = world->ops->restart(world->store);
	world->hub = hub_new(&config);
	world->ops->load(world->store, world->hub);
	orders_load(world->estate.orders, world->hub, world->now, world_wall_ms(world));
	world->cma_process = ++world->processes;
	world->version++;
	world->cma_restart_at = world_around(world, world->config.cma_restart_ns);
}

static void stop_cma(struct world *world)
{
	world->figures.sessions += hub_counters(world->hub)->sessions;
	world->figures.cma_restarts++;
	hub_free(world->hub);
	world->hub = NULL;
	world->transaction = false;
	world->commit_at = INSTANT_NEVER;
	world->cma_restart_at = instant_add(
		world->now, (int64_t)random_below(&world->estate.random, CMA_DOWN_MOST));
}

static int64_t commit_time(struct world *world)
{
	bool late = random_percent(&world->estate.random, world->config.commit_late);
	int64_t usual = world->config.commit_ns ? world->config.commit_ns : COMMIT_USUAL;

	return (int64_t)random_below(
		&world->estate.random, (uint64_t)(late ? COMMIT_LATE : 2 * usual));
}

static const char *commit(struct world *world)
{
	const char *wrong;

	world->commit_at = INSTANT_NEVER;
	world->transaction = false;
	world->version++;
	if (random_percent(&world->estate.random, world->config.commit_late)) {
		world->ops->roll_back(world->store);
		hub_rolled_back(world->hub);
		return NULL;
	}
	wrong = world->ops->commit(world->store, world->hub);
	if (world->config.restores && random_percent(&world->estate.random, BACKUP_PERCENT))
		world->ops->back_up(world->store);
	for (size_t i = 0; !wrong && i < world->config.agents; i++)
		wrong = world_check_host(world, &world->hosts[i]);
	return wrong;
}

static const char *act(struct world *world)
{
	int64_t now_ms = world_wall_ms(world);
	struct hub_event event;
	const char *wrong = NULL;

	while (!wrong && hub_take(world->hub, &event)) {
		wrong = world->ops->apply(world->store, &event, now_ms);
		world->transaction = true;
		world->figures.messages += event.kind == HUB_MESSAGE;
		world->figures.noticed += event.kind == HUB_ROLLED_BACK;
		hub_event_free(&event);
	}
	if (world->transaction && world->commit_at.ns == INSTANT_NEVER.ns)
		world->commit_at = instant_add(world->now, commit_time(world));
	if (!wrong && world_due(world, world->commit_at))
		wrong = commit(world);
	return wrong;
}

static const char *send_all(struct world *world)
{
	uint8_t datagram[PACKET_MAX];
	struct addr to;
	size_t size;

	while ((size = hub_output(world->hub, world->now, &to, datagram))) {
		if (place_of(&to) == PLACE_HOST)
			world_send(world, &world->hosts[place_number(&to)], &world->cma, &to,
				SPAN(datagram, size));
		else if (!attack_answered(world->attack, &to, size))
			return "a stranger got more than he sent";
	}
	return NULL;
}

/* Answers the INITs for which there has been time. */
static void work(struct world *world)
{
	while (world_due(world, world->work_at) && hub_work(world->hub, world->now))
		world->work_at = instant_add(world->now, world->config.call_ns);
}

/* After all was sent, it is only for INITs that the hub wants to go on at once. */
static struct instant hub_next(const struct world *world)
{
	struct instant next = hub_deadline(world->hub);

	return world_due(world, next) ? world->work_at : next;
}

const char *world_serve_cma(struct world *world)
{
	struct instant next;
	const char *wrong = NULL;

	if (world_due(world, world->cma_restart_at)) {
		if (world->hub)
			stop_cma(world);
		else
			start_cma(world);
	}
	next = world->cma_restart_at;
	if (world->hub) {
		work(world);
		wrong = act(world);
		if (!wrong)
			wrong = send_all(world);
		next = instant_first(next, hub_next(world));
		next = instant_first(next, world->commit_at);
	}
	schedule_set(&world->schedule, WORLD_CMA, next);
	return wrong;
}

/* Counts DATA that had no effect. */
static uint64_t refused(const struct world *world)
{
	const struct hub_counters *counters = hub_counters(world->hub);

	return counters->replayed + counters->forged + counters->resets + counters->over_limit;
}

const char *world_cma_input(struct world *world, const struct flight *flight)
{
	int64_t now_ms = world_wall_ms(world);
	bool known = flight->taken_by == world->cma_process && flight->bytes[0] == PACKET_DATA;
	bool proves_nothing = flight->origin != FLIGHT_GENUINE && flight->bytes[0] == PACKET_INIT;
	uint64_t before;
	size_t sessions;

	if (!world->hub)
		return NULL;
	before = refused(world);
	sessions = hub_session_count(world->hub);
	hub_input(world->hub, world->now, now_ms, &flight->from, SPAN(flight->bytes, flight->size));
	if (known && refused(world) == before)
		return "the CMA took a datagram twice";
	work(world);
	if (proves_nothing && hub_session_count(world->hub) != sessions)
		return "a handshake that nobody proved ended a session";
	if (world->attack && flight->origin == FLIGHT_GENUINE)
		attack_hear(world->attack, flight, world->cma_process);
	return world_serve_cma(world);
}
