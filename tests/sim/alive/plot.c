// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/plot.h"

#include <errno.h>

#include "base/alloc.h"

enum { TRIES = 200, HOSTS_LEAST = 3 };

#define BOOT_LONGEST (5 * NS_PER_SEC)
#define NOTICE	     (500 * NS_PER_MS) /* until a nanoprobe tells of a carrier */

const char *plot_text(enum plot_kind kind)
{
	static const char *const texts[PLOT_COUNT] = { "host", "link of two", "only link", "switch",
		"uplink", "power", "path", "local path", "one way", "hung", "gone", "leave",
		"CMA isolated" };

	return texts[kind];
}

/* ---- what it could happen to ---- */

static uint32_t any(struct scene *scene, uint32_t below)
{
	return (uint32_t)random_below(&scene->random, below);
}

/* Hosts that have no other link than one to this switch. */
static uint32_t count_only(const struct scene *scene, uint32_t sw)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scene->fabric.host_count; i++)
		count += scene->fabric.hosts[i].links == 1 && scene->fabric.hosts[i].sw[0] == sw;
	return count;
}

static uint32_t count_behind(const struct scene *scene, uint32_t sw)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scene->fabric.host_count; i++)
		count += scene->fabric.hosts[i].sw[0] == sw;
	return count;
}

/* Enough hosts to tell it from a host, too few to take it for the CMA itself. */
static bool choose_switch(struct scene *scene, struct plot *plot)
{
	plot->sw = any(scene, scene->fabric.switch_count);
	return count_only(scene, plot->sw) >= HOSTS_LEAST &&
		2 * count_behind(scene, plot->sw) < scene->fabric.host_count;
}

static bool choose_edge(struct scene *scene, struct plot *plot)
{
	const struct ledger *ledger = &scene->ledger;
	const struct ledger_edge *edge;
	bool turned = any(scene, 2);

	if (!ledger->edge_end)
		return false;
	edge = &ledger->edges[any(scene, ledger->edge_end)];
	plot->host = turned ? edge->high : edge->low;
	plot->other = turned ? edge->low : edge->high;
	plot->sw = scene->fabric.hosts[plot->host].sw[0];
	plot->other_sw = scene->fabric.hosts[plot->other].sw[0];
	return edge->there;
}

static bool choose(struct scene *scene, struct plot *plot)
{
	const struct fabric_host *host;

	plot->host = any(scene, scene->fabric.host_count);
	plot->link = any(scene, FABRIC_LINKS);
	host = &scene->fabric.hosts[plot->host];
	switch (plot->kind) {
	case PLOT_LINK:
		return host->links == 2;
	case PLOT_PORT:
		plot->link = 0;
		return host->links == 1;
	case PLOT_SWITCH:
	case PLOT_UPLINK:
	case PLOT_POWER:
		return choose_switch(scene, plot);
	case PLOT_PATH:
		return choose_edge(scene, plot) && plot->sw != plot->other_sw;
	case PLOT_LOCAL:
		return choose_edge(scene, plot) && plot->sw == plot->other_sw;
	case PLOT_ONE_WAY:
		return choose_edge(scene, plot);
	case PLOT_HOST:
	case PLOT_HUNG:
	case PLOT_GONE:
	case PLOT_LEAVE:
	case PLOT_ISOLATED:
	case PLOT_COUNT:
		break;
	}
	return true;
}

static bool is_blind(const struct scene *scene, uint32_t sw)
{
	for (uint32_t i = 0; i < scene->ledger.edge_end; i++) {
		const struct ledger_edge *edge = &scene->ledger.edges[i];

		if (edge->there && scene->fabric.hosts[edge->low].sw[0] == sw &&
			scene->fabric.hosts[edge->high].sw[0] == sw)
			return false;
	}
	return true;
}

int plot_choose(struct scene *scene, enum plot_kind kind, struct plot *plot)
{
	*plot = (struct plot){ .kind = kind };
	for (unsigned i = 0; i < TRIES; i++) {
		if (!choose(scene, plot))
			continue;
		plot->blind = is_blind(scene, plot->sw);
		return 0;
	}
	return -ENOENT;
}

/* ---- it happens ---- */

/* Each nanoprobe that lives sees its carriers; who has another link says so. */
static void tell_places(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->fabric.host_count; i++) {
		if (scene->fabric.hosts[i].links > 1 && scene->nodes[i].ring)
			wheel_add(&scene->wheel,
				instant_add(scene_now(scene),
					NOTICE + (int64_t)any(scene, (uint32_t)NOTICE)),
				SCENE_PLACE, i, 0);
	}
}

static void turn_power(struct scene *scene, uint32_t sw, bool on)
{
	scene->fabric.switches[sw].dead = !on;
	for (uint32_t i = 0; i < scene->fabric.host_count; i++) {
		const struct fabric_host *host = &scene->fabric.hosts[i];

		if (host->links != 1 || host->sw[0] != sw)
			continue;
		if (!on)
			node_crash(scene, i);
		else
			wheel_add(&scene->wheel,
				instant_add(scene_now(scene),
					(int64_t)random_below(&scene->random, BOOT_LONGEST)),
				SCENE_NODE_BOOT, i, 0);
	}
	tell_places(scene);
}

void plot_begin(struct scene *scene, const struct plot *plot)
{
	struct fabric *fabric = &scene->fabric;

	switch (plot->kind) {
	case PLOT_HOST:
		node_crash(scene, plot->host);
		break;
	case PLOT_LINK:
	case PLOT_PORT:
		fabric->hosts[plot->host].cut[plot->link] = true;
		tell_places(scene);
		break;
	case PLOT_SWITCH:
		fabric->switches[plot->sw].dead = true;
		tell_places(scene);
		break;
	case PLOT_UPLINK:
		fabric->switches[plot->sw].cut = true;
		break;
	case PLOT_POWER:
		turn_power(scene, plot->sw, false);
		break;
	case PLOT_PATH:
		fabric_block(fabric, false, plot->sw, plot->other_sw);
		fabric_block(fabric, false, plot->other_sw, plot->sw);
		break;
	case PLOT_LOCAL:
		fabric_block(fabric, true, plot->other, plot->host);
		fabric_block(fabric, true, plot->host, plot->other);
		break;
	case PLOT_ONE_WAY:
		fabric_block(fabric, true, plot->other, plot->host);
		break;
	case PLOT_HUNG:
		node_stop(scene, plot->host, 0);
		break;
	case PLOT_GONE:
		node_kill(scene, plot->host);
		break;
	case PLOT_LEAVE:
		node_leave(scene, plot->host);
		break;
	case PLOT_ISOLATED:
		fabric->cma_cut = true;
		break;
	case PLOT_COUNT:
		break;
	}
}

void plot_end(struct scene *scene, const struct plot *plot)
{
	struct fabric *fabric = &scene->fabric;

	switch (plot->kind) {
	case PLOT_HOST:
		node_boot(scene, plot->host);
		break;
	case PLOT_LINK:
	case PLOT_PORT:
		fabric->hosts[plot->host].cut[plot->link] = false;
		tell_places(scene);
		break;
	case PLOT_SWITCH:
		fabric->switches[plot->sw].dead = false;
		tell_places(scene);
		break;
	case PLOT_UPLINK:
		fabric->switches[plot->sw].cut = false;
		break;
	case PLOT_POWER:
		turn_power(scene, plot->sw, true);
		break;
	case PLOT_PATH:
	case PLOT_LOCAL:
	case PLOT_ONE_WAY:
		fabric->block_count = 0;
		break;
	case PLOT_HUNG:
		node_continue(scene, plot->host);
		break;
	case PLOT_GONE:
	case PLOT_LEAVE:
		node_start(scene, plot->host);
		break;
	case PLOT_ISOLATED:
		fabric->cma_cut = false;
		break;
	case PLOT_COUNT:
		break;
	}
}
