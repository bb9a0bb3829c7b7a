// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/both.h"

#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/uplink.h"
#include "base/alloc.h"
#include "base/json.h"
#include "cma/enlist.h"
#include "cma/graph/query.h"
#include "cma/graph/roster.h"
#include "cma/graph/store.h"
#include "cma/store.h"
#include "tests/crash/memory.h"
#include "tests/sim/random.h"
#include "wire/keys.h"

enum { VALUES = 3, TURNS_MAX = 3000, PATIENCE_MS = 300 };

struct both {
	struct random random;
	struct instant now;
	struct addr address;
	struct key_pair agent_key, cma_key;
	struct graph_token token;
	struct tracker *tracker;
	struct uplink *uplink;
	struct graph *graph;
	struct feed *feed;
	struct stats stats;
	struct store *store;
	struct hub *hub;
	sem_t woken;
	bool waiting; /* the store has been given something */
};

/* ---- the two ends ---- */

static void wake(void *owner)
{
	struct both *b = owner;

	sem_post(&b->woken);
}

static int make_token(struct act *act, void *context)
{
	return graph_token_create(act->graph, context);
}

static void make_keys(struct both *b)
{
	uint8_t secret[SEAL_KEY];

	random_fill(&b->random, secret, sizeof(secret));
	keys_from_secret(&b->agent_key, secret);
	random_fill(&b->random, secret, sizeof(secret));
	keys_from_secret(&b->cma_key, secret);
	b->token = (struct graph_token){ .tenant = "default", .expires_ms = INT64_MAX };
	random_fill(&b->random, b->token.id, sizeof(b->token.id));
	random_fill(&b->random, b->token.secret, sizeof(b->token.secret));
}

static void start_agent(struct both *b)
{
	struct uplink_config config = {
		.key = b->agent_key, .has_token = true, .random = random_fill, .owner = &b->random
	};
	uint8_t digest_key[SEAL_FACT_KEY];

	seal_fact_key(b->agent_key.public, digest_key);
	b->tracker = tracker_new(digest_key);
	config.tracker = b->tracker;
	memcpy(config.cma, b->cma_key.public, sizeof(config.cma));
	memcpy(config.token_id, b->token.id, sizeof(config.token_id));
	memcpy(config.token_secret, b->token.secret, sizeof(config.token_secret));
	b->uplink = uplink_new(&config);
	uplink_ready(b->uplink);
}

static int start_cma(struct both *b, const char *directory)
{
	struct graph_options options = { .directory = directory, .cache_kib = 2048 };
	struct store_config store = {
		.stats = &b->stats, .feed = b->feed, .wake = wake, .owner = b
	};
	struct hub_config hub = { .key = b->cma_key, .random = random_fill, .owner = &b->random };
	struct hub_token token;
	int failed = graph_open(&options, &b->graph, NULL, 0);

	if (!failed)
		failed = graph_epoch_bump(b->graph, &hub.epoch);
	store.graph = b->graph;
	if (!failed)
		failed = store_start(&store, &b->store);
	if (!failed)
		failed = store_change(b->store, make_token, &b->token);
	if (failed)
		return failed;
	b->hub = hub_new(&hub);
	enlist_token(&b->token, &token);
	hub_add_token(b->hub, &token);
	return 0;
}

static void stop(struct both *b)
{
	uplink_free(b->uplink);
	tracker_free(b->tracker);
	if (b->store)
		store_stop(b->store);
	store_free(b->store);
	hub_free(b->hub);
	graph_close(b->graph);
	feed_free(b->feed);
	stats_free(&b->stats);
	sem_destroy(&b->woken);
}

/* ---- what goes between them ---- */

static bool exchange(struct both *b)
{
	uint8_t bytes[PACKET_MAX];
	struct addr to;
	size_t size = uplink_output(b->uplink, b->now, bytes);
	bool any = size != 0;

	if (size)
		hub_input(b->hub, b->now, wall_now_ms(), &b->address, SPAN(bytes, size));
	while (hub_work(b->hub, b->now))
		any = true;
	size = hub_output(b->hub, b->now, &to, bytes);
	if (size)
		uplink_input(b->uplink, b->now, SPAN(bytes, size));
	return any || size;
}

/* The store takes the bytes of the events. */
static bool hand_over(struct both *b)
{
	struct hub_event event;
	bool any = false;

	while (hub_take(b->hub, &event)) {
		store_push(b->store, b->now, &event);
		any = b->waiting = true;
	}
	return any;
}

static bool take_results(struct both *b)
{
	struct store_result result;
	bool any = false;

	while (store_take(b->store, &result)) {
		any = true;
		if (result.kind == STORE_FAILED) {
			hub_rolled_back(b->hub);
			continue;
		}
		hub_told(b->hub, result.commit.id, result.told);
		if (result.acted)
			hub_committed(b->hub, &result.commit);
	}
	return any;
}

/* For what the store was given; then it is later. */
static void wait(struct both *b)
{
	struct timespec until;
	struct instant next = uplink_deadline(b->uplink), other = hub_deadline(b->hub);

	if (b->waiting) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PATIENCE_MS * NS_PER_MS;
		until.tv_sec += until.tv_nsec / NS_PER_SEC;
		until.tv_nsec %= NS_PER_SEC;
		b->waiting = sem_timedwait(&b->woken, &until) == 0;
		return;
	}
	if (instant_before(other, next))
		next = other;
	if (next.ns != INSTANT_NEVER.ns && instant_before(b->now, next))
		b->now = next;
	else
		b->now = instant_add(b->now, NS_PER_MS);
}

static void change(struct both *b, uint64_t round)
{
	char key[16], value[32];
	struct fact fact = { .section = SECTION_LINK };

	snprintf(key, sizeof(key), "eth%" PRIu64, round % VALUES);
	snprintf(value, sizeof(value), "{\"ifname\":\"%" PRIu64 "\"}", round);
	fact.key = SPAN_TEXT(key);
	fact.value = SPAN_TEXT(value);
	tracker_apply(b->tracker, &fact);
	fact.key = SPAN_TEXT("lo");
	fact.value = round % 2 ? SPAN_TEXT("{\"ifname\":\"lo\"}") : SPAN(NULL, 0);
	tracker_apply(b->tracker, &fact);
}

static int tell(struct both *b)
{
	for (size_t i = 0; i < TURNS_MAX; i++) {
		bool any = exchange(b);

		any = hand_over(b) || any;
		any = take_results(b) || any;
		if (uplink_status(b->uplink)->settled && !tracker_pending(b->tracker))
			return 0;
		if (!any)
			wait(b);
	}
	return -ETIMEDOUT;
}

/* ---- the question ---- */

static int ignore_columns(void *context, const json_t *names)
{
	(void)context;
	(void)names;
	return 0;
}

static int count_row(void *context, const json_t *values)
{
	char *text autofree = json_text(values);

	++*(uint64_t *)context;
	return text[0] != '[';
}

static int ask(const char *directory, uint64_t *rows)
{
	struct query_sink sink = { .columns = ignore_columns, .row = count_row, .context = rows };
	struct queries *queries = NULL;
	char error[256];
	int failed = queries_open(directory, NULL, &queries, error, sizeof(error));

	*rows = 0;
	if (!failed)
		failed = query_run(queries, "allservers", NULL, "default", wall_now_ms(), &sink,
			error, sizeof(error));
	queries_close(queries);
	return failed;
}

int both_run(const char *directory, struct both_told *told)
{
	struct both b = { .random.state = 1, .now.ns = NS_PER_SEC };
	int failed;

	sem_init(&b.woken, 0, 0);
	addr_parse("10.0.0.7:5555", &b.address);
	b.feed = feed_new(0);
	stats_init(&b.stats);
	make_keys(&b);
	failed = start_cma(&b, directory);
	if (!failed)
		start_agent(&b);
	told->begun = memory_count();
	for (uint64_t round = 1; round <= BOTH_ROUNDS && !failed; round++) {
		change(&b, round);
		failed = tell(&b);
		if (!failed)
			told->round = round;
	}
	told->asked = memory_count();
	if (!failed)
		failed = ask(directory, &told->rows);
	stop(&b);
	told->ended = memory_count();
	return failed;
}

/* ---- what is in the store ---- */

static uint64_t query_int(struct graph *g, const char *sql)
{
	sqlite3_stmt *s = NULL;
	uint64_t value = UINT64_MAX;

	sqlite3_prepare_v2(g->db.handle, sql, -1, &s, NULL);
	if (s && sqlite3_step(s) == SQLITE_ROW)
		value = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

#define TRUE_FACTS "FROM fact WHERE gone = 9223372036854775807 AND section = 'link' AND "

static const char *check(struct graph *g, uint64_t told)
{
	uint64_t round, last = 0;

	round = query_int(g, "SELECT ifnull(max(value ->> 'ifname'), 0) " TRUE_FACTS "key != 'lo'");
	for (uint64_t i = 0; i < VALUES && i < round; i++)
		last += round - i;
	if (round < told)
		return "what was acknowledged is not there";
	if (last !=
			query_int(g,
				"SELECT ifnull(sum(value ->> 'ifname'), 0) " TRUE_FACTS
				"key != 'lo'") ||
		round % 2 != query_int(g, "SELECT count(*) " TRUE_FACTS "key = 'lo'"))
		return "a message had a part of its effect";
	if (query_int(g, "SELECT count(*) FROM quarantine"))
		return "a good message was put into quarantine";
	return NULL;
}

const char *both_check(const char *directory, uint64_t round)
{
	struct graph_options options = { .directory = directory, .cache_kib = 2048 };
	struct graph *g;
	const char *wrong;

	if (graph_open(&options, &g, NULL, 0))
		return "the store does not open";
	wrong = check(g, round);
	graph_close(g);
	return wrong;
}
