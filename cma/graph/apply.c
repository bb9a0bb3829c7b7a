// SPDX-License-Identifier: Apache-2.0
/* Acting on one message of an agent, once. */
#include "cma/graph/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cma/graph/command.h"
#include "cma/graph/incident.h"
#include "cma/graph/order.h"
#include "cma/graph/ring.h"
#include "cma/graph/store.h"
#include "wire/digest.h"

static const char OVER_QUOTA[] = "over-quota"; /* kind of incident */

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
	int64_t facts, bytes, edges;
	bool undoable; /* what is done now runs in a savepoint */
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
	row->facts = sqlite3_column_int64(s, 11);
	row->bytes = sqlite3_column_int64(s, 12);
	row->edges = sqlite3_column_int64(s, 13);
	return sqlite3_column_int64(s, 14) ? -EACCES : 0;
}

static int row_save(struct graph *g, const struct row *row)
{
	uint8_t bytes[8 * SECTION_COUNT];
	struct writer digests = writer_over(bytes, sizeof(bytes));

	for (size_t i = 0; i < SECTION_COUNT; i++)
		put_u64(&digests, row->digests[i]);
	return db_run(&g->db, DB_AGENT_SAVE, "iiiiibiiiiiii", row->host, (int64_t)row->incarnation,
		(int64_t)row->durable[STREAM_STATE], (int64_t)row->digest_sequence,
		(int64_t)row->want, writer_span(&digests), row->quarantined, (int64_t)row->boot,
		(int64_t)row->durable[STREAM_URGENT], row->lost, row->facts, row->bytes,
		row->edges);
}

/* ---- acting on it ---- */

static int act_facts(struct graph *g, struct row *row, const struct order *order)
{
	struct merge m cleanup(merge_free) = { .g = g,
		.host = row->host,
		.tenant = row->tenant,
		.work_max = row->undoable ? GRAPH_MESSAGE_EDGES : SIZE_MAX };
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
	row->facts += m.facts;
	row->bytes += m.bytes;
	row->edges += m.edges;
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

/* Everything it says of itself is known. */
static int clear_over_quota(struct graph *g, const struct row *row)
{
	int64_t id;
	int got = graph_incident_find(g, row->tenant, OVER_QUOTA, row->host, &id);

	return got > 0 ? graph_incident_clear(g, row->tenant, id) : got;
}

static int act(struct graph *g, struct row *row, const struct order *order, uint64_t sequence)
{
	int failed;

	switch (order->message.kind) {
	case MESSAGE_DIGEST:
		row->want = digest_differs(&order->message.digest, row->digests);
		row->digest_sequence = sequence;
		failed = row->want ? 0 : clear_over_quota(g, row);
		if (!failed)
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
	case MESSAGE_SIGHT:
		return graph_ring_sees(g, row->host, order->message.sight.edge,
			(enum sight)order->message.sight.sight);
	case MESSAGE_LOST:
		break;
	}
	return note_lost(g, row, &order->message.lost);
}

/* ---- what cannot be acted on ---- */

static int quarantine(
	struct graph *g, struct row *row, const struct graph_message *message, const char *reason)
{
	struct span kept = message->bytes;
	int got = 1;

	if (row->quarantined++ >= GRAPH_QUARANTINE_KEPT)
		return 0;
	if (g->quarantine_bytes < 0)
		got = db_int(&g->db, &g->quarantine_bytes, DB_QUARANTINE_BYTES, "");
	if (got < 0)
		return got;
	if (kept.size > GRAPH_QUARANTINE_CUT)
		kept.size = GRAPH_QUARANTINE_CUT;
	if (g->quarantine_bytes + (int64_t)kept.size > g->quarantine_most)
		return 0;
	g->quarantine_bytes += (int64_t)kept.size;
	return db_run(&g->db, DB_QUARANTINE_ADD, "iiiitb", row->host, g->now,
		(int64_t)row->incarnation, (int64_t)message->sequence, reason, kept);
}

/*
 * Edges that follow from a fact beside those that its bytes name, at most: of a listener on all
 * addresses one for each address and holder; of an address one for each such listener and holder,
 * twice, since one fact may end it and the next one bring it back.
 */
static int64_t edges_beside(const struct fact *fact, const json_t *value, int64_t facts)
{
	size_t holders = json_array_size(json_object_get(value, "process"));

	if (fact->section == SECTION_ADDRESS || fact->section == SECTION_INBOUND)
		return (facts + 1) * (2 * DERIVE_HOLDERS_MAX + 1);
	if (!derive_is_wildcard(fact->section, value))
		return 0;
	return (facts + 2) * (int64_t)(holders < DERIVE_HOLDERS_MAX ? holders : DERIVE_HOLDERS_MAX);
}

/* Connections to one address of ours: the second brings no address that the first did not. */
static bool is_of_same_address(const struct order *order, size_t i)
{
	const json_t *a = order->values[i - 1], *b = order->values[i];

	return order->facts[i - 1].section == SECTION_INBOUND &&
		order->facts[i].section == SECTION_INBOUND && a &&
		!strcmp(json_get_text(a, "addr"), json_get_text(b, "addr")) &&
		!strcmp(json_get_text(a, "netns"), json_get_text(b, "netns"));
}

/*
 * No more edges can follow from it: each takes a byte, but for those of listeners on all addresses.
 * What goes brings none.
 */
static int64_t edges_at_most(const struct row *row, const struct order *order, size_t size)
{
	int64_t facts = row->facts + (int64_t)order->count, most = (int64_t)size;

	for (size_t i = 0; i < order->count; i++) {
		if (order->values[i] && !(i && is_of_same_address(order, i)))
			most += edges_beside(&order->facts[i], order->values[i], facts);
	}
	/* What it does not name may be gone. */
	if (order->message.kind == MESSAGE_RANGE)
		most += facts;
	return most;
}

/* Could it be more than the agent may have, after this? */
static bool may_exceed(const struct graph *g, const struct row *row, const struct order *order,
	const struct graph_message *message)
{
	int64_t edges;

	if (!order->count)
		return false;
	edges = edges_at_most(row, order, message->bytes.size);
	return row->facts + (int64_t)order->count > g->agent_facts ||
		row->bytes + (int64_t)message->bytes.size > g->agent_bytes ||
		edges > GRAPH_MESSAGE_EDGES || row->edges + edges > g->agent_edges;
}

/* Whoever is over the quota already may still become less. */
static bool exceeds(const struct graph *g, const struct row *row, const struct row *before)
{
	return (row->facts > g->agent_facts && row->facts > before->facts) ||
		(row->bytes > g->agent_bytes && row->bytes > before->bytes) ||
		(row->edges > g->agent_edges && row->edges > before->edges);
}

static int tell_over_quota(struct graph *g, const struct row *row)
{
	char text[192];
	int64_t id;

	snprintf(text, sizeof(text),
		"not all is known of it: a host may have %" PRId64 " facts in %" PRId64
		" bytes, and %" PRId64 " edges",
		g->agent_facts, g->agent_bytes, g->agent_edges);
	return graph_incident_open(g, row->tenant, OVER_QUOTA, row->host, text, &id);
}

/* Acts on it, and takes that back if it was too much: then *refused. */
static int act_if_allowed(struct graph *g, struct row *row, const struct order *order,
	uint64_t sequence, bool *refused)
{
	struct row before = *row;
	int failed = db_run(&g->db, DB_TRY, "");

	row->undoable = true;
	if (!failed)
		failed = act(g, row, order, sequence);
	*refused = failed == -EDQUOT || (!failed && exceeds(g, row, &before));
	if (*refused) {
		*row = before;
		known_clear(&g->known);
		failed = db_run(&g->db, DB_TRY_UNDO, "");
	}
	return failed ? failed : db_run(&g->db, DB_TRY_END, "");
}

/* The two streams of a process begin together. */
static void begin_streams(struct row *row, uint64_t incarnation)
{
	row->incarnation = incarnation;
	memset(row->durable, 0, sizeof(row->durable));
	row->want = 0;
	row->digest_sequence = 0;
}

/* The message is new: in what way it counts as done. */
static int take(struct graph *g, struct row *row, const struct graph_message *message,
	struct graph_result *result)
{
	struct order order cleanup(order_free) = { 0 };
	bool refused = false;
	int failed = 0;

	result->verdict = GRAPH_QUARANTINED;
	if (order_read(&order, message->bytes, result->reason, sizeof(result->reason)) < 0)
		return quarantine(g, row, message, result->reason);
	if (may_exceed(g, row, &order, message))
		failed = act_if_allowed(g, row, &order, message->sequence, &refused);
	else
		failed = act(g, row, &order, message->sequence);
	if (failed)
		return failed;
	if (!refused) {
		result->verdict = GRAPH_APPLIED;
		return 0;
	}
	snprintf(result->reason, sizeof(result->reason), "over quota");
	failed = quarantine(g, row, message, result->reason);
	return failed ? failed : tell_over_quota(g, row);
}

static bool has_moved(const struct row *row, const struct row *before)
{
	return row->digests[SECTION_LLDP] != before->digests[SECTION_LLDP] ||
		row->digests[SECTION_ADDRESS] != before->digests[SECTION_ADDRESS];
}

int graph_apply(struct graph *g, int64_t agent, const struct graph_message *message,
	struct graph_result *result)
{
	struct row row = { .host = agent }, before;
	int failed = row_load(g, &row);

	before = row;
	*result = (struct graph_result){ .verdict = GRAPH_DUPLICATE };
	if (!failed && message->incarnation != row.incarnation)
		begin_streams(&row, message->incarnation);
	if (!failed && message->first > row.durable[message->stream] + 1)
		return -EILSEQ;
	if (!failed && message->sequence > row.durable[message->stream]) {
		row.durable[message->stream] = message->sequence;
		if (!warrant_same_run(message->incarnation, before.incarnation))
			failed = graph_ring_begin(g, agent);
		if (!failed)
			failed = take(g, &row, message, result);
		if (!failed)
			failed = row_save(g, &row);
	}
	memcpy(result->durable, row.durable, sizeof(result->durable));
	result->digest_sequence = row.digest_sequence;
	result->want = row.want;
	result->moved = has_moved(&row, &before);
	return failed;
}
