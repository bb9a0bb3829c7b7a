// SPDX-License-Identifier: Apache-2.0
/*
 * A real cma on loopback, and many agents in this process, each with its own keys, session and
 * socket: durable deltas per second end to end (cryptography, UDP, hub, group commit, graph), and
 * how long one delta takes until its acknowledgement, which the CMA sends after the commit.
 * Prints "name | value | goal" lines.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/uplink.h"
#include "base/alloc.h"
#include "wire/keys.h"

enum {
	AGENTS = 256,
	CHANGES = 64, /* an agent's, before it waits for the acknowledgement */
	SECONDS = 5,
	SINGLES = 500,
	PATIENCE_S = 30,
};

#define LISTEN_ADDRESS "127.0.0.1:19871"

struct agent {
	int fd;
	unsigned int number;
	unsigned int round;
	struct tracker *tracker;
	struct uplink *uplink;
};

struct bench {
	char directory[32], control[64];
	pid_t cma;
	struct token token;
	int epoll;
	struct agent agents[AGENTS];
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_cma: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds_since(struct instant since)
{
	return (double)instant_sub(instant_now(), since) / (double)NS_PER_SEC;
}

/* ---- the CMA ------------------------------------------------------------------------------- */

static void start_cma(struct bench *bench, const char *program)
{
	char *state autofree = text_format("%s/state", bench->directory);

	bench->cma = fork();
	if (bench->cma < 0)
		fail("fork");
	if (bench->cma)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(program, program, "--state-dir", state, "--listen", LISTEN_ADDRESS, "--control",
		bench->control, "--log-level", "warn", (char *)NULL);
	fail(program);
}

static void make_token(struct bench *bench, const char *cmactl)
{
	char *command autofree =
		text_format("%s --control %s token create 2>/dev/null", cmactl, bench->control);
	struct instant began = instant_now();
	char text[TOKEN_TEXT_SIZE + 1] = "";
	const char *why;

	while (!*text && seconds_since(began) < PATIENCE_S) {
		FILE *from = popen(command, "r");

		if (!from)
			fail("popen");
		if (!fgets(text, sizeof(text), from))
			poll(NULL, 0, 20);
		pclose(from);
	}
	text[strcspn(text, "\n")] = '\0';
	if (token_parse(text, &bench->token, &why)) {
		fprintf(stderr, "bench_cma: token '%s': %s\n", text, why);
		exit(1);
	}
}

static void stop_cma(struct bench *bench)
{
	char *command autofree = text_format("rm -rf '%s'", bench->directory);

	kill(bench->cma, SIGTERM);
	waitpid(bench->cma, NULL, 0);
	if (system(command))
		fail(command);
}

/* ---- agents -------------------------------------------------------------------------------- */

static void put(struct agent *agent, enum section section, const char *key, const char *value)
{
	const struct fact fact = { section, SPAN_TEXT(key), SPAN_TEXT(value) };

	tracker_apply(agent->tracker, &fact);
}

/* A listener that another process takes over: edges go and come. */
static void change(struct agent *agent, unsigned int which)
{
	char key[64], value[256];
	unsigned int high = agent->number >> 8, low = agent->number & 255;

	snprintf(key, sizeof(key), "tcp 10.9.%u.%u:%u", high, low, 1000 + which);
	snprintf(value, sizeof(value),
		"{\"addr\":\"10.9.%u.%u\",\"port\":%u,\"process\":[\"server:%08x\"],"
		"\"proto\":\"tcp\"}",
		high, low, 1000 + which, agent->round);
	put(agent, SECTION_LISTEN, key, value);
}

static void start_agent(struct bench *bench, unsigned int number)
{
	struct agent *agent = &bench->agents[number];
	struct uplink_config config = { .has_token = true, .random = seal_draw };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = agent };
	uint8_t secret[SEAL_KEY], digest_key[SEAL_FACT_KEY];
	struct sockaddr_storage to;
	socklen_t size = addr_to_sockaddr(&bench->token.cma, AF_INET, &to);

	seal_random(secret, sizeof(secret));
	keys_from_secret(&config.key, secret);
	seal_fact_key(config.key.public, digest_key);
	memcpy(config.cma, bench->token.cma_public, sizeof(config.cma));
	memcpy(config.token_id, bench->token.id, sizeof(config.token_id));
	memcpy(config.token_secret, bench->token.secret, sizeof(config.token_secret));
	agent->number = number;
	agent->tracker = tracker_new(digest_key);
	config.tracker = agent->tracker;
	put(agent, SECTION_ADDRESS, "lo", "{}");
	agent->uplink = uplink_new(&config);
	agent->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (agent->fd < 0 || connect(agent->fd, (struct sockaddr *)&to, size) ||
		epoll_ctl(bench->epoll, EPOLL_CTL_ADD, agent->fd, &event))
		fail("socket");
	uplink_ready(agent->uplink);
}

static void stop_agent(struct agent *agent)
{
	uplink_free(agent->uplink);
	tracker_free(agent->tracker);
	close(agent->fd);
}

static bool is_settled(const struct agent *agent)
{
	return uplink_status(agent->uplink)->settled && !tracker_pending(agent->tracker);
}

static void send_all(struct agent *agent)
{
	uint8_t datagram[PACKET_MAX];
	size_t size;

	while ((size = uplink_output(agent->uplink, instant_now(), datagram)))
		if (send(agent->fd, datagram, size, 0) < 0)
			return; /* it is sent again */
}

static void receive_all(struct agent *agent)
{
	uint8_t datagram[PACKET_MAX];
	ssize_t size;

	while ((size = recv(agent->fd, datagram, sizeof(datagram), 0)) > 0)
		uplink_input(agent->uplink, instant_now(), SPAN(datagram, (size_t)size));
	send_all(agent);
}

/* One turn for what came; now and then for whoever has a deadline. */
static void turn(struct bench *bench, size_t agents)
{
	struct epoll_event events[64];
	int count = epoll_wait(bench->epoll, events, 64, 1);

	for (int i = 0; i < count; i++)
		receive_all(events[i].data.ptr);
	for (size_t i = 0; !count && i < agents; i++)
		send_all(&bench->agents[i]);
}

static void settle(struct bench *bench, size_t agents)
{
	struct instant began = instant_now();
	size_t settled = 0;

	while (settled < agents) {
		turn(bench, agents);
		while (settled < agents && is_settled(&bench->agents[settled]))
			settled++;
		if (seconds_since(began) > PATIENCE_S) {
			fprintf(stderr, "bench_cma: agent %zu is not acknowledged\n", settled);
			exit(1);
		}
	}
}

/* ---- what is measured ---------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void measure_latency(struct bench *bench)
{
	struct agent *agent = &bench->agents[0];
	double took[SINGLES];

	for (size_t i = 0; i < SINGLES; i++) {
		struct instant began = instant_now();

		agent->round++;
		change(agent, 0);
		send_all(agent);
		settle(bench, 1);
		took[i] = seconds_since(began) * 1e3;
	}
	qsort(took, SINGLES, sizeof(took[0]), compare);
	printf("one delta told -> durable and acknowledged, p50 | %.2f ms | <= 20 ms\n",
		took[SINGLES / 2]);
	printf("one delta told -> durable and acknowledged, p99 | %.2f ms | <= 100 ms\n",
		took[SINGLES * 99 / 100]);
}

/* Of all threads of the CMA so far, in seconds: what others do on this machine does not count. */
static double cma_cpu(const struct bench *bench)
{
	struct timespec used = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(bench->cma, &clock) || clock_gettime(clock, &used))
		fail("clock_getcpuclockid");
	return (double)used.tv_sec + (double)used.tv_nsec / NS_PER_SEC;
}

static void measure_rate(struct bench *bench)
{
	struct instant began = instant_now();
	double cpu = cma_cpu(bench);
	uint64_t deltas = 0;
	double took;

	while (seconds_since(began) < SECONDS) {
		for (size_t i = 0; i < AGENTS; i++) {
			struct agent *agent = &bench->agents[i];

			if (!is_settled(agent))
				continue;
			agent->round++;
			for (unsigned int which = 0; which < CHANGES; which++)
				change(agent, which);
			deltas += CHANGES;
			send_all(agent);
		}
		turn(bench, AGENTS);
	}
	settle(bench, AGENTS);
	took = seconds_since(began);
	printf("durable deltas/s end to end, %d agents | %.0f | >= 20000\n", AGENTS,
		(double)deltas / took);
	printf("durable deltas for each second of CPU of the cma | %.0f |\n",
		(double)deltas / (cma_cpu(bench) - cpu));
}

int main(int argc, char **argv)
{
	struct bench *bench = mem_alloc(1, sizeof(*bench));
	/* build/tests/bench/bench_cma -> build */
	char *build autofree = text_copy(argc > 1 ? argv[1] : argv[0]);
	char *cma autofree = NULL, *cmactl autofree = NULL;
	struct instant began;

	for (int i = 0; argc < 2 && i < 3 && strrchr(build, '/'); i++)
		*strrchr(build, '/') = '\0';
	cma = text_format("%s/cma", build);
	cmactl = text_format("%s/cmactl", build);
	strcpy(bench->directory, "/var/tmp/bench_cma.XXXXXX");
	bench->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (seal_init() || !mkdtemp(bench->directory) || bench->epoll < 0)
		fail("start");
	snprintf(bench->control, sizeof(bench->control), "%s/control", bench->directory);
	start_cma(bench, cma);
	make_token(bench, cmactl);
	began = instant_now();
	for (unsigned int i = 0; i < AGENTS; i++)
		start_agent(bench, i);
	settle(bench, AGENTS);
	printf("%d agents enrolled, durably | %.0f ms |\n", AGENTS, seconds_since(began) * 1e3);
	measure_latency(bench);
	measure_rate(bench);
	for (unsigned int i = 0; i < AGENTS; i++)
		stop_agent(&bench->agents[i]);
	stop_cma(bench);
	close(bench->epoll);
	free(bench);
	return 0;
}
