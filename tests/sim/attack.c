// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/attack.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/place.h"
#include "wire/session.h"

enum { KEPT_MAX = 2048, PORTS = 4096 };

struct kept {
	struct addr from, to;
	uint64_t process;
	size_t size;
	uint8_t bytes[PACKET_MAX];
};

struct attack {
	struct network *network;
	struct random *random;
	struct addr cma;
	uint8_t cma_key[SEAL_KEY];
	struct kept *kept;
	size_t count;
	uint16_t port;
	size_t asked[PORTS]; /* bytes sent from each of his ports, less those that were answered */
};

struct attack *attack_new(
	struct network *network, const struct addr *cma, const uint8_t cma_key[SEAL_KEY])
{
	struct attack *attack = mem_alloc(1, sizeof(*attack));

	attack->network = network;
	attack->random = network->random;
	attack->cma = *cma;
	memcpy(attack->cma_key, cma_key, SEAL_KEY);
	attack->kept = mem_alloc(KEPT_MAX, sizeof(*attack->kept));
	return attack;
}

void attack_free(struct attack *attack)
{
	if (attack)
		free(attack->kept);
	free(attack);
}

/* Old ones are replaced at random: some stay for long. */
void attack_hear(struct attack *attack, const struct flight *flight, uint64_t process)
{
	size_t slot =
		attack->count < KEPT_MAX ? attack->count++ : random_below(attack->random, KEPT_MAX);
	struct kept *kept = &attack->kept[slot];

	kept->from = flight->from;
	kept->to = flight->to;
	kept->process = process;
	kept->size = flight->size;
	memcpy(kept->bytes, flight->bytes, flight->size);
}

/* An address of his own, to send that many bytes from. */
static struct addr own_address(struct attack *attack, size_t size)
{
	uint16_t port = attack->port++ % PORTS;

	attack->asked[port] = size;
	return place_addr(PLACE_STRANGER, 0, port);
}

static void replay(struct attack *attack, struct instant now)
{
	const struct kept *kept = &attack->kept[random_below(attack->random, attack->count)];
	bool own = place_of(&kept->to) == PLACE_CMA && random_percent(attack->random, 40);
	struct addr from = own ? own_address(attack, kept->size) : kept->from;
	struct flight *flight = network_inject(attack->network, now, FLIGHT_REPLAYED, &from,
		&kept->to, SPAN(kept->bytes, kept->size));

	flight->taken_by = kept->process;
}

/* The same, changed in one place or cut. */
static void distort(struct attack *attack, struct instant now)
{
	const struct kept *kept = &attack->kept[random_below(attack->random, attack->count)];
	uint8_t bytes[PACKET_MAX];
	size_t size = kept->size;
	struct addr from = kept->from;

	memcpy(bytes, kept->bytes, size);
	if (random_percent(attack->random, 30))
		size = 1 + random_below(attack->random, size);
	else
		bytes[random_below(attack->random, size)] ^=
			(uint8_t)(1 + random_below(attack->random, 255));
	if (place_of(&kept->to) == PLACE_CMA)
		from = own_address(attack, size);
	network_inject(attack->network, now, FLIGHT_FORGED, &from, &kept->to, SPAN(bytes, size));
}

static void junk(struct attack *attack, struct instant now)
{
	uint8_t bytes[PACKET_MAX];
	size_t size = 1 + random_below(attack->random, 200);
	struct addr from;

	random_fill(attack->random, bytes, size);
	bytes[0] = (uint8_t)(1 + random_below(attack->random, 6));
	bytes[size > 1] = 1;
	from = own_address(attack, size);
	network_inject(attack->network, now, FLIGHT_FORGED, &from, &attack->cma, SPAN(bytes, size));
}

/* A handshake that is right in all but its secret: whoever knows the CMA's key can make one. */
static void call(struct attack *attack, struct instant now)
{
	struct session_hello hello = { .incarnation = 1, .enrol = true };
	struct session_self self;
	struct session_call ignored;
	struct key_pair key;
	uint8_t ephemeral[SEAL_KEY], bytes[PACKET_INIT_SIZE];
	struct addr from = own_address(attack, sizeof(bytes));

	random_fill(attack->random, ephemeral, sizeof(ephemeral));
	random_fill(attack->random, hello.token_id, sizeof(hello.token_id));
	keys_from_secret(&key, ephemeral);
	session_self_init(&self, &key);
	if (session_call(&ignored, &self, attack->cma_key, ephemeral, 1, &hello, bytes))
		return;
	network_inject(attack->network, now, FLIGHT_FORGED, &from, &attack->cma,
		SPAN(bytes, sizeof(bytes)));
}

void attack_strike(struct attack *attack, struct instant now)
{
	uint64_t how = random_below(attack->random, 100);

	if (how < 5)
		call(attack, now);
	else if (how < 15 || !attack->count)
		junk(attack, now);
	else if (how < 25)
		distort(attack, now);
	else
		replay(attack, now);
}

bool attack_answered(struct attack *attack, const struct addr *to, size_t size)
{
	size_t *asked = &attack->asked[to->port];

	if (size > *asked)
		return false;
	*asked -= size;
	return true;
}
