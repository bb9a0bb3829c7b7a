// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/orders.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { LIFE_MS = 60000, KEPT = 256 /* that a new CMA still knows */ };

struct order {
	size_t size;
	bool done;
	uint8_t frame[256];
};

struct orders {
	struct random *random;
	struct sign_pair operator;
	struct policy policy;
	struct policy_operator known;
	struct order *orders;
	uint64_t count, done;
	bool twice;
};

struct orders *orders_new(struct random *random)
{
	struct orders *orders = mem_alloc(1, sizeof(*orders));
	uint8_t seed[SIGN_SEED];

	orders->random = random;
	random_fill(random, seed, sizeof(seed));
	sign_from_seed(&orders->operator, seed);
	orders->policy = (struct policy){ .count = 1, .operators = &orders->known };
	orders->known =
		(struct policy_operator){ .name = "operator", .has_key = true, .word_count = 1 };
	strcpy(orders->known.tenant, "default");
	strcpy(orders->known.words[0], "resync");
	memcpy(orders->known.key, orders->operator.public, SIGN_KEY);
	return orders;
}

void orders_free(struct orders *orders)
{
	free(orders->orders);
	free(orders);
}

/* One that the hub does not take was never given. */
static void add(struct orders *orders, uint64_t n, struct hub *hub, struct instant now,
	int64_t now_ms, bool sent)
{
	const struct order *order = &orders->orders[n];
	struct hub_command command = { .frame = SPAN(order->frame, order->size), .sent = sent };
	int err = hub_command_add(hub, now, now_ms, &command);

	(void)err;
}

void orders_give(struct orders *orders, struct hub *hub, struct instant now, int64_t now_ms,
	const uint8_t agent[SEAL_KEY], uint64_t run)
{
	struct warrant warrant = {
		.incarnation = run,
		.not_after_ms = (uint64_t)now_ms + 1 + random_below(orders->random, LIFE_MS),
		.tenant = SPAN_TEXT("default"),
		.name = SPAN_TEXT("resync"),
	};
	uint64_t n = orders->count++;
	struct order *order;
	struct writer frame;

	orders->orders = mem_resize(orders->orders, orders->count, sizeof(*orders->orders));
	order = &orders->orders[n];
	frame = writer_over(order->frame, sizeof(order->frame));
	random_fill(orders->random, warrant.id, sizeof(warrant.id));
	memcpy(warrant.id, &n, sizeof(n));
	memcpy(warrant.agent, agent, SEAL_KEY);
	if (warrant_sign(&warrant, &orders->operator, & frame))
		abort();
	order->size = frame.size;
	order->done = false;
	add(orders, n, hub, now, now_ms, false);
}

void orders_load(struct orders *orders, struct hub *hub, struct instant now, int64_t now_ms)
{
	uint64_t n = orders->count > KEPT ? orders->count - KEPT : 0;

	for (; n < orders->count; n++)
		add(orders, n, hub, now, now_ms, true);
}

bool orders_take(struct orders *orders, struct judge *judge, uint64_t now_ms, struct span frame,
	uint8_t id[WARRANT_ID])
{
	char reason[JUDGE_REASON_SIZE];
	struct warrant warrant;
	enum judge_verdict verdict =
		judge_warrant(judge, &orders->policy, now_ms, frame, &warrant, reason);
	uint64_t n;

	if (verdict == JUDGE_AGAIN || verdict == JUDGE_FORGED)
		return false;
	memcpy(id, warrant.id, WARRANT_ID);
	memcpy(&n, warrant.id, sizeof(n));
	if (verdict == JUDGE_DO) {
		orders->twice = orders->twice || orders->orders[n].done;
		orders->orders[n].done = true;
		orders->done++;
	}
	return true;
}

bool orders_done(const struct orders *orders, uint64_t *count)
{
	*count = orders->done;
	return !orders->twice;
}
