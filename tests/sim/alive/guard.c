// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/guard.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/alive/scene.h"

#define UNWATCHED_LONGEST (10 * NS_PER_SEC)
#define ASKED_LATELY	  (5 * NS_PER_SEC)

void guard_init(struct guard *guard, uint32_t hosts)
{
	*guard = (struct guard){ .unwatched = mem_alloc(hosts, sizeof(*guard->unwatched)) };
	for (uint32_t i = 0; i < hosts; i++)
		guard->unwatched[i] = INSTANT_NEVER;
}

void guard_deinit(struct guard *guard)
{
	free(guard->unwatched);
}

uint64_t guard_broken(const struct guard *guard)
{
	return guard->false_deaths + guard->hung_deaths;
}

static void note(struct scene *scene, const char *what, uint32_t host)
{
	struct guard *guard = &scene->guard;

	if (!*guard->first)
		snprintf(guard->first, sizeof(guard->first), "at %.3f s host %u %s",
			(double)scene_now(scene).ns / 1e9, host, what);
}

static bool is_reached(const struct scene *scene, uint32_t host)
{
	return fabric_passes(&scene->fabric, host, FABRIC_CMA) &&
		fabric_passes(&scene->fabric, FABRIC_CMA, host);
}

void guard_status(struct scene *scene, uint32_t host, uint8_t status)
{
	const struct node *node = &scene->nodes[host];

	if ((status != ALIVE_DOWN && status != ALIVE_UNREACHABLE) || !is_reached(scene, host))
		return;
	if (node->ring && !node->stopped) {
		scene->guard.false_deaths++;
		note(scene, "was called dead, and answers", host);
	} else {
		scene->guard.hung_deaths++;
		note(scene, "was called dead, and its kernel answers", host);
	}
}

static bool lives(const struct scene *scene, uint32_t host)
{
	const struct node *node = &scene->nodes[host];

	return node->ring && !node->stopped && is_reached(scene, host);
}

/* Whether one end has been told of the edge, and would hear what the other sends. */
static bool watches(const struct scene *scene, uint32_t host, uint32_t other)
{
	return lives(scene, host) && !scene->nodes[host].pending &&
		ring_version(scene->nodes[host].ring) && fabric_passes(&scene->fabric, other, host);
}

void guard_look(struct scene *scene)
{
	struct guard *guard = &scene->guard;
	struct instant now = scene_now(scene);
	uint8_t *watched autofree = mem_alloc(scene->fabric.host_count, 1);

	for (uint32_t i = 0; i < scene->ledger.edge_end; i++) {
		const struct ledger_edge *edge = &scene->ledger.edges[i];

		if (!edge->there)
			continue;
		watched[edge->low] |= watches(scene, edge->high, edge->low);
		watched[edge->high] |= watches(scene, edge->low, edge->high);
	}
	for (uint32_t i = 0; i < scene->fabric.host_count; i++) {
		struct instant *since = &guard->unwatched[i];
		bool asked = instant_sub(now, scene->nodes[i].asked) < ASKED_LATELY;
		int64_t long_ns;

		if (watched[i] || asked || !lives(scene, i)) {
			*since = INSTANT_NEVER;
			continue;
		}
		*since = instant_first(*since, now);
		long_ns = instant_sub(now, *since);
		if (long_ns > UNWATCHED_LONGEST &&
			instant_sub(guard->looked, *since) <= UNWATCHED_LONGEST) {
			guard->unwatched_long++;
			note(scene, "was watched by nobody for 10 s", i);
		}
		if (long_ns > guard->unwatched_ns)
			guard->unwatched_ns = long_ns;
	}
	guard->looked = now;
}
