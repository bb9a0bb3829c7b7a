// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/network.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Delays: of a usual datagram, and of one that is overtaken. */
#define DELAY_LEAST (200 * NS_PER_US)
#define DELAY_MOST  (2 * NS_PER_MS)
#define DELAY_LATE  (400 * NS_PER_MS)

void network_init(struct network *network, struct random *random)
{
	*network = (struct network){ .random = random };
}

void network_deinit(struct network *network)
{
	for (size_t i = 0; i < network->count; i++)
		free(network->heap[i].flight);
	free(network->heap);
}

static bool earlier(const struct flight_due *a, const struct flight_due *b)
{
	return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : a->order < b->order;
}

static void push(struct network *network, struct flight_due due)
{
	size_t at = network->count++;

	if (network->count > network->capacity) {
		network->capacity = 2 * network->count;
		network->heap =
			mem_resize(network->heap, network->capacity, sizeof(*network->heap));
	}
	for (; at && earlier(&due, &network->heap[(at - 1) / 2]); at = (at - 1) / 2)
		network->heap[at] = network->heap[(at - 1) / 2];
	network->heap[at] = due;
}

static struct flight *pop(struct network *network)
{
	struct flight_due *heap = network->heap;
	struct flight *first = heap[0].flight;
	struct flight_due last = heap[--network->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < network->count && earlier(&heap[child + 1], &heap[child]))
			child++;
		if (child >= network->count || !earlier(&heap[child], &last))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	return first;
}

static struct flight *launch(struct network *network, struct instant at, enum flight_origin origin,
	const struct addr *from, const struct addr *to, struct span bytes)
{
	struct flight *flight = malloc(sizeof(*flight) + bytes.size);

	if (!flight)
		abort();
	flight->from = *from;
	flight->to = *to;
	flight->origin = origin;
	flight->taken_by = 0;
	flight->size = bytes.size;
	memcpy(flight->bytes, bytes.data, bytes.size);
	push(network, (struct flight_due){ at, network->order++, flight });
	return flight;
}

static void send_one(struct network *network, struct instant now, const struct addr *from,
	const struct addr *to, struct span bytes)
{
	bool late = random_percent(network->random, network->faults.reorder);
	int64_t delay = DELAY_LEAST +
		(int64_t)random_below(
			network->random, late ? DELAY_LATE : DELAY_MOST - DELAY_LEAST);
	struct flight *flight =
		launch(network, instant_add(now, delay), FLIGHT_GENUINE, from, to, bytes);

	if (random_percent(network->random, network->faults.corrupt)) {
		size_t bit = random_below(network->random, 8 * bytes.size);

		flight->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		flight->origin = FLIGHT_DAMAGED;
	}
}

void network_send(struct network *network, struct instant now, const struct addr *from,
	const struct addr *to, struct span bytes)
{
	network->sent++;
	if (random_percent(network->random, network->faults.drop))
		return;
	send_one(network, now, from, to, bytes);
	if (random_percent(network->random, network->faults.duplicate))
		send_one(network, now, from, to, bytes);
}

struct flight *network_inject(struct network *network, struct instant now,
	enum flight_origin origin, const struct addr *from, const struct addr *to,
	struct span bytes)
{
	int64_t delay = (int64_t)random_below(network->random, DELAY_MOST);

	network->injected++;
	return launch(network, instant_add(now, delay), origin, from, to, bytes);
}

struct instant network_deadline(const struct network *network)
{
	return network->count ? network->heap[0].at : INSTANT_NEVER;
}

struct flight *network_take(struct network *network)
{
	network->delivered++;
	return pop(network);
}
