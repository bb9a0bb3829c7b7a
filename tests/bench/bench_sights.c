// SPDX-License-Identifier: Apache-2.0
/*
 * The store's side of who is alive, at 100,000 hosts and as many edges of the ring: how fast it
 * takes what is seen when many of them die, and how long a start takes. Prints "name | value |
 * goal" lines.
 *	bench_sights [hosts]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "cma/act_alive.h"
#include "cma/graph/place.h"
#include "cma/graph/presence.h"
#include "cma/graph/ring.h"
#include "cma/graph/roster.h"
#include "wire/seal.h"

/* DECIDED is STORE_KEPT of cma/store.c. */
enum { HOSTS = 100000, BEHIND_A_SWITCH = 40, BATCH = 4096, DECIDED = 512, SIGHTS = 4 };

struct bench {
	struct graph *graph;
	struct act act;
	uint64_t hosts;
	uint64_t batch; /* steps in a transaction */
	int64_t *agents;
	int64_t now;
};

static void check(int failed, const struct bench *b)
{
	if (failed) {
		fprintf(stderr, "bench_sights: %s: %s\n", strerror(-failed), graph_error(b->graph));
		exit(1);
	}
}

/* Steps in transactions of so many as the store takes at once. */
typedef void step_fn(struct bench *b, uint64_t i);

static void run(struct bench *b, const char *what, step_fn *step, uint64_t count, const char *goal)
{
	struct instant start = instant_now();
	clock_t cpu = clock();

	for (uint64_t i = 0; i < count; i++) {
		if (i % b->batch == 0)
			check(graph_begin(b->graph, b->now++), b);
		step(b, i);
		if (i % b->batch == b->batch - 1 || i == count - 1)
			check(graph_commit(b->graph), b);
	}
	printf("%s, durable | %.0f /s | %s\n", what,
		(double)count / ((double)instant_sub(instant_now(), start) / NS_PER_SEC), goal);
	printf("%s, for each second of CPU | %.0f |\n", what,
		(double)count / ((double)(clock() - cpu) / CLOCKS_PER_SEC));
}

static void say(struct bench *b, uint64_t host, enum stream stream, uint64_t sequence,
	const struct message *message)
{
	uint8_t memory[1024];
	struct writer bytes = writer_over(memory, sizeof(memory));
	struct graph_message said = { .incarnation = 1, .stream = stream, .sequence = sequence };
	struct graph_result result;

	message_encode(&bytes, message);
	said.bytes = writer_span(&bytes);
	check(graph_apply(b->graph, b->agents[host], &said, &result), b);
	check(result.verdict == GRAPH_APPLIED ? 0 : -EPROTO, b);
}

static void put(struct writer *w, enum section section, const char *key, const char *value)
{
	const struct fact fact = { section, SPAN_TEXT(key), SPAN_TEXT(value) };

	fact_put(w, &fact);
}

/* It has a name, an address and a cable. */
static void join(struct bench *b, uint64_t host)
{
	static const uint8_t token[GRAPH_TOKEN_ID] = "bench";
	const struct graph_token all = {
		.id = "bench", .tenant = "default", .expires_ms = INT64_MAX
	};
	struct message message = { .kind = MESSAGE_CHANGES };
	char ip[16], key[64], value[128];
	uint8_t memory[800], public_key[GRAPH_KEY] = { 0 };
	struct writer facts = writer_over(memory, sizeof(memory));

	if (!host)
		check(graph_token_create(b->graph, &all), b);
	memcpy(public_key, &host, sizeof(host));
	check(graph_enrol(b->graph, token, public_key, public_key, &b->agents[host]), b);
	snprintf(value, sizeof(value), "{\"nodename\":\"host%" PRIu64 "\"}", host);
	put(&facts, SECTION_HOST, "os", value);
	snprintf(ip, sizeof(ip), "10.%u.%u.%u", (unsigned)(host >> 16) & 255,
		(unsigned)(host >> 8) & 255, (unsigned)host & 255);
	snprintf(key, sizeof(key), "eth0 %s/24", ip);
	snprintf(value, sizeof(value), "{\"addr\":\"%s\",\"ifname\":\"eth0\",\"prefix\":24}", ip);
	put(&facts, SECTION_ADDRESS, key, value);
	snprintf(value, sizeof(value),
		"{\"chassis_id\":\"sw%" PRIu64 "\",\"ifname\":\"eth0\",\"port_id\":\"p%" PRIu64
		"\"}",
		host / BEHIND_A_SWITCH, host % BEHIND_A_SWITCH);
	put(&facts, SECTION_LLDP, "eth0 LLDP", value);
	message.changes.facts = writer_span(&facts);
	say(b, host, STREAM_STATE, 1, &message);
}

/* Neighbours lie far apart. */
static void plan(struct bench *b, uint64_t i)
{
	const struct graph_ring_edge edge = {
		.edge = (uint32_t)i + 1,
		.low = b->agents[i],
		.high = b->agents[(i + b->hosts / 3) % b->hosts],
	};

	check(graph_ring_add(b->graph, &edge), b);
}

/* Each host in turn sees one neighbour fall silent, the other one, and both come back. */
static void see(struct bench *b, uint64_t i)
{
	uint64_t host = i % b->hosts, turn = i / b->hosts;
	uint64_t edge = turn % 2 ? host : (host + b->hosts - b->hosts / 3) % b->hosts;
	const struct message message = {
		.kind = MESSAGE_SIGHT,
		.sight = { .edge = (uint32_t)edge + 1,
			.sight = turn < 2 ? SIGHT_SILENT : SIGHT_HEARD },
	};

	say(b, host, STREAM_URGENT, turn + 1, &message);
}

static void decide(struct bench *b, const struct alive_event *event)
{
	check(act_alive(&b->act, event), b);
}

/* All behind every second switch are unreachable, host by host. */
static void lose(struct bench *b, uint64_t i)
{
	uint64_t host = i / BEHIND_A_SWITCH * 2 * BEHIND_A_SWITCH + i % BEHIND_A_SWITCH;
	struct alive_event event = { .kind = ALIVE_EVENT_OPEN };
	struct alive_place place;

	check(graph_place(b->graph, b->agents[host], &place), b);
	event.incident.cause = ALIVE_CAUSE_SWITCH;
	event.incident.node = place.link[0].sw;
	if (i % BEHIND_A_SWITCH == 0)
		decide(b, &event);
	event.kind = ALIVE_EVENT_CONCERNS;
	event.agent = (uint64_t)b->agents[host];
	decide(b, &event);
	event.kind = ALIVE_EVENT_STATUS;
	event.status = ALIVE_UNREACHABLE;
	decide(b, &event);
}

static int count_agent(void *context, const struct graph_presence *presence)
{
	*(uint64_t *)context += presence->place.links == 1;
	return 0;
}

static int count_edge(void *context, const struct graph_ring_edge *edge)
{
	*(uint64_t *)context += edge->low_sees == SIGHT_HEARD;
	return 0;
}

/* Of CPU, which is what a start takes that finds the store in memory. */
static double since(clock_t began)
{
	return (double)(clock() - began) / CLOCKS_PER_SEC;
}

static void start(struct bench *b)
{
	uint64_t agents = 0, edges = 0;
	clock_t began = clock();

	check(graph_presences(b->graph, count_agent, &agents), b);
	printf("%" PRIu64 " agents with their places read at a start | %.2f s of CPU | <= %.2f\n",
		agents, since(began), (double)b->hosts * 1e-5);
	began = clock();
	check(graph_ring_edges(b->graph, count_edge, &edges), b);
	printf("%" PRIu64 " edges of the ring read at a start | %.2f s of CPU | <= %.2f\n", edges,
		since(began), (double)b->hosts * 2e-6);
	check(agents == b->hosts && edges == b->hosts ? 0 : -EPROTO, b);
}

static void remove_directory(const char *directory)
{
	char *command autofree = text_format("rm -r %s", directory);

	if (system(command))
		fprintf(stderr, "bench_sights: cannot remove %s\n", directory);
}

int main(int argc, char **argv)
{
	struct bench b = { .now = 1700000000000, .batch = BATCH };
	char directory[] = "/var/tmp/bench_sights.XXXXXX", error[256];
	const struct graph_options options = { .directory = directory };

	b.hosts = argc > 1 ? strtoull(argv[1], NULL, 10) : HOSTS;
	if (b.hosts < 3 || seal_init() || !mkdtemp(directory) ||
		graph_open(&options, &b.graph, error, sizeof(error)))
		return 1;
	b.agents = mem_alloc(b.hosts, sizeof(*b.agents));
	run(&b, "agents that join and tell where they are", join, b.hosts, "");
	run(&b, "edges of the ring made", plan, b.hosts, "");
	run(&b, "what neighbours see", see, SIGHTS * b.hosts, ">= 100000");
	b.batch = DECIDED;
	b.act.graph = b.graph;
	run(&b, "hosts that are lost with their switches", lose,
		b.hosts / 2 / BEHIND_A_SWITCH * BEHIND_A_SWITCH, ">= 10000");
	graph_close(b.graph);
	if (graph_open(&options, &b.graph, error, sizeof(error)))
		return 1;
	start(&b);
	graph_close(b.graph);
	free(b.agents);
	remove_directory(directory);
	return 0;
}
