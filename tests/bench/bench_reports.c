// SPDX-License-Identifier: Apache-2.0
/*
 * Half of an estate dies: 100,000 agents (an argument) tell all at once that they do not hear a
 * neighbour any more, and the CMA decides about half as many hosts, while other agents tell of
 * changes. How long what is urgent takes to the disk. Prints "name | value | goal" lines.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cma/graph/roster.h"
#include "cma/store.h"
#include "wire/message.h"
#include "wire/token.h"

enum { REPORTS = 100000, CHANGES = 50, PATIENCE_S = 120 };

struct bench {
	char directory[40];
	struct graph *graph;
	struct store *store;
	struct stats stats;
	size_t agents, next;
	uint64_t *ids;
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "bench_reports: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void wake(void *owner)
{
	(void)owner;
}

static void enrol(struct bench *b)
{
	struct graph_token token = { .tenant = "default" };
	int err = graph_begin(b->graph, wall_now_ms());

	memset(token.id, 7, sizeof(token.id));
	if (!err)
		err = graph_token_create(b->graph, &token);
	for (size_t i = 0; i < b->agents && !err; i++) {
		uint8_t key[GRAPH_KEY], psk[GRAPH_KEY];

		seal_random(key, sizeof(key));
		seal_random(psk, sizeof(psk));
		err = graph_enrol(b->graph, token.id, key, psk, (int64_t *)&b->ids[i]);
	}
	if (!err)
		err = graph_commit(b->graph);
	if (err)
		fail("enrol", err);
}

static void push(struct bench *b, size_t agent, enum stream stream, const struct message *message)
{
	uint8_t memory[256];
	struct writer w = writer_over(memory, sizeof(memory));
	struct hub_event event = { .kind = HUB_MESSAGE,
		.id = b->ids[agent],
		.incarnation = 1,
		.stream = stream,
		.sequence = 1 };

	message_encode(&w, message);
	event.bytes = mem_copy(memory, w.size);
	event.size = w.size;
	store_push(b->store, instant_now(), &event);
}

static void push_change(struct bench *b, size_t agent)
{
	uint8_t memory[128];
	struct writer w = writer_over(memory, sizeof(memory));
	const struct fact fact = { SECTION_LINK, SPAN_TEXT("eth0"), SPAN_TEXT("{\"mtu\":1500}") };
	struct message message = { .kind = MESSAGE_CHANGES };

	fact_put(&w, &fact);
	message.changes.facts = writer_span(&w);
	push(b, agent, STREAM_STATE, &message);
}

static void push_report(struct bench *b, size_t agent)
{
	const struct message message = { .kind = MESSAGE_SIGHT,
		.sight = { .edge = (uint32_t)agent + 1, .sight = SIGHT_SILENT } };

	push(b, agent, STREAM_URGENT, &message);
}

static void decide(struct bench *b, size_t agent)
{
	const struct alive_event event = {
		.kind = ALIVE_EVENT_STATUS, .agent = b->ids[agent], .status = ALIVE_UNREACHABLE
	};

	store_keep(b->store, &event, 1);
}

static size_t take_all(struct bench *b)
{
	struct store_result result;
	size_t count = 0;

	while (store_take(b->store, &result)) {
		if (result.kind == STORE_FAILED)
			fail(result.error, -EIO);
		count += result.commit.durable[STREAM_URGENT] > 0;
	}
	return count;
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / NS_PER_SEC;
}

int main(int argc, char **argv)
{
	struct bench b = { .directory = "/var/tmp/bench_reports.XXXXXX",
		.agents = argc > 1 ? strtoul(argv[1], NULL, 10) : REPORTS };
	struct graph_options options = { .directory = b.directory };
	struct store_config config = { .stats = &b.stats, .wake = wake };
	char *remove autofree = NULL;
	struct instant began, end;
	struct stats_view view;
	size_t done = 0;
	double took, cpu;

	if (seal_init() || !mkdtemp(b.directory))
		fail("start", -errno);
	if (graph_open(&options, &b.graph, NULL, 0))
		fail("graph", -EIO);
	b.ids = mem_alloc(b.agents, sizeof(*b.ids));
	enrol(&b);
	stats_init(&b.stats);
	config.graph = b.graph;
	config.feed = feed_new(wall_now_ms());
	if (store_start(&config, &b.store))
		fail("store", -EIO);
	cpu = cpu_seconds();
	began = instant_now();
	end = instant_add(began, PATIENCE_S * NS_PER_SEC);
	for (size_t i = 0; i < b.agents; i++) {
		push_report(&b, i);
		if (i % 2)
			decide(&b, i);
		if (i % CHANGES == 0)
			push_change(&b, i);
	}
	while (done < b.agents && instant_before(instant_now(), end)) {
		done += take_all(&b);
		usleep(1000);
	}
	took = (double)instant_sub(instant_now(), began) / NS_PER_SEC;
	cpu = cpu_seconds() - cpu;
	view = stats_view(&b.stats, instant_now());
	printf("%zu reports at once, %zu decisions: all on disk | %.2f s | -\n", b.agents,
		b.agents / 2, took);
	printf("  of the processor | %.2f s | -\n", cpu);
	printf("  a report, from its datagram to the disk, p99 | %.0f ms | <= 2000 ms\n",
		view.p99_ms);
	printf("  a decision, p99 | %.0f ms | <= 2000 ms\n", view.decision_p99_ms);
	store_stop(b.store);
	store_free(b.store);
	feed_free(config.feed);
	graph_close(b.graph);
	remove = text_format("rm -rf '%s'", b.directory);
	return system(remove) || done < b.agents;
}
