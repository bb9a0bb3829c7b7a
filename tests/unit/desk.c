// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/desk.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/message.h"

static void wake(void *owner)
{
	struct desk *f = owner;

	f->wakes++;
}

void desk_wait_for_wakes(const struct desk *f, unsigned int count)
{
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);

	while (f->wakes < count && instant_before(instant_now(), end))
		poll(NULL, 0, 1);
	assert_int_equal(f->wakes, count);
}

void desk_start(struct desk *f)
{
	const struct graph_options options = { .directory = f->directory };
	struct store_config config = {
		.stats = &f->stats,
		.feed = f->feed,
		.wake = wake,
		.owner = f,
	};
	char why[256] = "";

	assert_int_equal(graph_open(&options, &f->graph, why, sizeof(why)), 0);
	config.graph = f->graph;
	assert_int_equal(store_start(&config, &f->store), 0);
}

void desk_stop(struct desk *f)
{
	store_stop(f->store);
	store_free(f->store);
	graph_close(f->graph);
}

int desk_setup(void **state)
{
	struct desk *f = mem_alloc(1, sizeof(*f));

	assert_int_equal(seal_init(), 0);
	strcpy(f->directory, "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->feed = feed_new(0);
	stats_init(&f->stats);
	desk_start(f);
	*state = f;
	return 0;
}

int desk_teardown(void **state)
{
	static const char *const files[] = { "graph.db", "graph.db-wal", "graph.db-shm", "lock" };
	struct desk *f = *state;

	desk_stop(f);
	feed_free(f->feed);
	stats_free(&f->stats);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path autofree = text_format("%s/%s", f->directory, files[i]);

		unlink(path);
	}
	assert_int_equal(rmdir(f->directory), 0);
	free(f);
	return 0;
}

bool desk_take(struct desk *f, struct store_result *result)
{
	struct instant end = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);

	while (!store_take(f->store, result) || result->kind == STORE_PLACED) {
		if (!instant_before(instant_now(), end))
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

struct put {
	const struct graph_token *token;
	int err;
};

static int create(struct act *act, void *context)
{
	struct put *put = context;

	put->err = graph_token_create(act->graph, put->token);
	return 0;
}

int desk_put_token(struct desk *f, const struct graph_token *token)
{
	struct put put = { .token = token };
	int err = store_change(f->store, create, &put);

	return err ? err : put.err;
}

void desk_make_token(struct desk *f, uint8_t id)
{
	struct graph_token token = { .tenant = "default", .expires_ms = INT64_MAX };

	memset(token.id, id, sizeof(token.id));
	memset(token.secret, id, sizeof(token.secret));
	assert_int_equal(desk_put_token(f, &token), 0);
	assert_int_equal(desk_put_token(f, &token), -EEXIST);
}

void desk_push_enrol(struct desk *f, uint64_t id, uint8_t token)
{
	struct hub_event event = { .kind = HUB_ENROL, .agent = { .id = id, .incarnation = 1 } };

	memset(event.agent.key, (int)id, sizeof(event.agent.key));
	memset(event.agent.psk, (int)id, sizeof(event.agent.psk));
	memset(event.token, token, sizeof(event.token));
	store_push(f->store, instant_now(), &event);
}

void desk_push_fact(struct desk *f, uint64_t id, uint64_t sequence, const char *key)
{
	struct writer facts = writer_growing(4096), bytes = writer_growing(4096);
	struct fact fact = { SECTION_LINK, SPAN_TEXT(key), SPAN_TEXT("{\"ifname\":\"x\"}") };
	struct message message = { .kind = MESSAGE_CHANGES };
	struct hub_event event = {
		.kind = HUB_MESSAGE,
		.id = id,
		.incarnation = 1,
		.sequence = sequence,
	};

	fact_put(&facts, &fact);
	message.changes.facts = writer_span(&facts);
	message_encode(&bytes, &message);
	event.size = bytes.size;
	event.bytes = mem_copy(bytes.data, bytes.size);
	store_push(f->store, instant_now(), &event);
	writer_free(&facts);
	writer_free(&bytes);
}

void desk_push_many(
	struct desk *f, uint64_t id, enum stream stream, uint64_t sequence, size_t count)
{
	struct writer facts = writer_growing(1 << 20), bytes = writer_growing(1 << 20);
	struct message message = { .kind = MESSAGE_CHANGES };
	struct hub_event event = {
		.kind = HUB_MESSAGE,
		.id = id,
		.incarnation = 1,
		.stream = stream,
		.sequence = sequence,
	};

	for (size_t i = 0; i < count; i++) {
		char key[32], value[160];
		struct fact fact = { .section = SECTION_LINK };

		snprintf(key, sizeof(key), "eth%zu", i);
		snprintf(value, sizeof(value), "{\"ifname\":\"eth%zu\",\"mtu\":%" PRIu64 "}", i,
			sequence);
		fact.key = SPAN_TEXT(key);
		fact.value = SPAN_TEXT(value);
		fact_put(&facts, &fact);
	}
	message.changes.facts = writer_span(&facts);
	message_encode(&bytes, &message);
	event.size = bytes.size;
	event.bytes = mem_copy(bytes.data, bytes.size);
	store_push(f->store, instant_now(), &event);
	writer_free(&facts);
	writer_free(&bytes);
}
