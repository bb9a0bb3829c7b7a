// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cma/graph/command.h"
#include "wire/beat.h"

void order_free(struct order *order)
{
	for (size_t i = 0; i < order->count; i++)
		json_decref(order->values[i]);
	free(order->values);
	free(order->facts);
}

/*
 * Not every program that reads our answers nests as deep as the next one: SQLite refuses at 2,000
 * what jansson takes until 2,048, and would refuse every query that meets such a value.
 */
static bool is_deeper(const json_t *value, int levels)
{
	const json_t *child;
	const char *name;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return false;
	if (!levels)
		return true;
	json_array_foreach (value, i, child)
		if (is_deeper(child, levels - 1))
			return true;
	json_object_foreach ((json_t *)value, name, child)
		if (is_deeper(child, levels - 1))
			return true;
	return false;
}

static int order_value(const struct fact *fact, json_t **value, char *reason, size_t size)
{
	char why[80];

	*value = NULL;
	if (!fact->value.size)
		return 0;
	*value = json_parse(fact->value, FACT_VALUE_MAX, why, sizeof(why));
	if (json_is_object(*value) && !is_deeper(*value, FACT_DEPTH_MAX))
		return 0;
	snprintf(reason, size, "%s fact: %s", section_name(fact->section),
		!*value				 ? why
			: json_is_object(*value) ? "nested too deep"
						 : "not an object");
	json_decref(*value);
	return -EINVAL;
}

static int order_facts(struct order *order, struct span packed, char *reason, size_t size)
{
	struct reader each = reader_of(packed);
	size_t room = 0;

	for (struct fact fact; fact_get(&each, &fact);) {
		if (order->count == GRAPH_MESSAGE_FACTS) {
			snprintf(reason, size, "more than %d facts", GRAPH_MESSAGE_FACTS);
			return -EINVAL;
		}
		if (order->count == room) {
			room = room ? 2 * room : 8;
			order->facts = mem_resize(order->facts, room, sizeof(*order->facts));
			order->values = mem_resize(order->values, room, sizeof(json_t *));
		}
		if (order_value(&fact, &order->values[order->count], reason, size) < 0)
			return -EINVAL;
		order->facts[order->count++] = fact;
	}
	return 0;
}

/* A range says all of itself: in order, inside its bounds, nothing deleted. */
static int order_check_range(const struct order *order, char *reason, size_t size)
{
	const struct message_range *range = &order->message.range;
	struct span after = range->from;
	bool good = range->section < SECTION_COUNT;

	for (size_t i = 0; i < order->count && good; i++) {
		const struct fact *fact = &order->facts[i];
		int compared = span_compare(fact->key, after);

		good = fact->section == range->section && fact->value.size &&
			(i ? compared > 0 : compared >= 0);
		after = fact->key;
	}
	if (good && order->count && range->until.size)
		good = span_compare(after, range->until) < 0;
	if (!good)
		snprintf(reason, size, "range: facts out of order or bounds");
	return good ? 0 : -EINVAL;
}

int order_read(struct order *order, struct span bytes, char *reason, size_t size)
{
	int failed = message_decode(bytes, &order->message);

	if (failed) {
		snprintf(reason, size,
			failed == -ENOTSUP ? "unknown kind %u" : "malformed, kind %u",
			bytes.size ? bytes.data[0] : 0);
		return failed;
	}
	switch (order->message.kind) {
	case MESSAGE_CHANGES:
		return order_facts(order, order->message.changes.facts, reason, size);
	case MESSAGE_RANGE:
		failed = order_facts(order, order->message.range.facts, reason, size);
		return failed ? failed : order_check_range(order, reason, size);
	case MESSAGE_RESULT:
		if (graph_result_is_sound(&order->message.result))
			break;
		snprintf(reason, size, "result: no such status, or no text");
		return -EINVAL;
	case MESSAGE_SIGHT:
		if (order->message.sight.sight < SIGHT_COUNT)
			break;
		snprintf(reason, size, "sight: unknown %u", order->message.sight.sight);
		return -EINVAL;
	case MESSAGE_DIGEST:
	case MESSAGE_LOST:
		break;
	}
	return 0;
}
