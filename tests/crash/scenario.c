// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/scenario.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/graph/incident.h"
#include "cma/graph/ring.h"
#include "cma/graph/roster.h"
#include "cma/graph/store.h"
#include "tests/sim/random.h"
#include "wire/message.h"

static const int64_t START_MS = 1700000000000;
enum { STEP_MS = 10, DELTA_BYTES = 512, PERCENT_GONE = 15, PERCENT_LOST = 5, PERCENT_SIGHT = 10 };

bool scenario_reopens(size_t transaction)
{
	return transaction % 17 == 16;
}

bool scenario_checkpoints(size_t transaction)
{
	return transaction % 7 == 6;
}

static struct graph_token make_token(const struct scenario *s)
{
	struct graph_token token = { .expires_ms = INT64_MAX, .tenant = "default" };

	memset(token.id, (int)s->seed, sizeof(token.id));
	return token;
}

/* Edge i + 1 is that of agent i to the next one. */
static int plan_all(struct scenario *s, struct graph *g)
{
	int failed = 0;

	for (size_t i = 0; i < SCENARIO_AGENTS && !failed; i++) {
		const struct graph_ring_edge edge = {
			.edge = (uint32_t)i + 1,
			.low = s->agents[i],
			.high = s->agents[(i + 1) % SCENARIO_AGENTS],
		};

		failed = graph_ring_add(g, &edge);
	}
	return failed;
}

static int enrol_all(struct scenario *s, struct graph *g)
{
	struct graph_token token = make_token(s);
	uint8_t key[GRAPH_KEY];
	int failed = graph_token_create(g, &token);

	for (size_t i = 0; i < SCENARIO_AGENTS && !failed; i++) {
		memset(key, (int)i + 1, sizeof(key));
		failed = graph_enrol(g, token.id, key, key, &s->agents[i]);
		if (!failed)
			failed = graph_status(g, s->agents[i], "up");
	}
	return failed ? failed : plan_all(s, g);
}

/* ---- messages ---- */

struct delta {
	size_t agent, key;
	uint64_t value; /* 0: it is gone */
	enum { DELTA_FACT, DELTA_LOST, DELTA_SIGHT } what;
	size_t side; /* DELTA_SIGHT: of the next one, of the last one */
	enum sight sight;
};

static bool is_urgent(const struct delta *delta)
{
	return delta->what != DELTA_FACT;
}

static struct delta draw(struct random *random, uint64_t number)
{
	struct delta delta = {
		.agent = random_below(random, SCENARIO_AGENTS),
		.key = random_below(random, SCENARIO_KEYS),
		.value = random_percent(random, PERCENT_GONE) ? 0 : number,
		.side = random_below(random, 2),
		.sight = (enum sight)random_below(random, SIGHT_COUNT),
	};

	if (random_percent(random, PERCENT_LOST))
		delta.what = DELTA_LOST;
	else if (random_percent(random, PERCENT_SIGHT))
		delta.what = DELTA_SIGHT;
	return delta;
}

static void encode_fact(struct writer *w, const struct delta *delta)
{
	struct writer facts cleanup(writer_free) = writer_growing(DELTA_BYTES);
	struct message message = { .kind = MESSAGE_CHANGES };
	struct fact fact = { .section = SECTION_ADDRESS };
	char key[32], value[96] = "";

	snprintf(key, sizeof(key), "eth0 10.0.%zu.%zu/16", delta->agent, delta->key);
	if (delta->value)
		snprintf(value, sizeof(value),
			"{\"addr\":\"10.0.%zu.%zu\",\"ifname\":\"eth0\",\"prefix\":16,\"x\":%llu}",
			delta->agent, delta->key, (unsigned long long)delta->value);
	fact.key = SPAN_TEXT(key);
	fact.value = SPAN_TEXT(value);
	fact_put(&facts, &fact);
	message.changes.facts = writer_span(&facts);
	message_encode(w, &message);
}

static void encode(struct writer *w, const struct delta *delta)
{
	const struct message lost = { .kind = MESSAGE_LOST, .lost.count = 1 };
	struct message sight = { .kind = MESSAGE_SIGHT, .sight.sight = (uint8_t)delta->sight };

	sight.sight.edge = 1 +
		(uint32_t)(delta->side ? delta->agent + SCENARIO_AGENTS - 1 : delta->agent) %
			SCENARIO_AGENTS;
	if (delta->what == DELTA_FACT)
		encode_fact(w, delta);
	else
		message_encode(w, delta->what == DELTA_LOST ? &lost : &sight);
}

static void model(struct scenario *s, const struct delta *delta)
{
	switch (delta->what) {
	case DELTA_FACT:
		s->value[delta->agent][delta->key] = delta->value;
		break;
	case DELTA_LOST:
		s->lost[delta->agent]++;
		break;
	case DELTA_SIGHT:
		s->sees[delta->agent][delta->side] = delta->sight;
		break;
	}
}

/* 1: it should (not) have had an effect. */
static int say(struct scenario *s, struct graph *g, const struct delta *delta, uint64_t sequence)
{
	struct writer w cleanup(writer_free) = writer_growing(DELTA_BYTES);
	enum stream stream = is_urgent(delta) ? STREAM_URGENT : STREAM_STATE;
	struct graph_message message = { .incarnation = 1, .stream = stream, .sequence = sequence };
	struct graph_result result;
	int failed;

	encode(&w, delta);
	message.bytes = writer_span(&w);
	failed = graph_apply(g, s->agents[delta->agent], &message, &result);
	if (!failed && result.verdict == GRAPH_QUARANTINED)
		failed = 1;
	return failed ? failed : result.durable[stream] < sequence;
}

static int say_all(struct scenario *s, struct graph *g, size_t transaction, bool again)
{
	struct random random = { .state = s->seed + transaction };
	uint64_t next[SCENARIO_AGENTS][STREAM_COUNT];
	int failed = 0;

	memcpy(next, s->sequence[transaction], sizeof(next));
	for (size_t i = 0; i < SCENARIO_BATCH && !failed; i++) {
		struct delta delta = draw(&random, transaction * SCENARIO_BATCH + i);

		failed = say(s, g, &delta, ++next[delta.agent][is_urgent(&delta)]);
		if (!again)
			model(s, &delta);
	}
	if (!again)
		memcpy(s->sequence[transaction + 1], next, sizeof(next));
	return failed;
}

int scenario_say(struct scenario *s, struct graph *g, size_t transaction, bool again)
{
	int failed = graph_begin(g, START_MS + (int64_t)transaction * STEP_MS);

	if (!failed && transaction)
		failed = say_all(s, g, transaction, again);
	else if (!failed)
		failed = enrol_all(s, g);
	return failed ? failed : graph_commit(g);
}

/* ---- what the store holds ---- */

static uint64_t ask(struct graph *g, const char *sql, int64_t agent)
{
	sqlite3_stmt *s = NULL;
	uint64_t value = UINT64_MAX;

	sqlite3_prepare_v2(g->db.handle, sql, -1, &s, NULL);
	sqlite3_bind_int64(s, 1, agent);
	if (s && sqlite3_step(s) == SQLITE_ROW)
		value = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

static bool holds_facts(const struct scenario *s, struct graph *g, size_t agent)
{
	uint64_t count = 0, sum = 0;
	int64_t id = s->agents[agent];

	for (size_t i = 0; i < SCENARIO_KEYS; i++) {
		count += s->value[agent][i] != 0;
		sum += s->value[agent][i] * (i + 1);
	}
	return count ==
		ask(g, "SELECT count(*) FROM fact WHERE host = ? AND gone = 9223372036854775807",
			id) &&
		sum ==
		ask(g,
			"SELECT ifnull(sum((value ->> 'x') *"
			" (1 + substr(key, 13, instr(key, '/') - 13))), 0)"
			" FROM fact WHERE host = ? AND gone = 9223372036854775807",
			id);
}

bool scenario_holds(const struct scenario *s, struct graph *g, size_t transaction)
{
	for (size_t i = 0; i < SCENARIO_AGENTS && transaction; i++) {
		const uint64_t *sequence = s->sequence[transaction][i];
		int64_t id = s->agents[i];

		if (!holds_facts(s, g, i) ||
			sequence[STREAM_STATE] !=
				ask(g, "SELECT sequence FROM agent WHERE host = ?", id) ||
			sequence[STREAM_URGENT] !=
				ask(g, "SELECT urgent FROM agent WHERE host = ?", id) ||
			s->lost[i] != ask(g, "SELECT lost FROM agent WHERE host = ?", id) ||
			s->sees[i][0] != ask(g, "SELECT low_sees FROM ring WHERE low = ?", id) ||
			s->sees[i][1] != ask(g, "SELECT high_sees FROM ring WHERE high = ?", id))
			return false;
	}
	return true;
}

/* FNV-1a. */
static void mix(uint64_t *hash, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		*hash = (*hash ^ at[i]) * 0x100000001b3U;
}

static void mix_rows(struct graph *g, const char *table, uint64_t *hash)
{
	char *sql autofree = text_format("SELECT * FROM %s", table);
	sqlite3_stmt *s = NULL;
	int code;

	sqlite3_prepare_v2(g->db.handle, sql, -1, &s, NULL);
	while (s && (code = sqlite3_step(s)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			struct span bytes = db_blob(s, i);

			mix(hash, &bytes.size, sizeof(bytes.size));
			mix(hash, bytes.data, bytes.size);
		}
	}
	mix(hash, table, strlen(table));
	sqlite3_finalize(s);
}

uint64_t scenario_print(struct graph *g)
{
	uint64_t hash = 0xcbf29ce484222325U;
	sqlite3_stmt *s = NULL;

	sqlite3_prepare_v2(g->db.handle,
		"SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", -1, &s, NULL);
	while (s && sqlite3_step(s) == SQLITE_ROW)
		mix_rows(g, (const char *)sqlite3_column_text(s, 0), &hash);
	sqlite3_finalize(s);
	return hash;
}
