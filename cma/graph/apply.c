// SPDX-License-Identifier: Apache-2.0
/* Acting on one message of an agent, once. */
#include "cma/graph/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cma/graph/command.h"
#include "cma/graph/incident.h"
#include "cma/graph/store.h"
#include "wire/digest.h"

/* The row of an agent. */
struct row {
	int64_t host;
	int64_t tenant;
	uint8_t public_key[GRAPH_KEY];
	uint64_t incarnation;
	uint64_t durable[STREAM_COUNT];
	uint64_t digest_sequence;
	uint16_t want;
	uint64_t digests[SECTION_COUNT];
	int64_t quarantined;
	uint64_t boot;
	int64_t lost;
};

static int row_load(struct graph *g, struct row *row)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_AGENT_LOAD, "i", row->host);
	struct reader digests;
	int got = db_step(&g->db, s);

	if (got <= 0)
		return got ? got : -ENOENT;
	row->tenant = sqlite3_column_int64(s, 0);
	memcpy(row->public_key, db_blob(s, 1).data, sizeof(row->public_key));
	row->incarnation = (uint64_t)sqlite3_column_int64(s, 2);
	row->durable[STREAM_STATE] = (uint64_t)sqlite3_column_int64(s, 3);
	row->digest_sequence = (uint64_t)sqlite3_column_int64(s, 4);
	row->want = (uint16_t)sqlite3_column_int(s, 5);
	digests = reader_of(db_blob(s, 6));
	for (size_t i = 0; i < SECTION_COUNT; i++)
		row->digests[i] = get_u64(&digests);
	row->quarantined = sqlite3_column_int64(s, 7);
	row->boot = (uint64_t)sqlite3_column_int64(s, 8);
	row->durable[STREAM_URGENT] = (uint64_t)sqlite3_column_int64(s, 9);
	row->lost = sqlite3_column_int64(s, 10);
	return 0;
}

static int row_save(struct graph *g, const struct row *row)
{
	uint8_t bytes[8 * SECTION_COUNT];
	struct writer digests = writer_over(bytes, sizeof(bytes));

	for (size_t i = 0; i < SECTION_COUNT; i++)
		put_u64(&digests, row->digests[i]);
	return db_run(&g->db, DB_AGENT_SAVE, "iiiiibiiii", row->host, (int64_t)row->incarnation,
		(int64_t)row->durable[STREAM_STATE], (int64_t)row->digest_sequence,
		(int64_t)row->want, writer_span(&digests), row->quarantined, (int64_t)row->boot,
		(int64_t)row->durable[STREAM_URGENT], row->lost);
}

/* ---- reading a message whole before anything is touched ---- */

/* What a message asks for, checked: nothing in it can be refused any more. */
struct order {
	struct message message;
	struct fact *facts; /* spans borrow from the message */
	json_t **values;    /* NULL: DELETE */
	size_t count;
};

static void order_free(struct order *order)
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

static int order_read(struct order *order, struct span bytes, char *reason, size_t size)
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
	case MESSAGE_DIGEST:
	case MESSAGE_LOST:
		break;
	}
	return 0;
}

/* ---- acting on it ---- */

static int act_facts(struct graph *g, struct row *row, const struct order *order)
{
	struct merge m cleanup(merge_free) = { .g = g, .host = row->host, .tenant = row->tenant };
	const struct message_range *range = &order->message.range;
	int failed = 0;

	seal_fact_key(row->public_key, m.hash_key);
	memcpy(m.digests, row->digests, sizeof(m.digests));
	if (order->message.kind == MESSAGE_RANGE)
		failed = merge_range(&m, (enum section)range->section, range->from, range->until,
			order->facts, order->count);
	for (size_t i = 0; i < order->count && !failed; i++)
		failed = merge_fact(&m, &order->facts[i], order->values[i]);
	if (!failed)
		failed = merge_finish(&m);
	memcpy(row->digests, m.digests, sizeof(m.digests));
	return failed;
}

/* Another boot than the last one that it told of: the host is up since now. */
static int act_boot(struct graph *g, struct row *row, uint64_t boot)
{
	uint64_t before = row->boot;

	if (boot)
		row->boot = boot;
	return before && boot && boot != before ? graph_up_again(g, row->host) : 0;
}

/* Nobody will ever tell what these messages said: people are told that there were some. */
static int note_lost(struct graph *g, struct row *row, const struct message_lost *lost)
{
	bool most = lost->count > (uint64_t)(INT64_MAX - row->lost);
	char text[96];
	int64_t id;

	row->lost = most ? INT64_MAX : row->lost + (int64_t)lost->count;
	snprintf(
		text, sizeof(text), "%" PRId64 " events found no room at the nanoprobe", row->lost);
	return graph_incident_open(g, row->tenant, "events-lost", row->host, text, &id);
}

static int act(struct graph *g, struct row *row, const struct order *order, uint64_t sequence)
{
	int failed;

	switch (order->message.kind) {
	case MESSAGE_DIGEST:
		row->want = digest_differs(&order->message.digest, row->digests);
		row->digest_sequence = sequence;
		failed = act_boot(g, row, order->message.digest.boot);
		/* Every stream begins with one; it may be that of another run. */
		return failed ? failed : graph_command_restart(g, row->host, row->incarnation);
	case MESSAGE_RANGE:
		failed = act_facts(g, row, order);
		if (!order->message.range.until.size)
			row->want &= (uint16_t) ~(1u << order->message.range.section);
		return failed;
	case MESSAGE_CHANGES:
		return act_facts(g, row, order);
	case MESSAGE_RESULT:
		return graph_command_result(g, row->host, &order->message.result);
	case MESSAGE_LOST:
		return note_lost(g, row, &order->message.lost);
	}
	return 0;
}

static int quarantine(
	struct graph *g, struct row *row, const struct graph_message *message, const char *reason)
{
	if (row->quarantined++ >= GRAPH_QUARANTINE_KEPT)
		return 0;
	return db_run(&g->db, DB_QUARANTINE_ADD, "iiiitb", row->host, g->now,
		(int64_t)row->incarnation, (int64_t)message->sequence, reason, message->bytes);
}

/* The two streams of a process begin together. */
static void begin_streams(struct row *row, uint64_t incarnation)
{
	row->incarnation = incarnation;
	memset(row->durable, 0, sizeof(row->durable));
	row->want = 0;
	row->digest_sequence = 0;
}

int graph_apply(struct graph *g, int64_t agent, const struct graph_message *message,
	struct graph_result *result)
{
	struct order order cleanup(order_free) = { 0 };
	struct row row = { .host = agent };
	int failed = row_load(g, &row);

	*result = (struct graph_result){ .verdict = GRAPH_DUPLICATE };
	if (!failed && message->incarnation != row.incarnation)
		begin_streams(&row, message->incarnation);
	if (!failed && message->sequence > row.durable[message->stream]) {
		row.durable[message->stream] = message->sequence;
		if (order_read(&order, message->bytes, result->reason, sizeof(result->reason)) <
			0) {
			result->verdict = GRAPH_QUARANTINED;
			failed = quarantine(g, &row, message, result->reason);
		} else {
			result->verdict = GRAPH_APPLIED;
			failed = act(g, &row, &order, message->sequence);
		}
		if (!failed)
			failed = row_save(g, &row);
	}
	memcpy(result->durable, row.durable, sizeof(result->durable));
	result->digest_sequence = row.digest_sequence;
	result->want = row.want;
	return failed;
}
