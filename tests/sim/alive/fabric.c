// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/fabric.h"

#include "base/alloc.h"

void fabric_init(struct fabric *fabric, uint32_t hosts, uint32_t switches)
{
	*fabric = (struct fabric){ .hosts = mem_alloc(hosts, sizeof(*fabric->hosts)),
		.switches = mem_alloc(switches, sizeof(*fabric->switches)),
		.host_count = hosts,
		.switch_count = switches,
		.cma_switch = FABRIC_CMA };
}

void fabric_deinit(struct fabric *fabric)
{
	free(fabric->hosts);
	free(fabric->switches);
}

void fabric_wire(struct fabric *fabric, uint32_t host, uint32_t sw)
{
	struct fabric_host *at = &fabric->hosts[host];

	if (at->links == FABRIC_LINKS)
		abort();
	at->sw[at->links++] = sw;
	fabric->switches[sw].hosts++;
}

void fabric_block(struct fabric *fabric, bool of_hosts, uint32_t from, uint32_t to)
{
	if (fabric->block_count == FABRIC_BLOCKS)
		abort();
	fabric->blocks[fabric->block_count++] = (struct fabric_block){ of_hosts, from, to };
}

bool fabric_has_carrier(const struct fabric *fabric, uint32_t host, unsigned link)
{
	const struct fabric_host *at = &fabric->hosts[host];

	return !at->dead && link < at->links && !at->cut[link] &&
		!fabric->switches[at->sw[link]].dead;
}

unsigned fabric_link(const struct fabric *fabric, uint32_t host)
{
	unsigned link = 0;

	while (link < FABRIC_LINKS && !fabric_has_carrier(fabric, host, link))
		link++;
	return link;
}

static bool is_blocked(const struct fabric *fabric, bool of_hosts, uint32_t from, uint32_t to)
{
	for (unsigned i = 0; i < fabric->block_count; i++) {
		const struct fabric_block *block = &fabric->blocks[i];

		if (block->of_hosts == of_hosts && block->from == from && block->to == to)
			return true;
	}
	return false;
}

/* The switch that one is behind now; false: it is cut off. */
static bool find_switch(const struct fabric *fabric, uint32_t host, uint32_t *sw)
{
	unsigned link;

	if (host == FABRIC_CMA) {
		*sw = fabric->cma_switch;
		return !fabric->cma_cut && (*sw == FABRIC_CMA || !fabric->switches[*sw].dead);
	}
	link = fabric_link(fabric, host);
	if (link == FABRIC_LINKS)
		return false;
	*sw = fabric->hosts[host].sw[link];
	return true;
}

static bool has_uplink(const struct fabric *fabric, uint32_t sw)
{
	return sw == FABRIC_CMA || !fabric->switches[sw].cut;
}

bool fabric_passes(const struct fabric *fabric, uint32_t from, uint32_t to)
{
	uint32_t a, b;

	if (!find_switch(fabric, from, &a) || !find_switch(fabric, to, &b))
		return false;
	if (fabric->block_count &&
		(is_blocked(fabric, true, from, to) || is_blocked(fabric, false, a, b)))
		return false;
	return a == b || (has_uplink(fabric, a) && has_uplink(fabric, b));
}
