// SPDX-License-Identifier: Apache-2.0
/*
 * What the hub costs with a million known agents that all have a session: memory, datagrams opened
 * and dispatched, handshakes answered and refused. CPU time of one core, "name | value | goal".
 * Sessions are put in place, since a million handshakes would take minutes; all else is by the
 * hub's own functions, and datagrams come over loopback.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cma/hub_state.h"
#include "cma/inbound.h"
#include "wire/cookie.h"

enum {
	AGENTS = 1000000,
	PAYLOAD = 100, /* of a DATA */
	DATA_SIZE = PAYLOAD + PACKET_DATA_EXTRA,
	BATCH = 1024, /* datagrams that fit into the buffer of a socket */
	BATCHES = 400,
	CALLERS = 200, /* at a time */
	ROUNDS = 10,
	INIT_ROUNDS = 200,
};

struct bench {
	struct hub *hub;
	struct session_self cma;
	struct channel **channels;
	uint32_t *sent; /* by each agent */
	struct addr from;
	uint8_t data[BATCH][DATA_SIZE];
	uint8_t init[CALLERS][PACKET_INIT_SIZE];
	uint64_t clock_ns;
};

static void print(const char *name, double value, const char *unit, const char *goal)
{
	printf("%s | %.*f %s | %s\n", name, value < 10 ? 2 : 0, value, unit, goal);
	fflush(stdout);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double resident_bytes(void)
{
	FILE *from = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!from || fscanf(from, "%*u %lu", &pages) != 1)
		exit(1);
	fclose(from);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static size_t chance(size_t limit)
{
	uint64_t value;

	seal_random(&value, sizeof(value));
	return value % limit;
}

/* ---- a million agents ---------------------------------------------------------------------- */

static void add_session(struct bench *b, size_t i, const uint8_t key[SEAL_KEY])
{
	struct peer *peer = hub_find_peer(b->hub, key);
	struct channel *channel = pool_take(&b->hub->sessions);

	seal_random(channel->session.receive_key, SEAL_KEY);
	channel->session.local = (uint32_t)i + 1;
	channel->session.confirmed = true;
	channel->proven = true;
	channel->address = b->from;
	channel->peer = peer;
	peer->channel = channel;
	table_insert(&b->hub->channels, &channel->by_index, (uint32_t)i + 1);
	b->hub->session_count++;
	b->channels[i] = channel;
}

static void bench_memory(struct bench *b)
{
	uint8_t(*keys)[SEAL_KEY] = mem_alloc(AGENTS, SEAL_KEY), datagram[PACKET_MAX];
	size_t heap;
	double resident, start;
	struct addr to;

	seal_random(keys, (size_t)AGENTS * SEAL_KEY);
	resident = resident_bytes();
	heap = mallinfo2().uordblks + mallinfo2().hblkhd;
	start = cpu_seconds();
	for (size_t i = 0; i < AGENTS; i++) {
		struct hub_agent agent = { .id = i + 1, .tenant = 1 };

		memcpy(agent.key, keys[i], SEAL_KEY);
		hub_add_agent(b->hub, &agent);
	}
	print("a million agents put into the hub", cpu_seconds() - start, "s", "<= 5");
	print("  packets that this caused",
		(double)hub_output(b->hub, instant_now(), &to, datagram), "", "<= 0");
	for (size_t i = 0; i < AGENTS; i++)
		add_session(b, i, keys[i]);
	heap = mallinfo2().uordblks + mallinfo2().hblkhd - heap;
	print("memory of a known idle agent, allocated", (double)heap / AGENTS, "B", "<= 400");
	print("  the same, resident", (resident_bytes() - resident) / AGENTS, "B", "<= 400");
	free(keys);
}

/* ---- DATA ---------------------------------------------------------------------------------- */

/* Of agents at random, with a record that the hub skips. */
static void make_data(struct bench *b)
{
	const uint8_t plain[PAYLOAD] = { 200, 0, PAYLOAD - 4, 0 };

	for (size_t i = 0; i < BATCH; i++) {
		size_t agent = chance(AGENTS);
		struct session *session = &b->channels[agent]->session;
		struct writer w = writer_over(b->data[i], DATA_SIZE);

		packet_encode_data(&w, session->local, b->sent[agent]);
		seal_encrypt(session->receive_key, b->sent[agent]++, writer_span(&w),
			SPAN(plain, PAYLOAD), b->data[i] + PACKET_DATA_HEADER);
	}
}

static void take(void *owner, const struct addr *from, struct span datagram)
{
	struct bench *b = owner;

	hub_input(b->hub, (struct instant){ (int64_t)b->clock_ns }, 0, from, datagram);
}

static void bench_memory_data(struct bench *b)
{
	double seconds = 0;

	for (int batch = 0; batch < BATCHES; batch++) {
		double start;

		make_data(b);
		start = cpu_seconds();
		for (size_t i = 0; i < BATCH; i++)
			take(b, &b->from, SPAN(b->data[i], DATA_SIZE));
		seconds += cpu_seconds() - start;
	}
	print("datagrams opened and dispatched, from memory", BATCH * BATCHES / seconds, "/s", "-");
}

static int connect_to(const struct inbound *in)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage at;
	struct addr addr;

	inbound_address(in, &addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, addr_to_sockaddr(&addr, AF_INET, &at))) {
		perror("bench_hub: socket");
		exit(1);
	}
	return fd;
}

/* The sender fills the buffer, then the hub empties it: only that is counted. */
static void bench_socket_data(struct bench *b, const char *listen, const char *name)
{
	struct inbound *in;
	struct addr any;
	double seconds = 0;
	size_t taken = 0;
	int fd;

	addr_parse(listen, &any);
	if (inbound_open(&any, INBOUND_CALLS, &in)) {
		perror("bench_hub: inbound");
		exit(1);
	}
	fd = connect_to(in);
	for (int batch = 0; batch < BATCHES; batch++) {
		size_t count;
		double start;

		make_data(b);
		for (size_t i = 0; i < BATCH; i++) {
			if (send(fd, b->data[i], DATA_SIZE, 0) < 0)
				exit(1);
		}
		start = cpu_seconds();
		while ((count = inbound_receive(in, take, b)))
			taken += count;
		seconds += cpu_seconds() - start;
	}
	close(fd);
	inbound_close(in);
	print(name, (double)taken / seconds, "/s", ">= 500000");
	print("  of them lost or refused",
		(double)(BATCH * BATCHES - taken + b->hub->counters.forged +
			b->hub->counters.replayed),
		"", "<= 0");
}

/* ---- INIT ---------------------------------------------------------------------------------- */

static void make_inits(struct bench *b, const struct key_pair *keys)
{
	for (size_t i = 0; i < CALLERS; i++) {
		struct session_hello hello = { .incarnation = 1 };
		uint8_t ephemeral[SEAL_KEY];
		struct session_call call;
		struct session_self self;

		session_self_init(&self, &keys[i]);
		seal_random(ephemeral, sizeof(ephemeral));
		if (session_call(&call, &self, b->cma.key.public, ephemeral, 1, &hello, b->init[i]))
			exit(1);
	}
}

static size_t send_answers(struct bench *b)
{
	uint8_t datagram[PACKET_MAX];
	size_t answers = 0;
	struct addr to;

	while (hub_output(b->hub, (struct instant){ (int64_t)b->clock_ns }, &to, datagram))
		answers++;
	return answers;
}

static size_t work(struct bench *b)
{
	while (hub_work(b->hub, (struct instant){ (int64_t)b->clock_ns }))
		continue;
	return send_answers(b);
}

static void bench_handshakes(struct bench *b)
{
	struct key_pair keys[CALLERS];
	double seconds[ROUNDS] = { 0 };
	size_t answers = 0;

	for (size_t i = 0; i < CALLERS; i++) {
		struct hub_agent agent = { .id = AGENTS + 1 + i, .tenant = 1 };

		seal_random(keys[i].secret, SEAL_KEY);
		seal_public(keys[i].secret, keys[i].public);
		memcpy(agent.key, keys[i].public, SEAL_KEY);
		hub_add_agent(b->hub, &agent);
	}
	for (int round = 0; round < ROUNDS; round++) {
		double start;

		b->clock_ns += 3600 * (uint64_t)NS_PER_SEC;
		make_inits(b, keys);
		start = cpu_seconds();
		for (size_t i = 0; i < CALLERS; i++)
			take(b, &b->from, SPAN(b->init[i], PACKET_INIT_SIZE));
		answers += work(b);
		seconds[round] = cpu_seconds() - start;
	}
	for (int round = 2; round < ROUNDS; round++)
		seconds[1] += seconds[round];
	print("handshakes answered, agent not heard before", CALLERS / seconds[0], "/s", "-");
	print("handshakes answered per core, static product kept",
		CALLERS * (ROUNDS - 1) / seconds[1], "/s", ">= 6000");
	print("  of them unanswered", (double)(CALLERS * ROUNDS - answers), "", "<= 0");
}

/* The queue is full: whoever has no cookie is told to come back. */
static void bench_refusals(struct bench *b)
{
	size_t answers = 0;
	double start;

	for (size_t i = 0; i < GATE_LOADED; i++)
		take(b, &b->from, SPAN(b->init[i % CALLERS], PACKET_INIT_SIZE));
	for (size_t i = 0; i < CALLERS; i++)
		seal_random(b->init[i] + 8, 32);
	start = cpu_seconds();
	for (int round = 0; round < INIT_ROUNDS; round++) {
		for (size_t i = 0; i < CALLERS; i++)
			take(b, &b->from, SPAN(b->init[i], PACKET_INIT_SIZE));
	}
	print("INIT with a wrong mac1 refused", CALLERS * INIT_ROUNDS / (cpu_seconds() - start),
		"/s", ">= 1000000");
	for (size_t i = 0; i < CALLERS; i++)
		seal_mac(b->cma.mac1_key, SPAN(b->init[i], PACKET_INIT_SIZE - 32),
			b->init[i] + PACKET_INIT_SIZE - 32);
	b->clock_ns += 3600 * (uint64_t)NS_PER_SEC;
	for (size_t i = 0; i < GATE_LOADED; i++)
		take(b, &b->from, SPAN(b->init[i % CALLERS], PACKET_INIT_SIZE));
	send_answers(b);
	start = cpu_seconds();
	for (int round = 0; round < INIT_ROUNDS; round++) {
		for (size_t i = 0; i < HUB_CHEAP_MAX; i++)
			take(b, &b->from, SPAN(b->init[i % CALLERS], PACKET_INIT_SIZE));
		answers += send_answers(b);
	}
	print("INIT without a cookie told when to come", (double)answers / (cpu_seconds() - start),
		"/s", ">= 200000");
	print("  of them not told", (double)(HUB_CHEAP_MAX * INIT_ROUNDS - answers), "", "<= 0");
}

int main(void)
{
	struct bench *b = mem_alloc(1, sizeof(*b));
	struct hub_config config = { .epoch = 1, .random = seal_draw };

	if (seal_init())
		return 1;
	seal_random(config.key.secret, SEAL_KEY);
	seal_public(config.key.secret, config.key.public);
	session_self_init(&b->cma, &config.key);
	addr_parse("127.0.0.7:7777", &b->from);
	b->clock_ns = (uint64_t)NS_PER_SEC;
	b->channels = mem_alloc(AGENTS, sizeof(struct channel *));
	memset(b->channels, 1, AGENTS * sizeof(struct channel *)); /* resident from the start */
	b->sent = mem_alloc(AGENTS, sizeof(*b->sent));
	b->hub = hub_new(&config);
	bench_memory(b);
	bench_memory_data(b);
	bench_socket_data(b, "127.0.0.1:0", "datagrams received, opened and dispatched per core");
	bench_socket_data(b, "0.0.0.0:0", "  the same, bound to all addresses");
	bench_handshakes(b);
	bench_refusals(b);
	hub_free(b->hub);
	free(b->channels);
	free(b->sent);
	free(b);
	return 0;
}
