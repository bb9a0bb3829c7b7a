// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/scene.h"

#include <string.h>

#include "base/alloc.h"

#define LATENCY_LEAST (200 * NS_PER_US)
#define LATENCY_MOST  (2 * NS_PER_MS)

/* Kinds of nodes of the graph, in the highest bits that are used. */
#define NODE_SWITCH (UINT64_C(1) << 40)
#define NODE_PORT   (UINT64_C(2) << 40)
#define NODE_SUBNET (UINT64_C(3) << 40)

struct instant scene_now(const struct scene *scene)
{
	return wheel_now(&scene->wheel);
}

/* Hosts are in 10.0.0.0/8, the CMA is 192.0.2.1. */
struct addr scene_addr(uint32_t who, uint16_t port)
{
	struct addr addr = { .ip = { [10] = 0xff, 0xff, 192, 0, 2, 1 }, .port = port };

	if (who == FABRIC_CMA)
		return addr;
	addr.ip[12] = 10;
	addr.ip[13] = (uint8_t)(who >> 16);
	addr.ip[14] = (uint8_t)(who >> 8);
	addr.ip[15] = (uint8_t)who;
	return addr;
}

uint32_t scene_who(const struct addr *addr)
{
	if (addr->ip[12] != 10)
		return FABRIC_CMA;
	return (uint32_t)addr->ip[13] << 16 | (uint32_t)addr->ip[14] << 8 | addr->ip[15];
}

uint64_t scene_switch_node(uint32_t sw)
{
	return NODE_SWITCH | sw;
}

uint64_t scene_subnet_node(uint32_t sw)
{
	return NODE_SUBNET | sw;
}

uint64_t scene_port_node(uint32_t host, unsigned link)
{
	return NODE_PORT | (uint64_t)host << 2 | link;
}

struct alive_place scene_place(const struct scene *scene, uint32_t host)
{
	const struct fabric_host *at = &scene->fabric.hosts[host];
	struct alive_place place = { .subnet = scene_subnet_node(at->sw[0]) };

	for (unsigned i = 0; i < at->links; i++) {
		if (!fabric_has_carrier(&scene->fabric, host, i) ||
			scene->fabric.switches[at->sw[i]].mute)
			continue;
		place.link[place.links].sw = scene_switch_node(at->sw[i]);
		place.link[place.links++].port = scene_port_node(host, i);
	}
	return place;
}

bool scene_passes(struct scene *scene, uint32_t from, uint32_t to)
{
	return fabric_passes(&scene->fabric, from, to) && !weather_loses(&scene->weather, from, to);
}

struct instant scene_arrival(struct scene *scene)
{
	return instant_add(scene_now(scene),
		LATENCY_LEAST +
			(int64_t)random_below(&scene->random, LATENCY_MOST - LATENCY_LEAST));
}

void scene_send(struct scene *scene, const struct letter *letter)
{
	if (!scene_passes(scene, letter->from, letter->to))
		return;
	wheel_add(&scene->wheel, scene_arrival(scene), SCENE_ARRIVES, letter->to,
		mail_put(&scene->mail, letter));
}

void scene_init(struct scene *scene, const struct scene_config *config, struct fabric fabric)
{
	*scene = (struct scene){ .config = *config, .random = { config->seed }, .fabric = fabric };
	weather_init(&scene->weather, config->seed ^ 2, config->loss, config->burst);
	wheel_init(&scene->wheel);
	mail_init(&scene->mail);
	ledger_init(&scene->ledger, fabric.host_count);
	guard_init(&scene->guard, fabric.host_count);
	scene->nodes = mem_alloc(fabric.host_count, sizeof(*scene->nodes));
	scene->marks = mem_alloc(fabric.switch_count, sizeof(*scene->marks));
	scene->mark = 1;
	for (uint32_t i = 0; i < fabric.host_count; i++)
		scene->nodes[i] = (struct node){ .armed = INSTANT_NEVER,
			.asked = { -NS_PER_SEC * 3600 },
			.boot = random_next(&scene->random) | 1 };
	centre_init(scene);
}

void scene_begin(struct scene *scene)
{
	int64_t within = scene->config.start_ns;

	centre_begin(scene);
	if (scene->config.look_ns)
		wheel_add(&scene->wheel, scene_now(scene), SCENE_LOOK, 0, 0);
	for (uint32_t i = 0; i < scene->fabric.host_count - scene->config.absent; i++) {
		int64_t after =
			within ? (int64_t)random_below(&scene->random, (uint64_t)within) : 0;

		scene->fabric.hosts[i].dead = scene->config.off;
		wheel_add(&scene->wheel, instant_add(scene_now(scene), after),
			scene->config.off ? SCENE_NODE_POWER : SCENE_NODE_START, i, 0);
	}
}

void scene_deinit(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->fabric.host_count; i++)
		node_deinit(scene, i);
	free(scene->nodes);
	free(scene->marks);
	centre_deinit(scene);
	ledger_deinit(&scene->ledger);
	guard_deinit(&scene->guard);
	mail_deinit(&scene->mail);
	wheel_deinit(&scene->wheel);
	weather_deinit(&scene->weather);
	fabric_deinit(&scene->fabric);
}

static void happen(struct scene *scene, const struct wheel_event *event)
{
	switch ((enum scene_event)event->kind) {
	case SCENE_NODE_TIMER:
		node_timer(scene, event->target);
		break;
	case SCENE_NODE_RESUME:
		node_resume(scene, event->target, event->data);
		break;
	case SCENE_NODE_START:
		node_start(scene, event->target);
		break;
	case SCENE_NODE_BOOT:
		node_boot(scene, event->target);
		break;
	case SCENE_NODE_POWER:
		node_power(scene, event->target);
		break;
	case SCENE_PLACE:
		node_tell(scene, event->target, &(struct letter){ .kind = LETTER_PLACE });
		break;
	case SCENE_ARRIVES:
		if (event->target == FABRIC_CMA)
			centre_arrives(scene, event->data);
		else
			node_arrives(scene, event->target, event->data);
		break;
	case SCENE_TELL:
		node_try(scene, event->target);
		break;
	case SCENE_LIST:
		centre_list(scene, event->target, event->data);
		break;
	case SCENE_CENTRE_TIMER:
		centre_timer(scene);
		break;
	case SCENE_CENTRE_RESUME:
		centre_resume(scene, event->data);
		break;
	case SCENE_LOOK:
		guard_look(scene);
		wheel_add(&scene->wheel, instant_add(scene_now(scene), scene->config.look_ns),
			SCENE_LOOK, 0, 0);
		break;
	}
}

void scene_run(struct scene *scene, int64_t ns)
{
	struct instant until = instant_add(scene_now(scene), ns);
	struct wheel_event event;

	while (wheel_next(&scene->wheel, until, &event))
		happen(scene, &event);
}
