// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/plot.h"

static uint64_t domain(const struct scene *scene, uint32_t sw)
{
	return scene->fabric.switches[sw].mute ? scene_subnet_node(sw) : scene_switch_node(sw);
}

static void pair(struct alive_incident *truth, uint64_t one, uint64_t other)
{
	truth->node = one < other ? one : other;
	truth->other = one < other ? other : one;
}

/* Nothing but a subnet is known of it: that it is a switch, and where its ports are, is not. */
static bool is_mute(const struct scene *scene, uint32_t sw)
{
	return scene->fabric.switches[sw].mute;
}

static enum alive_cause group(const struct scene *scene, const struct plot *plot, bool over)
{
	if (over && plot->kind == PLOT_POWER)
		return ALIVE_CAUSE_POWER;
	if (is_mute(scene, plot->sw) || (over && plot->kind == PLOT_UPLINK && !plot->blind))
		return ALIVE_CAUSE_PARTITION;
	return ALIVE_CAUSE_SWITCH;
}

bool plot_truth(
	const struct scene *scene, const struct plot *plot, bool over, struct alive_incident *truth)
{
	static const enum alive_cause during[PLOT_COUNT] = { [PLOT_HOST] = ALIVE_CAUSE_HOST,
		[PLOT_LINK] = ALIVE_CAUSE_LINK,
		[PLOT_PORT] = ALIVE_CAUSE_HOST,
		[PLOT_SWITCH] = ALIVE_CAUSE_SWITCH,
		[PLOT_UPLINK] = ALIVE_CAUSE_SWITCH,
		[PLOT_POWER] = ALIVE_CAUSE_SWITCH,
		[PLOT_PATH] = ALIVE_CAUSE_PATH,
		[PLOT_LOCAL] = ALIVE_CAUSE_LOCAL_PATH,
		[PLOT_ONE_WAY] = ALIVE_CAUSE_ONE_WAY,
		[PLOT_HUNG] = ALIVE_CAUSE_HUNG,
		[PLOT_GONE] = ALIVE_CAUSE_GONE,
		[PLOT_ISOLATED] = ALIVE_CAUSE_ISOLATED };

	if (plot->kind == PLOT_LEAVE)
		return false;
	*truth = (struct alive_incident){ .cause = during[plot->kind],
		.tenant = plot->kind == PLOT_ISOLATED ? 0 : SCENE_TENANT,
		.node = scene_id(plot->host) };
	switch (plot->kind) {
	case PLOT_PORT:
		if (!over || is_mute(scene, scene->fabric.hosts[plot->host].sw[0]))
			break;
		truth->cause = ALIVE_CAUSE_LINK;
		truth->node = scene_port_node(plot->host, plot->link);
		break;
	case PLOT_LINK:
		truth->node = scene_port_node(plot->host, plot->link);
		break;
	case PLOT_SWITCH:
	case PLOT_UPLINK:
	case PLOT_POWER:
		truth->cause = group(scene, plot, over);
		truth->node = domain(scene, plot->sw);
		break;
	case PLOT_PATH:
		pair(truth, domain(scene, plot->sw), domain(scene, plot->other_sw));
		break;
	case PLOT_LOCAL:
		pair(truth, scene_id(plot->host), scene_id(plot->other));
		break;
	case PLOT_ONE_WAY:
		truth->other = scene_id(plot->other);
		break;
	case PLOT_ISOLATED:
		truth->node = 0;
		break;
	case PLOT_HOST:
	case PLOT_HUNG:
	case PLOT_GONE:
	case PLOT_LEAVE:
	case PLOT_COUNT:
		break;
	}
	return true;
}

/* Whether what the host has there was all of it. */
static bool is_cut_off(const struct scene *scene, const struct plot *plot, uint32_t host)
{
	const struct fabric_host *at = &scene->fabric.hosts[host];

	if (plot->kind == PLOT_UPLINK)
		return at->sw[0] == plot->sw;
	return at->links == 1 && at->sw[0] == plot->sw;
}

enum alive_status plot_status(const struct plot *plot, const struct scene *scene, uint32_t host)
{
	switch (plot->kind) {
	case PLOT_SWITCH:
	case PLOT_UPLINK:
	case PLOT_POWER:
		return is_cut_off(scene, plot, host) ? ALIVE_UNREACHABLE : ALIVE_UP;
	case PLOT_HOST:
	case PLOT_PORT:
		return host == plot->host ? ALIVE_DOWN : ALIVE_UP;
	case PLOT_HUNG:
		return host == plot->host ? ALIVE_HUNG : ALIVE_UP;
	case PLOT_GONE:
		return host == plot->host ? ALIVE_GONE : ALIVE_UP;
	case PLOT_LEAVE:
		return host == plot->host ? ALIVE_LEFT : ALIVE_UP;
	case PLOT_LINK:
	case PLOT_PATH:
	case PLOT_LOCAL:
	case PLOT_ONE_WAY:
	case PLOT_ISOLATED:
	case PLOT_COUNT:
		break;
	}
	return ALIVE_UP;
}
