// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/crowd.h"

#include "base/alloc.h"

static uint32_t below(struct random *random, uint32_t limit)
{
	return (uint32_t)random_below(random, limit);
}

/* Numbers from 0 on in a random order: the caller frees. */
static uint32_t *shuffled(uint32_t count, struct random *random)
{
	uint32_t *order = mem_alloc(count, sizeof(*order));

	for (uint32_t i = 0; i < count; i++) {
		uint32_t other = below(random, i + 1);

		order[i] = order[other];
		order[other] = i;
	}
	return order;
}

struct fabric crowd_racks(uint32_t hosts, uint32_t each, struct random *random)
{
	uint32_t *order autofree = shuffled(hosts, random);
	struct fabric fabric;

	fabric_init(&fabric, hosts, (hosts + each - 1) / each);
	for (uint32_t i = 0; i < hosts; i++)
		fabric_wire(&fabric, order[i], i / each);
	return fabric;
}

/* Its first link is the one that is used, and leads to the lower of its switches. */
static void wire_two(struct fabric *fabric, uint32_t host, uint32_t sw, uint32_t other)
{
	fabric_wire(fabric, host, sw < other ? sw : other);
	fabric_wire(fabric, host, sw < other ? other : sw);
}

struct fabric crowd_any(struct random *random)
{
	enum { SWITCHES_MAX = 16 };
	uint32_t switches = 3 + below(random, SWITCHES_MAX - 2);
	uint32_t size[SWITCHES_MAX], hosts = 0, host = 0;
	unsigned twice = random_percent(random, 60) ? 0 : 10 + (unsigned)below(random, 50);
	unsigned mute = random_percent(random, 70) ? 0 : (unsigned)below(random, 100);
	struct fabric fabric;

	for (uint32_t i = 0; i < switches; i++) {
		size[i] =
			random_percent(random, 20) ? 1 + below(random, 40) : 3 + below(random, 12);
		hosts += size[i];
	}
	fabric_init(&fabric, hosts, switches);
	for (uint32_t i = 0; i < switches; i++)
		fabric.switches[i].mute = random_percent(random, mute);
	for (uint32_t i = 0; i < switches; i++) {
		for (uint32_t j = 0; j < size[i]; j++, host++) {
			uint32_t other = (i + 1 + below(random, switches - 1)) % switches;

			if (random_percent(random, twice) && !fabric.switches[i].mute &&
				!fabric.switches[other].mute)
				wire_two(&fabric, host, i, other);
			else
				fabric_wire(&fabric, host, i);
		}
	}
	return fabric;
}
