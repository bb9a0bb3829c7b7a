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

struct flight {
	struct instant at; /* arrives */
	uint64_t order;	   /* of sending: what arrives together arrives in this order */
	struct addr from, to;
	size_t size;
	uint8_t bytes[PACKET_MAX];
};

struct network {
	struct random *random;
	struct network_faults faults;
	struct flight **heap; /* the first to arrive first */
	size_t count, capacity;
	uint64_t sent, delivered, dropped, duplicated, reordered, corrupted;
};

void network_init(struct network *network, struct random *random);
void network_deinit(struct network *network);
void network_send(struct network *network, struct instant now, const struct addr *from,
	const struct addr *to, const uint8_t *bytes, size_t size);
struct instant network_deadline(const struct network *network);
/* What has arrived by now; NULL: nothing. The caller frees. */
struct flight *network_take(struct network *network, struct instant now);

#endif
