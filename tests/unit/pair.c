// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/keys.h"

void pair_random(void *owner, void *to, size_t size)
{
	uint64_t *state = owner;
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++) {
		*state = *state * 6364136223846793005U + 1442695040888963407U;
		bytes[i] = (uint8_t)(*state >> 56);
	}
}

void pair_new_hub(struct pair *p, uint64_t epoch)
{
	struct hub_config config = {
		.key = p->cma_key, .epoch = epoch, .random = pair_random, .owner = &p->seed
	};

	hub_free(p->hub);
	p->hub = hub_new(&config);
	hub_add_token(p->hub, &p->token);
}

static void take_command(void *owner, uint64_t now_ms, struct span warrant)
{
	struct pair *p = (struct pair *)(void *)((char *)owner - offsetof(struct pair, seed));

	p->commands++;
	p->command_ms = now_ms;
	writer_reset(&p->command);
	put_span(&p->command, warrant);
}

static void take_list(void *owner, struct instant now, const struct record_ring *list)
{
	struct pair *p = (struct pair *)(void *)((char *)owner - offsetof(struct pair, seed));
	const struct record_held held = { .version = list->version, .port = 1985 };

	(void)now;
	p->lists++;
	p->list_version = list->version;
	writer_reset(&p->list_edges);
	put_span(&p->list_edges, list->edges);
	if (p->takes_lists)
		uplink_held(p->uplink, &held);
}

void pair_new_uplink(struct pair *p, bool enrolled)
{
	struct uplink_config config = { .key = p->agent_key,
		.tracker = p->tracker,
		.boot = p->boot,
		.has_root = p->has_root,
		.serial = p->serial,
		.has_token = true,
		.enrolled = enrolled,
		.command = take_command,
		.ring = take_list,
		.random = pair_random,
		.owner = &p->seed };

	memcpy(config.cma, (p->called ? p->called : &p->cma_key)->public, SEAL_KEY);
	memcpy(config.root, p->root, SIGN_KEY);
	memcpy(config.token_id, p->token.id, TOKEN_ID);
	memcpy(config.token_secret, p->token.secret, SEAL_KEY);
	keys_agent_psk(p->token.secret, p->agent_key.public, config.psk);
	uplink_free(p->uplink);
	p->uplink = uplink_new(&config);
	uplink_ready(p->uplink);
}

void pair_new_key(struct pair *p, struct key_pair *key)
{
	uint8_t secret[SEAL_KEY];

	pair_random(&p->seed, secret, sizeof(secret));
	keys_from_secret(key, secret);
}

int pair_setup(void **state)
{
	struct pair *p = mem_alloc(1, sizeof(*p));
	uint8_t digest_key[SEAL_FACT_KEY];

	p->seed = 1;
	p->command = writer_growing(PACKET_MAX);
	p->list_edges = writer_growing(PACKET_MAX);
	p->takes_lists = true;
	p->now.ns = NS_PER_SEC;
	addr_parse("10.0.0.7:5555", &p->agent_address);
	pair_new_key(p, &p->agent_key);
	pair_new_key(p, &p->cma_key);
	pair_random(&p->seed, &p->token, sizeof(p->token));
	p->token.uses = 1;
	p->token.tenant = 1;
	p->token.expires_ms = PAIR_WALL_MS + 1000;
	seal_fact_key(p->agent_key.public, digest_key);
	p->tracker = tracker_new(digest_key);
	pair_new_hub(p, 1);
	pair_new_uplink(p, false);
	*state = p;
	return 0;
}

void pair_forget(struct pair *p)
{
	for (size_t i = 0; i < p->event_count; i++)
		hub_event_free(&p->events[i]);
	p->event_count = 0;
}

int pair_teardown(void **state)
{
	struct pair *p = *state;

	pair_forget(p);
	uplink_free(p->uplink);
	tracker_free(p->tracker);
	hub_free(p->hub);
	writer_free(&p->command);
	writer_free(&p->list_edges);
	free(p);
	return 0;
}

void pair_tell(struct pair *p, const char *key, const char *value)
{
	struct fact fact = { SECTION_LISTEN, SPAN_TEXT(key), SPAN_TEXT(value) };

	tracker_apply(p->tracker, &fact);
}

static bool step_up(struct pair *p)
{
	struct datagram datagram;

	datagram.size = uplink_output(p->uplink, p->now, datagram.bytes);
	if (!datagram.size)
		return false;
	if (p->up < CAPTURED_MAX)
		p->captured[p->up] = datagram;
	p->up++;
	p->up_bytes += datagram.size;
	if (!p->to_cma_lost)
		hub_input(p->hub, p->now, PAIR_WALL_MS, &p->agent_address,
			SPAN(datagram.bytes, datagram.size));
	return true;
}

static bool step_down(struct pair *p)
{
	uint8_t datagram[PACKET_MAX];
	size_t size = hub_output(p->hub, p->now, &p->to, datagram);

	if (!size)
		return false;
	p->down++;
	p->down_bytes += size;
	if (!p->to_agent_lost)
		uplink_input(p->uplink, p->now, SPAN(datagram, size));
	return true;
}

/* Until nobody has anything to say now. */
void pair_pump(struct pair *p)
{
	bool more = true;

	while (more) {
		more = step_up(p);
		more = hub_work(p->hub, p->now) || more;
		more = step_down(p) || more;
		while (p->event_count < EVENTS_MAX && hub_take(p->hub, &p->events[p->event_count]))
			p->event_count++;
	}
}

void pair_pass(struct pair *p, int64_t ms)
{
	p->now = instant_add(p->now, ms * NS_PER_MS);
	pair_pump(p);
}

const struct hub_event *pair_last(const struct pair *p)
{
	return &p->events[p->event_count - 1];
}

/* As a store would, that has applied everything. */
void pair_commit(struct pair *p, uint16_t want)
{
	struct hub_commit commit = {
		.id = pair_last(p)->id,
		.incarnation = pair_last(p)->incarnation,
		.want = want,
		.want_digest = want ? 1 : 0,
	};
	unsigned told = 0;

	for (size_t i = 0; i < p->event_count; i++) {
		const struct hub_event *event = &p->events[i];

		told += event->kind == HUB_HERE || event->kind == HUB_LEFT;
		if (event->kind == HUB_MESSAGE && event->incarnation == commit.incarnation)
			commit.durable[event->stream] = event->sequence;
	}
	hub_committed(p->hub, &commit);
	hub_told(p->hub, commit.id, told);
	pair_pump(p);
}

struct message pair_message(const struct hub_event *event)
{
	struct message message;

	assert_int_equal(message_decode(SPAN(event->bytes, event->size), &message), 0);
	return message;
}

/* The agent is enrolled, known to the CMA and silent. */
void pair_join(struct pair *p)
{
	pair_pump(p);
	assert_int_equal(p->event_count, 2);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->settled);
}

void pair_assert_silent(const struct pair *p)
{
	assert_int_equal(uplink_deadline(p->uplink).ns, INSTANT_NEVER.ns);
	assert_int_equal(hub_deadline(p->hub).ns, INSTANT_NEVER.ns);
}
