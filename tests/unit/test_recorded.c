// SPDX-License-Identifier: Apache-2.0
/*
 * Two agents and a CMA, of which each dies and comes back again and again; every datagram that any
 * of them was given is recorded, and then sent to them a million times, in random order, from where
 * it came or from somewhere else: to the ones that are running, to a CMA and to agents that were
 * just started, and in the middle of a call. Nothing of it is taken again. RECORDED_SEED repeats a
 * run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/uplink.h"
#include "base/alloc.h"
#include "cma/hub.h"
#include "cma/hub_counters.h"
#include "tests/sim/random.h"
#include "wire/keys.h"
#include "wire/message.h"

enum {
	AGENTS = 2,
	REPLAYS = 1000000,
	ROUNDS = 50,
	STATES = 3, /* of each round */
	RECORDS_MAX = 1 << 16,
	DRAIN_EVERY = 64,
};

#define WALL_MS ((int64_t)1800000000000)

struct recorded {
	bool to_cma;
	uint8_t agent;
	uint16_t size;
	uint8_t bytes[PACKET_MAX];
};

struct agent {
	struct key_pair key;
	struct addr address;
	struct hub_token token;
	struct tracker *tracker;
	struct uplink *uplink;
	bool enrolled;
	struct hub_agent known; /* what a store has of it; id 0: nothing */
};

struct world {
	struct random random;
	struct instant now;
	struct key_pair key;
	uint64_t epoch;
	struct hub *hub;
	struct agent agents[AGENTS];
	struct recorded *records;
	size_t count, told;
	uint64_t replays, data; /* of them DATA to the CMA */
	uint64_t answered;
};

static void start_hub(struct world *w)
{
	struct hub_config config = {
		.key = w->key, .epoch = ++w->epoch, .random = random_fill, .owner = &w->random
	};

	memcpy(config.reset_key, w->key.secret, SEAL_KEY);
	hub_free(w->hub);
	w->hub = hub_new(&config);
	for (size_t i = 0; i < AGENTS; i++) {
		hub_add_token(w->hub, &w->agents[i].token);
		if (w->agents[i].known.id)
			hub_add_agent(w->hub, &w->agents[i].known);
	}
}

static void start_agent(struct world *w, struct agent *agent)
{
	struct uplink_config config = { .key = agent->key,
		.tracker = agent->tracker,
		.has_token = true,
		.enrolled = agent->enrolled,
		.random = random_fill,
		.owner = &w->random };

	memcpy(config.cma, w->key.public, SEAL_KEY);
	memcpy(config.token_id, agent->token.id, TOKEN_ID);
	memcpy(config.token_secret, agent->token.secret, SEAL_KEY);
	keys_agent_psk(agent->token.secret, agent->key.public, config.psk);
	uplink_free(agent->uplink);
	agent->uplink = uplink_new(&config);
	uplink_ready(agent->uplink);
}

static void new_key(struct world *w, struct key_pair *key)
{
	uint8_t secret[SEAL_KEY];

	random_fill(&w->random, secret, sizeof(secret));
	keys_from_secret(key, secret);
}

static void set_up(struct world *w, uint64_t seed)
{
	*w = (struct world){ .random = { seed }, .now = { NS_PER_SEC } };
	w->records = mem_alloc(RECORDS_MAX, sizeof(*w->records));
	new_key(w, &w->key);
	for (size_t i = 0; i < AGENTS; i++) {
		struct agent *agent = &w->agents[i];
		uint8_t digest_key[SEAL_FACT_KEY];

		new_key(w, &agent->key);
		random_fill(&w->random, &agent->token, sizeof(agent->token));
		agent->token.uses = 1000;
		agent->token.tenant = 1;
		agent->token.expires_ms = INT64_MAX;
		agent->address = (struct addr){ .ip = { [10] = 0xff, 0xff, 10, 0, 0, (uint8_t)i },
			.port = 5555 };
		seal_fact_key(agent->key.public, digest_key);
		agent->tracker = tracker_new(digest_key);
		start_agent(w, agent);
	}
	start_hub(w);
}

static void tear_down(struct world *w)
{
	for (size_t i = 0; i < AGENTS; i++) {
		uplink_free(w->agents[i].uplink);
		tracker_free(w->agents[i].tracker);
	}
	hub_free(w->hub);
	free(w->records);
}

/* ---- the run that is recorded ------------------------------------------------------------------
 */

static void record(struct world *w, bool to_cma, size_t agent, struct span bytes)
{
	struct recorded *record = &w->records[w->count++];

	assert_true(w->count <= RECORDS_MAX);
	record->to_cma = to_cma;
	record->agent = (uint8_t)agent;
	record->size = (uint16_t)bytes.size;
	memcpy(record->bytes, bytes.data, bytes.size);
}

static struct agent *agent_of(struct world *w, const struct hub_event *event)
{
	for (size_t i = 0; i < AGENTS; i++) {
		struct agent *agent = &w->agents[i];

		if (event->kind == HUB_ENROL
				? !memcmp(agent->key.public, event->agent.key, SEAL_KEY)
				: agent->known.id == event->id)
			return agent;
	}
	fail_msg("an event of nobody");
	return NULL;
}

/* As a store that commits at once. */
static void commit(struct world *w, const struct hub_event *event)
{
	struct agent *agent = agent_of(w, event);
	struct hub_commit done;

	if (event->kind == HUB_ENROL)
		agent->known = event->agent;
	if (event->kind == HUB_MESSAGE) {
		assert_true(event->incarnation != agent->known.incarnation ||
			event->sequence > agent->known.durable[event->stream]);
		if (event->incarnation != agent->known.incarnation)
			memset(agent->known.durable, 0, sizeof(agent->known.durable));
		agent->known.incarnation = event->incarnation;
		agent->known.durable[event->stream] = event->sequence;
	}
	done = (struct hub_commit){ .id = agent->known.id,
		.incarnation = agent->known.incarnation };
	memcpy(done.durable, agent->known.durable, sizeof(done.durable));
	hub_committed(w->hub, &done);
	hub_told(w->hub, agent->known.id, event->kind == HUB_HERE || event->kind == HUB_LEFT);
}

static bool step_agent(struct world *w, size_t i)
{
	struct agent *agent = &w->agents[i];
	uint8_t bytes[PACKET_MAX];
	size_t size = uplink_output(agent->uplink, w->now, bytes);

	if (!size)
		return false;
	record(w, true, i, SPAN(bytes, size));
	hub_input(w->hub, w->now, WALL_MS, &agent->address, SPAN(bytes, size));
	return true;
}

static void take_events(struct world *w)
{
	struct hub_event event;

	while (hub_take(w->hub, &event)) {
		commit(w, &event);
		hub_event_free(&event);
	}
}

static bool step_hub(struct world *w)
{
	uint8_t bytes[PACKET_MAX];
	struct addr to;
	size_t size;

	while (hub_work(w->hub, w->now))
		continue;
	take_events(w);
	size = hub_output(w->hub, w->now, &to, bytes);
	for (size_t i = 0; size && i < AGENTS; i++) {
		if (memcmp(&to, &w->agents[i].address, sizeof(to.ip)) != 0)
			continue;
		record(w, false, i, SPAN(bytes, size));
		uplink_input(w->agents[i].uplink, w->now, SPAN(bytes, size));
		w->agents[i].enrolled |= uplink_status(w->agents[i].uplink)->enrolled;
	}
	return size != 0;
}

/* Until all is told and acknowledged. */
static void converse(struct world *w)
{
	for (unsigned turn = 0; turn < 600; turn++) {
		bool settled = true, more = true;

		while (more) {
			more = false;
			for (size_t i = 0; i < AGENTS; i++)
				more = step_agent(w, i) || more;
			more = step_hub(w) || more;
		}
		for (size_t i = 0; i < AGENTS; i++)
			settled = settled && uplink_status(w->agents[i].uplink)->settled;
		if (settled)
			return;
		w->now = instant_add(w->now, NS_PER_SEC / 2);
	}
	fail_msg("an agent has still something to tell");
}

static void change(struct world *w, struct agent *agent)
{
	struct message lost = { .kind = MESSAGE_LOST, .lost = { ++w->told, MESSAGE_RESULT } };
	char *key autofree = text_format("k%u", (unsigned)random_below(&w->random, 20));
	char *value autofree = text_format("{\"n\":%zu}", w->told);
	struct fact fact = { SECTION_LISTEN, SPAN_TEXT(key), SPAN_TEXT(value) };
	uint8_t memory[32];
	struct writer bytes = writer_over(memory, sizeof(memory));

	tracker_apply(agent->tracker, &fact);
	message_encode(&bytes, &lost);
	if (random_percent(&w->random, 30))
		assert_true(uplink_urgent(agent->uplink, writer_span(&bytes)));
}

/* ---- and is played again -----------------------------------------------------------------------
 */

/* What must stay as it was at either end, as text. */
static char *state_of(struct world *w)
{
	const struct hub_counters *c = hub_counters(w->hub);
	char *text =
		text_format("sessions %zu proven %ju enrolled %ju messages %ju again %ju byes %ju "
			    "skipped %ju bad %ju beyond %ju known %zu",
			hub_session_count(w->hub), c->sessions, c->enrolled, c->messages,
			c->duplicates, c->byes, c->skipped_record, c->bad_record, c->beyond_window,
			hub_agent_count(w->hub));

	for (size_t i = 0; i < AGENTS; i++) {
		const struct uplink_status *s = uplink_status(w->agents[i].uplink);
		char *before autofree = text;

		text = text_format(
			"%s; agent %zu: state %d refusal %d settled %d wrong %d calls %u "
			"durable %ju waiting %ju sessions %ju keys %ju resets %ju "
			"restarts %ju retries %ju incarnation %ju",
			before, i, s->state, s->refusal, s->settled, s->wrong_secret, s->calls,
			s->durable, s->waiting, s->sessions, s->new_keys, s->resets, s->restarts,
			s->retries, s->incarnation);
	}
	return text;
}

/* Answers go nowhere, events there must be none. */
static void drain(struct world *w)
{
	uint8_t bytes[PACKET_MAX];
	struct hub_event event;
	struct addr to;

	hub_work(w->hub, w->now);
	if (hub_take(w->hub, &event))
		fail_msg("event %d of agent %ju", event.kind, (uintmax_t)event.id);
	while (hub_output(w->hub, w->now, &to, bytes))
		w->answered++;
}

/* Mostly DATA, for that is where something could be done twice. */
static const struct recorded *draw(struct world *w)
{
	const struct recorded *one = NULL;

	for (int i = 0; i < 3 && (!one || one->bytes[0] != PACKET_DATA); i++)
		one = &w->records[random_below(&w->random, w->count)];
	return one;
}

static void replay(struct world *w, unsigned times)
{
	const struct hub_counters before = *hub_counters(w->hub), *c = hub_counters(w->hub);
	char *state autofree = state_of(w), *after autofree = NULL;
	uint64_t ignored[AGENTS], sent[AGENTS] = { 0 }, data = 0;

	for (size_t i = 0; i < AGENTS; i++)
		ignored[i] = uplink_status(w->agents[i].uplink)->ignored;
	for (unsigned i = 0; i < times; i++) {
		const struct recorded *one = draw(w);
		struct addr from = w->agents[one->agent].address;

		if (random_percent(&w->random, 30))
			from.port = (uint16_t)random_next(&w->random);
		if (one->to_cma) {
			hub_input(w->hub, w->now, WALL_MS, &from, SPAN(one->bytes, one->size));
			data += one->bytes[0] == PACKET_DATA;
		} else {
			uplink_input(
				w->agents[one->agent].uplink, w->now, SPAN(one->bytes, one->size));
			sent[one->agent]++;
		}
		if (i % DRAIN_EVERY == 0)
			drain(w);
	}
	while (hub_work(w->hub, w->now))
		continue;
	drain(w);
	after = state_of(w);
	assert_string_equal(after, state);
	/* Each one was known for what it was. */
	assert_int_equal(data,
		c->replayed + c->forged + c->resets + c->not_told - before.replayed -
			before.forged - before.resets - before.not_told);
	for (size_t i = 0; i < AGENTS; i++)
		assert_int_equal(uplink_status(w->agents[i].uplink)->ignored - ignored[i], sent[i]);
	w->replays += times;
	w->data += data;
}

/* Who is new: the CMA, an agent, both agents, all. */
static void restart(struct world *w, unsigned round)
{
	unsigned who = round % 4;

	if (who == 0 || who == 3)
		start_hub(w);
	if (who == 2 && random_percent(&w->random, 50)) {
		uplink_leave(w->agents[0].uplink);
		step_agent(w, 0);
		step_hub(w);
	}
	if (who != 0)
		start_agent(w, &w->agents[round / 4 % AGENTS]);
	if (who > 1)
		start_agent(w, &w->agents[(round / 4 + 1) % AGENTS]);
}

static void test_million(void **state)
{
	const char *given = getenv("RECORDED_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
	struct world w;

	(void)state;
	print_message("RECORDED_SEED=%ju\n", (uintmax_t)seed);
	set_up(&w, seed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < AGENTS; i++)
			change(&w, &w.agents[i]);
		converse(&w);
		replay(&w, REPLAYS / ROUNDS / STATES);
		restart(&w, round);
		replay(&w, REPLAYS / ROUNDS / STATES);
		/* An INIT is under way: it was heard, and not answered yet; or DATA was. */
		change(&w, &w.agents[round % AGENTS]);
		step_agent(&w, round % AGENTS);
		take_events(&w);
		replay(&w, REPLAYS / ROUNDS - REPLAYS / ROUNDS / STATES * 2);
	}
	converse(&w);
	print_message("%zu recorded, %ju replayed, of them %ju DATA to the CMA; 0 taken\n", w.count,
		w.replays, w.data);
	assert_int_equal(w.replays, REPLAYS);
	tear_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
