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
		free(network->heap[i]);
	free(network->heap);
}

static bool earlier(const struct flight *a, const struct flight *b)
{
	return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : a->order < b->order;
}

static void swap(struct network *network, size_t a, size_t b)
{
	struct flight *flight = network->heap[a];

	network->heap[a] = network->heap[b];
	network->heap[b] = flight;
}

static void push(struct network *network, struct flight *flight)
{
	size_t at = network->count++;

	if (network->count > network->capacity) {
		network->capacity = 2 * network->count;
		network->heap =
			mem_resize(network->heap, network->capacity, sizeof(*network->heap));
	}
	network->heap[at] = flight;
	for (; at && earlier(flight, network->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(network, at, (at - 1) / 2);
}

static struct flight *pop(struct network *network)
{
	struct flight *first = network->heap[0];
	size_t at = 0;

	network->heap[0] = network->heap[--network->count];
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < network->count &&
			earlier(network->heap[child + 1], network->heap[child]))
			child++;
		if (child >= network->count || !earlier(network->heap[child], network->heap[at]))
			return first;
		swap(network, at, child);
		at = child;
	}
}

static int64_t delay(struct network *network)
{
	bool late = random_percent(network->random, network->faults.reorder);

	network->reordered += late;
	return DELAY_LEAST +
		(int64_t)random_below(
			network->random, late ? DELAY_LATE : DELAY_MOST - DELAY_LEAST);
}

static void launch(struct network *network, struct instant now, const struct addr *from,
	const struct addr *to, const uint8_t *bytes, size_t size)
{
	struct flight *flight = mem_alloc(1, sizeof(*flight));

	flight->at = instant_add(now, delay(network));
	flight->order = network->sent;
	flight->from = *from;
	flight->to = *to;
	flight->size = size;
	memcpy(flight->bytes, bytes, size);
	if (random_percent(network->random, network->faults.corrupt)) {
		size_t bit = random_below(network->random, 8 * size);

		flight->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		network->corrupted++;
	}
	push(network, flight);
}

void network_send(struct network *network, struct instant now, const struct addr *from,
	const struct addr *to, const uint8_t *bytes, size_t size)
{
	network->sent++;
	if (random_percent(network->random, network->faults.drop)) {
		network->dropped++;
		return;
	}
	launch(network, now, from, to, bytes, size);
	if (random_percent(network->random, network->faults.duplicate)) {
		network->duplicated++;
		launch(network, now, from, to, bytes, size);
	}
}

struct instant network_deadline(const struct network *network)
{
	return network->count ? network->heap[0]->at : INSTANT_NEVER;
}

struct flight *network_take(struct network *network, struct instant now)
{
	if (!network->count || instant_before(now, network->heap[0]->at))
		return NULL;
	network->delivered++;
	return pop(network);
}
