// SPDX-License-Identifier: Apache-2.0
/*
 * Agents with sessions tell one change after another to a real cma, while somebody floods it: with
 * junk, then with INITs from made-up addresses in 127/8 whose mac1 is right, during which other
 * agents join. bench_flood [SECONDS]. Both ends and the flood share this machine. Prints
 * "name | value | goal" lines; fails when a change or an agent was lost.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/support/fleet.h"

enum {
	PEERS = 100,
	NEWCOMERS = 60,
	RATE = 200000, /* of the flood, datagrams a second */
	SECONDS = 10,
	SAMPLES = 1 << 20,
	BATCH = 64,
	PATIENCE_S = 20,
	SPOOFED_FROM = 0x7f800000, /* 127.128.0.0 */
	SPOOFED_MASK = 0x007fffff,
	PAUSE_NS = 20000000, /* of a peer, from an acknowledgement to its next change */
};

enum flood { QUIET, JUNK, INITS };

struct run {
	struct fleet fleet;
	double *samples; /* ms */
	size_t count;
	unsigned int value;
};

/* ---- the flood, a process of its own ------------------------------------------------------- */

struct shot {
	struct mmsghdr headers[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_storage to;
	char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	uint8_t bytes[BATCH][PACKET_MAX];
	uint8_t mac1_key[SEAL_KEY];
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Half of it nothing at all, half DATA of no session, each of some size. */
static size_t make_junk(uint8_t *bytes, uint32_t number)
{
	size_t size = 1 + number % 200;

	seal_random(bytes, size);
	if (size > 2 && number % 2) {
		bytes[0] = PACKET_DATA;
		bytes[1] = PACKET_VERSION;
	}
	return size;
}

static size_t make_init(const struct shot *shot, uint8_t *bytes, uint32_t number)
{
	memset(bytes, (int)number, PACKET_INIT_SIZE);
	memcpy(bytes, (uint8_t[]){ PACKET_INIT, PACKET_VERSION, 0, 0 }, PACKET_HEADER);
	memcpy(bytes + PACKET_HEADER, &number, sizeof(number));
	seal_mac(shot->mac1_key, SPAN(bytes, PACKET_INIT_SIZE - 2 * PACKET_MAC),
		bytes + PACKET_INIT_SIZE - 2 * PACKET_MAC);
	memset(bytes + PACKET_INIT_SIZE - PACKET_MAC, 0, PACKET_MAC);
	return PACKET_INIT_SIZE;
}

static void make_shot(struct shot *shot, enum flood flood)
{
	for (int i = 0; i < BATCH; i++) {
		struct in_pktinfo info = { .ipi_ifindex = 0 };
		struct cmsghdr *header = (struct cmsghdr *)(void *)shot->control[i];
		uint32_t number;

		seal_random(&number, sizeof(number));
		shot->parts[i].iov_base = shot->bytes[i];
		shot->parts[i].iov_len = flood == JUNK ? make_junk(shot->bytes[i], number)
						       : make_init(shot, shot->bytes[i], number);
		info.ipi_spec_dst.s_addr = htonl(SPOOFED_FROM | (number & SPOOFED_MASK));
		*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
			.cmsg_level = IPPROTO_IP,
			.cmsg_type = IP_PKTINFO };
		memcpy(CMSG_DATA(header), &info, sizeof(info));
		shot->headers[i].msg_hdr = (struct msghdr){ .msg_name = &shot->to,
			.msg_namelen = sizeof(struct sockaddr_in),
			.msg_iov = &shot->parts[i],
			.msg_iovlen = 1,
			.msg_control = shot->control[i],
			.msg_controllen = sizeof(shot->control[i]) };
	}
}

/* At the rate, as far as this machine can; tells how many it was. */
static void flood_for(const struct fleet *fleet, enum flood flood, double seconds, int report)
{
	struct shot *shots = mem_alloc(16, sizeof(*shots));
	struct instant began;
	uint64_t sent = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), small = 4096;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)))
		fail("socket");
	for (int i = 0; i < 16; i++) {
		addr_to_sockaddr(&fleet->token.cma, AF_INET, &shots[i].to);
		seal_hash(NULL, "np1 mac1", SPAN(fleet->token.cma_public, SEAL_KEY),
			shots[i].mac1_key, SEAL_KEY);
		make_shot(&shots[i], flood);
	}
	began = instant_now();
	for (double at = 0; at < seconds; at = fleet_seconds_since(began)) {
		if ((double)sent > at * RATE)
			usleep(200);
		else if (sendmmsg(fd, shots[sent / BATCH % 16].headers, BATCH, 0) > 0)
			sent += BATCH;
		if (flood == INITS)
			make_shot(&shots[sent / BATCH % 16], flood);
	}
	if (write(report, &sent, sizeof(sent)) != sizeof(sent))
		fail("write");
}

static pid_t start_flood(const struct fleet *fleet, enum flood flood, double seconds, int *report)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) || (pid = fork()) < 0)
		fail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		flood_for(fleet, flood, seconds, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	*report = ends[0];
	return pid;
}

static double end_flood(pid_t pid, int report, double seconds)
{
	uint64_t sent = 0;

	if (read(report, &sent, sizeof(sent)) != sizeof(sent))
		fail("the flood ended early");
	close(report);
	waitpid(pid, NULL, 0);
	return (double)sent / seconds;
}

/* ---- the agents ---------------------------------------------------------------------------- */

static void settle(struct run *run, size_t agents)
{
	struct instant began = instant_now();

	while (run->fleet.settled < agents && fleet_seconds_since(began) < PATIENCE_S)
		fleet_turn(&run->fleet);
}

static void tell_next(struct run *run)
{
	struct instant now = instant_now();

	for (size_t i = 0; i < PEERS; i++) {
		struct fleet_agent *agent = &run->fleet.agents[i];

		if (!agent->settled.ns || instant_sub(now, agent->settled) < PAUSE_NS)
			continue;
		if (run->count < SAMPLES)
			run->samples[run->count++] =
				(double)instant_sub(agent->settled, agent->told) / 1e6;
		fleet_tell(&run->fleet, i, ++run->value);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile(struct run *run, double share)
{
	qsort(run->samples, run->count, sizeof(double), compare);
	return run->count ? run->samples[(size_t)((double)(run->count - 1) * share)] : 1e9;
}

/* Peers that are not what they were: a session ended, or a change is not durable. */
static size_t harmed(const struct run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < PEERS; i++)
		count += !run->fleet.agents[i].settled.ns ||
			uplink_status(run->fleet.agents[i].uplink)->sessions != 1;
	return count;
}

static void newcomers(struct run *run, double seconds, struct instant began)
{
	size_t due = (size_t)(fleet_seconds_since(began) / (seconds * 0.7) * NEWCOMERS);

	for (size_t i = 0; i < due && i < NEWCOMERS; i++) {
		if (!run->fleet.agents[PEERS + i].uplink)
			fleet_start(&run->fleet, PEERS + i);
	}
}

static int print_newcomers(const struct run *run)
{
	size_t joined = 0;
	double most = 0, inits = 0;

	for (size_t i = PEERS; i < PEERS + NEWCOMERS; i++) {
		const struct fleet_agent *agent = &run->fleet.agents[i];
		double seconds = (double)instant_sub(agent->settled, agent->told) / 1e9;

		joined += agent->settled.ns != 0;
		inits += agent->inits;
		if (agent->settled.ns && seconds > most)
			most = seconds;
	}
	printf("  agents that joined meanwhile | %.1f %% | >= 99\n",
		100.0 * (double)joined / NEWCOMERS);
	printf("  the longest that one took | %.2f s | <= 5\n", most);
	printf("  INITs of each of them, mean | %.2f | <= 3\n", inits / NEWCOMERS);
	return joined < NEWCOMERS;
}

static int phase(struct run *run, enum flood flood, double seconds)
{
	static const char *const names[] = { "no flood", "junk", "INITs from made-up addresses" };
	struct instant began = instant_now();
	int report = -1, failed;
	pid_t pid = 0;

	run->count = 0;
	if (flood != QUIET)
		pid = start_flood(&run->fleet, flood, seconds, &report);
	while (fleet_seconds_since(began) < seconds) {
		tell_next(run);
		if (flood == INITS)
			newcomers(run, seconds, began);
		fleet_turn(&run->fleet);
	}
	if (pid)
		printf("flood of %s | %.0f /s | %s\n", names[flood],
			end_flood(pid, report, seconds), flood == JUNK ? ">= 190000" : "-");
	settle(run, flood == INITS ? PEERS + NEWCOMERS : PEERS);
	printf("change to acknowledgement, %s, p50 | %.1f ms | -\n", names[flood],
		percentile(run, 0.5));
	printf("  p99 of %zu | %.1f ms | <= 250\n", run->count, percentile(run, 0.99));
	failed = harmed(run) > 0;
	printf("  peers that lost a session or a change | %zu | <= 0\n", harmed(run));
	if (flood == INITS)
		failed |= print_newcomers(run);
	fflush(stdout);
	return failed;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : SECONDS;
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct run *run = mem_alloc(1, sizeof(*run));
	char cma[256], cmactl[256];
	int failed = 0;

	snprintf(cma, sizeof(cma), "%s/cma", build);
	snprintf(cmactl, sizeof(cmactl), "%s/cmactl", build);
	run->samples = mem_alloc(SAMPLES, sizeof(double));
	fleet_open(&run->fleet, cma, cmactl, PEERS + NEWCOMERS);
	for (size_t i = 0; i < PEERS; i++)
		fleet_start(&run->fleet, i);
	settle(run, PEERS);
	for (int flood = QUIET; flood <= INITS; flood++)
		failed |= phase(run, (enum flood)flood, seconds);
	fleet_close(&run->fleet);
	free(run->samples);
	free(run);
	return failed;
}
