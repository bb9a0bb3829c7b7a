// SPDX-License-Identifier: Apache-2.0
#include "cma/gate.h"

#include <string.h>

#include "base/alloc.h"
#include "cma/limit.h"
#include "cma/turns.h"

#define LOADED_FOR NS_PER_SEC /* so long cookies are demanded after the last crowd */

struct gate {
	cookie_random_fn *random;
	void *owner;
	struct cookie_jar jar;
	struct turns turns;
	struct limit limit;
	struct instant loaded_until;
	uint64_t callers;
	unsigned int first, count; /* of those that wait */
	struct gate_init waiting[GATE_MAX];
};

struct gate *gate_new(cookie_random_fn *random, void *owner)
{
	struct gate *gate = mem_alloc(1, sizeof(*gate));

	gate->random = random;
	gate->owner = owner;
	return gate;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	seal_wipe(&gate->jar, sizeof(gate->jar));
	free(gate);
}

void gate_expect(struct gate *gate, uint64_t callers)
{
	gate->callers = callers;
}

static bool may_enter(struct gate *gate, struct instant now, const struct addr *from,
	const struct packet *p, struct hub_counters *counters)
{
	bool proven = cookie_is_good(&gate->jar, from, p), within;

	if (proven)
		turns_came(&gate->turns);
	if (gate->count >= GATE_LOADED)
		gate->loaded_until = instant_add(now, LOADED_FOR);
	if (!instant_before(now, gate->loaded_until))
		return true;
	if (!proven) {
		counters->no_cookie++;
		return false;
	}
	within = limit_take(&gate->limit, gate->jar.secret[0], now, from);
	if (gate->count < GATE_CROWDED || (within && gate->count < GATE_MAX))
		return true;
	counters->crowded++;
	return false;
}

bool gate_enter(struct gate *gate, struct instant now, int64_t now_ms, const struct addr *from,
	const struct packet *p, struct hub_counters *counters, struct cookie_reply *retry)
{
	struct gate_init *init;

	cookie_refresh(&gate->jar, now, gate->random, gate->owner);
	turns_advance(&gate->turns, now);
	if (!may_enter(gate, now, from, p, counters)) {
		cookie_make(&gate->jar, from, retry->cookie);
		retry->after_ms = turns_give(&gate->turns, gate->count, gate->callers);
		return false;
	}
	init = &gate->waiting[(gate->first + gate->count++) % GATE_MAX];
	init->from = *from;
	init->now_ms = now_ms;
	memcpy(init->datagram, p->covered.data, PACKET_INIT_SIZE);
	return true;
}

bool gate_hears(const struct gate *gate, const struct addr *from, const struct packet *p,
	struct cookie_reply *retry)
{
	if (cookie_is_good(&gate->jar, from, p))
		return true;
	cookie_make(&gate->jar, from, retry->cookie);
	retry->after_ms = 0;
	return false;
}

const struct gate_init *gate_next(struct gate *gate, struct instant now)
{
	const struct gate_init *init = &gate->waiting[gate->first];

	if (!gate->count)
		return NULL;
	turns_advance(&gate->turns, now);
	gate->first = (gate->first + 1) % GATE_MAX;
	gate->count--;
	turns_served(&gate->turns);
	if (!gate->count)
		turns_idle(&gate->turns);
	return init;
}

bool gate_is_empty(const struct gate *gate)
{
	return !gate->count;
}
