// SPDX-License-Identifier: Apache-2.0
/*
 * The graph at 1,000, 10,000 and 100,000 hosts: durable deltas per second through graph_apply, and
 * the three-hop dependency query. Prints "name | value | goal" lines.
 *	bench_graph [hosts...]
 *
 * A generated host has 10 processes: 4 services on a wildcard port, and 6 that are only clients;
 * each uses one service of another host, the first one two, and half of all uses go to 1 % of the
 * hosts. Its 28 facts go through graph_apply like those of a real one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "cma/graph/roster.h"
#include "cma/graph/query.h"
#include "cma/graph/roster.h"
#include "tests/support/anchor.h"
#include "wire/message.h"
#include "wire/seal.h"

enum {
	PROCESSES = 10,
	SERVICES = 4, /* the first of them */
	MESSAGE_DELTAS = 16,
	BATCH_MESSAGES = 64, /* what the store's thread finds after a commit under load */
	LOAD_MESSAGES = 1000,
	DELTAS = 200000,
	QUERIES = 2000,
	QUERIES_WARM =
		QUERIES, /* the same ones: what is measured is the work, not the first touch */
	QUERIES_TURN = 100,
	DEPTH = 3,
	ADDRESSES = 5000,
};

#define START_MS ((int64_t)1700000000000)

static void check(int failed, const char *what)
{
	if (failed) {
		fprintf(stderr, "bench_graph: %s: %s\n", what, strerror(-failed));
		exit(1);
	}
}

static double seconds(struct instant since)
{
	return (double)instant_sub(instant_now(), since) / NS_PER_SEC;
}

/* ---- an estate ---- */

static void put(struct writer *w, enum section section, const char *key, const char *value)
{
	struct fact fact = { section, SPAN_TEXT(key), SPAN_TEXT(value) };

	fact_put(w, &fact);
}

static void ip_text(uint64_t host, char to[16])
{
	snprintf(to, 16, "10.%u.%u.%u", (unsigned)(host >> 16) & 255, (unsigned)(host >> 8) & 255,
		(unsigned)host & 255);
}

/* A well mixed number; equal for equal arguments. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15 + b * 0xbf58476d1ce4e5b9 + 1;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint64_t pick_server(uint64_t host, uint64_t salt, uint64_t hosts)
{
	uint64_t random = mix(host, salt), popular = hosts / 100;

	return random & 1 ? (random >> 1) % (popular ? popular : 1) : (random >> 1) % hosts;
}

static void put_client(
	struct writer *w, unsigned process, uint64_t server, unsigned port, const char *state)
{
	char ip[16], key[96], value[160];

	ip_text(server, ip);
	snprintf(
		key, sizeof(key), "app%u:%08x tcp %s:%u", process, process * 0x01234567u, ip, port);
	snprintf(value, sizeof(value),
		"{\"addr\":\"%s\",\"port\":%u,\"process\":\"app%u:%08x\",\"proto\":\"tcp\","
		"\"state\":\"%s\"}",
		ip, port, process, process * 0x01234567u, state ? state : "");
	put(w, SECTION_CLIENT, key, state ? value : "");
}

static void put_process(struct writer *w, unsigned process)
{
	char name[32], value[400];

	snprintf(name, sizeof(name), "app%u:%08x", process, process * 0x01234567u);
	snprintf(value, sizeof(value),
		"{\"cmdline\":[\"/usr/bin/app%u\",\"--config\",\"/etc/app%u.conf\"],\"cwd\":\"/\","
		"\"exe\":\"/usr/bin/app%u\",\"gid\":%u,\"group\":\"app%u\",\"uid\":%u,"
		"\"unit\":\"app%u.service\",\"user\":\"app%u\"}",
		process, process, process, 100 + process, process, 100 + process, process, process);
	put(w, SECTION_PROCESS, name, value);
	if (process < SERVICES) {
		char key[32];

		snprintf(key, sizeof(key), "tcp 0.0.0.0:%u", 8000 + process);
		snprintf(value, sizeof(value),
			"{\"addr\":\"0.0.0.0\",\"port\":%u,\"process\":[\"%s\"],\"proto\":\"tcp\"}",
			8000 + process, name);
		put(w, SECTION_LISTEN, key, value);
	}
}

static void put_machine(struct writer *w, uint64_t host)
{
	char ip[16], key[48], value[300];

	ip_text(host, ip);
	snprintf(value, sizeof(value),
		"{\"Description\":\"Debian GNU/Linux 12 (bookworm)\","
		"\"kernel-release\":\"6.1.0-18\",\"machine\":\"x86_64\",\"nodename\":\"host%" PRIu64
		"\","
		"\"operating-system\":\"GNU/Linux\"}",
		host);
	put(w, SECTION_HOST, "os", value);
	snprintf(value, sizeof(value),
		"{\"carrier\":true,\"ifname\":\"eth0\","
		"\"mac\":\"02:00:00:%02x:%02x:%02x\",\"mtu\":1500}",
		(unsigned)(host >> 16) & 255, (unsigned)(host >> 8) & 255, (unsigned)host & 255);
	put(w, SECTION_LINK, "eth0", value);
	snprintf(key, sizeof(key), "eth0 %s/20", ip);
	snprintf(value, sizeof(value),
		"{\"addr\":\"%s\",\"ifname\":\"eth0\",\"prefix\":20,\"scope\":\"global\"}", ip);
	put(w, SECTION_ADDRESS, key, value);
}

static void encode(struct writer *w, const struct writer *facts)
{
	struct message message = { .kind = MESSAGE_CHANGES, .changes.facts = writer_span(facts) };

	message_encode(w, &message);
}

/* All that a host has to say. */
static void host_make(struct writer *w, uint64_t host, uint64_t hosts)
{
	struct writer facts cleanup(writer_free) = writer_growing(1 << 20);

	put_machine(&facts, host);
	for (unsigned process = 0; process < PROCESSES; process++) {
		unsigned uses = process ? 1 : 2;

		put_process(&facts, process);
		for (unsigned i = 0; i < uses; i++) {
			uint64_t salt = process * 4 + i;

			put_client(&facts, process, pick_server(host, salt, hosts),
				8000 + (unsigned)(mix(salt, host) % SERVICES), "ok");
		}
	}
	encode(w, &facts);
}

/* Clients that come, change and go, towards the rest of the estate; each has an effect. */
static void deltas_make(struct writer *w, uint64_t host, uint64_t round, uint64_t hosts)
{
	struct writer facts cleanup(writer_free) = writer_growing(1 << 20);

	for (uint64_t i = 0; i < MESSAGE_DELTAS; i++) {
		/* Of four: two come, the second changes, the first goes. */
		uint64_t which = 1000 + round * MESSAGE_DELTAS + (i & ~(uint64_t)3) +
			(i % 4 == 1 || i % 4 == 2);

		put_client(&facts, (unsigned)(which % PROCESSES), pick_server(host, which, hosts),
			8000 + (unsigned)(which % SERVICES),
			i % 4 == 2	     ? "refused"
				: i % 4 == 3 ? NULL
					     : "ok");
	}
	encode(w, &facts);
}

static int64_t enrol(struct graph *g, uint64_t host)
{
	static const uint8_t token[GRAPH_TOKEN_ID] = "bench";
	uint8_t key[GRAPH_KEY] = { 0 }, psk[GRAPH_KEY] = { 0 };
	int64_t agent = 0;

	memcpy(key, &host, sizeof(host));
	check(graph_enrol(g, token, key, psk, &agent), graph_error(g));
	return agent;
}

static int apply(struct graph *g, int64_t agent, uint64_t incarnation, uint64_t sequence,
	struct span bytes, struct graph_result *result)
{
	struct graph_message message = {
		.incarnation = incarnation, .sequence = sequence, .bytes = bytes
	};

	return graph_apply(g, agent, &message, result);
}

static void load(struct graph *g, uint64_t hosts, int64_t *agents)
{
	struct graph_token token = { .id = "bench", .tenant = "default", .expires_ms = INT64_MAX };
	struct writer bytes cleanup(writer_free) = writer_growing(1 << 20);
	struct graph_result result;

	for (uint64_t host = 0; host < hosts; host++) {
		if (host % LOAD_MESSAGES == 0)
			check(graph_begin(g, START_MS), graph_error(g));
		if (!host)
			check(graph_token_create(g, &token), graph_error(g));
		agents[host] = enrol(g, host);
		writer_reset(&bytes);
		host_make(&bytes, host, hosts);
		check(apply(g, agents[host], 1, 1, writer_span(&bytes), &result), graph_error(g));
		if (result.verdict != GRAPH_APPLIED)
			check(-EPROTO, result.reason);
		if (host % LOAD_MESSAGES == LOAD_MESSAGES - 1 || host == hosts - 1)
			check(graph_commit(g), graph_error(g));
	}
}

/* ---- deltas ---- */

struct envelope {
	int64_t agent;
	uint64_t sequence;
	struct span bytes;
};

static double deltas_per_second(struct graph *g, uint64_t hosts, const int64_t *agents)
{
	enum { COUNT = DELTAS / MESSAGE_DELTAS };
	struct writer *bytes = mem_alloc(COUNT, sizeof(*bytes));
	struct envelope *mail = mem_alloc(COUNT, sizeof(*mail));
	struct graph_result result;
	struct instant start;
	clock_t cpu;
	double taken;

	/* Hosts in order inside a batch: the store sorts what waits. */
	for (uint64_t i = 0; i < COUNT; i++) {
		uint64_t batch = i / BATCH_MESSAGES;
		uint64_t host =
			(batch * 104729 % hosts + i % BATCH_MESSAGES * (hosts / 64)) % hosts;

		bytes[i] = writer_growing(1 << 20);
		deltas_make(&bytes[i], host, batch, hosts);
		mail[i] = (struct envelope){ agents[host], i + 2, writer_span(&bytes[i]) };
	}
	start = instant_now();
	cpu = clock();
	for (uint64_t i = 0; i < COUNT; i++) {
		if (i % BATCH_MESSAGES == 0)
			check(graph_begin(g, START_MS + 1 + (int64_t)i), graph_error(g));
		check(apply(g, mail[i].agent, 1, mail[i].sequence, mail[i].bytes, &result),
			graph_error(g));
		if (result.verdict != GRAPH_APPLIED)
			check(-EPROTO, result.reason);
		if (i % BATCH_MESSAGES == BATCH_MESSAGES - 1 || i == COUNT - 1)
			check(graph_commit(g), graph_error(g));
	}
	taken = seconds(start);
	printf("durable deltas for each second of CPU at %" PRIu64 " hosts | %.0f |\n", hosts,
		DELTAS / ((double)(clock() - cpu) / CLOCKS_PER_SEC));
	for (uint64_t i = 0; i < COUNT; i++)
		writer_free(&bytes[i]);
	free(bytes);
	free(mail);
	return DELTAS / taken;
}

/* Connections to ever new addresses of one host, each of which all its services are reached at. */
static double addresses_seconds(struct graph *g, int64_t agent)
{
	struct writer facts cleanup(writer_free) = writer_growing(1 << 20);
	struct writer bytes cleanup(writer_free) = writer_growing(1 << 20);
	struct instant start = instant_now();
	struct graph_result result;

	check(graph_begin(g, START_MS + DELTAS), graph_error(g));
	for (unsigned i = 0; i < ADDRESSES; i++) {
		char key[96], value[160];

		snprintf(key, sizeof(key), "tcp 172.16.%u.%u:8000<10.0.0.1", i / 256, i % 256);
		snprintf(value, sizeof(value),
			"{\"addr\":\"172.16.%u.%u\",\"peer\":\"10.0.0.1\",\"port\":8000,"
			"\"proto\":\"tcp\"}",
			i / 256, i % 256);
		put(&facts, SECTION_INBOUND, key, value);
		if (i % MESSAGE_DELTAS != MESSAGE_DELTAS - 1 && i != ADDRESSES - 1)
			continue;
		writer_reset(&bytes);
		encode(&bytes, &facts);
		writer_reset(&facts);
		check(apply(g, agent, 2, i, writer_span(&bytes), &result), graph_error(g));
		if (result.verdict != GRAPH_APPLIED)
			check(-EPROTO, result.reason);
	}
	check(graph_commit(g), graph_error(g));
	return seconds(start);
}

/* ---- queries ---- */

static int compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
		(*(const double *)a < *(const double *)b);
}

static int count_row(void *context, const json_t *values)
{
	(void)values;
	++*(uint64_t *)context;
	return 0;
}

/* What is measured by turns. */
enum probe { PROBE_QUERY, PROBE_IDS, PROBE_NODES, PROBES };

struct probes {
	struct queries *queries;
	uint64_t rows;
	struct anchor anchor;
};

struct timing {
	double p50_us;
	double p99_us;
};

static void probes_open(struct probes *p, const char *directory)
{
	char error[256] = "";

	check(queries_open(directory, NULL, &p->queries, error, sizeof(error)), error);
	check(anchor_open(&p->anchor, directory), "the bare walk");
}

static void probes_close(struct probes *p)
{
	anchor_close(&p->anchor);
	queries_close(p->queries);
}

static double time_query(struct probes *p, const char *host)
{
	struct query_sink sink = { .row = count_row, .context = &p->rows };
	json_t *params =
		json_pack("{s:s,s:i,s:s}", "host", host, "depth", DEPTH, "direction", "up");
	char error[256] = "";
	struct instant start = instant_now();
	double us;

	check(query_run(p->queries, "hostdependencies", params, "default", START_MS, &sink, error,
		      sizeof(error)),
		error);
	us = (double)instant_sub(instant_now(), start) / NS_PER_US;
	json_decref(params);
	return us;
}

/*
 * By turns, QUERIES_TURN of each: what else the machine does hits them alike. Of different hosts:
 * none is to find in the processor's cache what another one has just read.
 */
static void time_probes(struct probes *p, uint64_t hosts, struct timing timings[PROBES])
{
	double *us = mem_alloc((size_t)PROBES * QUERIES, sizeof(*us));

	for (uint64_t i = 0; i < (uint64_t)PROBES * (QUERIES_WARM + QUERIES); i++) {
		uint64_t turn = i / QUERIES_TURN / PROBES;
		enum probe which = (enum probe)(i / QUERIES_TURN % PROBES);
		uint64_t n = (turn * QUERIES_TURN + i % QUERIES_TURN + which * QUERIES / PROBES) %
			QUERIES;
		char host[32];

		snprintf(host, sizeof(host), "host%" PRIu64, n * 48271 % hosts);
		us[which * QUERIES + n] = which == PROBE_QUERY
			? time_query(p, host)
			: anchor_time(&p->anchor, which == PROBE_IDS ? ANCHOR_IDS : ANCHOR_NODES,
				  host, DEPTH);
	}
	for (int i = 0; i < PROBES; i++) {
		double *mine = us + i * QUERIES;

		qsort(mine, QUERIES, sizeof(*us), compare);
		timings[i] = (struct timing){ mine[QUERIES / 2], mine[QUERIES * 99 / 100] };
	}
	free(us);
}

static void print_probes(struct probes *p, uint64_t hosts, struct timing timings[PROBES])
{
	static const char *const anchors[PROBES] = {
		[PROBE_IDS] = "ids only",
		[PROBE_NODES] = "with rows of nodes",
	};
	const struct timing *query = &timings[PROBE_QUERY];

	time_probes(p, hosts, timings);
	printf("3-hop hostdependencies at %" PRIu64
	       " hosts, p50 us (p99 %.0f, rows %.0f) | %.0f | <= 200\n",
		hosts, query->p99_us, (double)p->rows / (QUERIES_WARM + QUERIES), query->p50_us);
	for (int i = PROBE_IDS; i < PROBES; i++)
		printf("bare recursive SELECT, %s, at %" PRIu64
		       " hosts, p50 us (p99 %.0f) | %.0f | -\n",
			anchors[i], hosts, timings[i].p99_us, timings[i].p50_us);
}

/* ---- one size ---- */

static void print_growth(uint64_t hosts, const struct timing *first, const struct timing *last)
{
	printf("3-hop hostdependencies, %" PRIu64
	       " hosts over the first size (bare SELECT %.2f, with rows of nodes %.2f) | %.2f"
	       " | <= 1.6\n",
		hosts, last[PROBE_IDS].p50_us / first[PROBE_IDS].p50_us,
		last[PROBE_NODES].p50_us / first[PROBE_NODES].p50_us,
		last[PROBE_QUERY].p50_us / first[PROBE_QUERY].p50_us);
}

/* first: the timings of the first size, or NULL. */
static void run(uint64_t hosts, const struct timing *first, struct timing timings[PROBES])
{
	char directory[] = "/var/tmp/bench_graph.XXXXXX";
	struct graph_options options = { .directory = directory };
	char *command autofree = NULL;
	char error[256] = "";
	int64_t *agents autofree = mem_alloc(hosts, sizeof(*agents));
	struct instant start = instant_now();
	struct probes probes = { 0 };
	struct graph *g;

	if (!mkdtemp(directory))
		check(-errno, directory);
	check(graph_open(&options, &g, error, sizeof(error)), error);
	load(g, hosts, agents);
	printf("graph of %" PRIu64 " hosts: power-on in s | %.1f | -\n", hosts, seconds(start));
	/* What the store does when it is idle. */
	check(graph_checkpoint(g), graph_error(g));
	probes_open(&probes, directory);
	print_probes(&probes, hosts, timings);
	if (first)
		print_growth(hosts, first, timings);
	printf("durable deltas/s at %" PRIu64 " hosts | %.0f | >= 35000\n", hosts,
		deltas_per_second(g, hosts, agents));
	printf("inbound to %d addresses of one host with %d wildcard listeners, s | %.2f | -\n",
		ADDRESSES, SERVICES, addresses_seconds(g, agents[0]));
	fflush(stdout);
	probes_close(&probes);
	graph_close(g);
	command = text_format("rm -rf %s", directory);
	if (system(command) != 0)
		fprintf(stderr, "bench_graph: cannot remove %s\n", directory);
}

int main(int argc, char **argv)
{
	static const char *const sizes[] = { "1000", "10000", "100000" };
	struct timing first[PROBES], later[PROBES];
	const char *const *size = argc > 1 ? (const char *const *)argv + 1 : sizes;
	int count = argc > 1 ? argc - 1 : 3;

	check(seal_init(), "libsodium");
	for (int i = 0; i < count; i++)
		run(strtoull(size[i], NULL, 10), i ? first : NULL, i ? later : first);
	return 0;
}
