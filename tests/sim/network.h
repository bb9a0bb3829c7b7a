/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_NETWORK_H
#define TESTS_SIM_NETWORK_H
/* A network on the virtual clock that loses, repeats, delays and damages datagrams by seed. */
#include "base/addr.h"
#include "base/instant.h"
#include "tests/sim/random.h"
#include "wire/packet.h"

/* In percent of the datagrams. */
struct network_faults {
	unsigned drop, duplicate, reorder, corrupt;
};

enum flight_origin {
	FLIGHT_GENUINE,	 /* as a core sent it */
	FLIGHT_DAMAGED,	 /* on the way */
	FLIGHT_REPLAYED, /* by an attacker, who recorded it when it was delivered */
	FLIGHT_FORGED,	 /* by an attacker who made it up */
};

struct flight {
	struct addr from, to;
	enum flight_origin origin;
	uint64_t taken_by; /* replayed: the process that it was delivered to before */
	size_t size;
	uint8_t bytes[];
};

struct flight_due {
	struct instant at; /* arrives */
	uint64_t order;	   /* of sending: what arrives together arrives in this order */
	struct flight *flight;
};

struct network {
	struct random *random;
	struct network_faults faults;
	struct flight_due *heap; /* the first to arrive first */
	size_t count, capacity;
	uint64_t order, sent, delivered, injected;
};

void network_init(struct network *network, struct random *random);
void network_deinit(struct network *network);
void network_send(struct network *network, struct instant now, const struct addr *from,
	const struct addr *to, struct span bytes);
/* As an attacker does it: with any sender, and nothing happens to it. The flight may be changed. */
struct flight *network_inject(struct network *network, struct instant now,
	enum flight_origin origin, const struct addr *from, const struct addr *to,
	struct span bytes);
struct instant network_deadline(const struct network *network);
/* What arrives first; there must be something. The caller frees. */
struct flight *network_take(struct network *network);

#endif
