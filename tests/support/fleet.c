// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fleet.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "wire/keys.h"
#include "wire/ring_edge.h"

#define LISTEN_ADDRESS "127.0.0.1:0" /* any port: the token tells which */

enum {
	BATCH = 64,
	BATCHES = 8,   /* received in a turn */
	LOOKED = 4096, /* agents, in a turn, of which */
	SENT = 32,     /* so many may send */
	BUFFER = 64 << 20,
	PATIENCE_S = 30,
	FIRST_ADDRESS = 0x7f100000, /* 127.16.0.0 */
};

static void fail(const char *what)
{
	fprintf(stderr, "fleet: %s: %s\n", what, strerror(errno));
	exit(1);
}

double fleet_seconds_since(struct instant since)
{
	return (double)instant_sub(instant_now(), since) / (double)NS_PER_SEC;
}

/* ---- the CMA ------------------------------------------------------------------------------- */

static void start_cma(struct fleet *fleet, const char *program)
{
	char *state autofree = text_format("%s/state", fleet->directory);

	fleet->cma = fork();
	if (fleet->cma < 0)
		fail("fork");
	if (fleet->cma)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(program, program, "--state-dir", state, "--listen", LISTEN_ADDRESS, "--control",
		fleet->control, "--log-level", "error", (char *)NULL);
	fail(program);
}

static void make_token(struct fleet *fleet, const char *cmactl)
{
	char *command autofree = text_format("%s --control %s --uses %zu token create 2>/dev/null",
		cmactl, fleet->control, fleet->count);
	struct instant began = instant_now();
	char text[TOKEN_TEXT_SIZE + 1] = "";
	const char *why;

	while (!*text && fleet_seconds_since(began) < PATIENCE_S) {
		FILE *from = popen(command, "r");

		if (!from)
			fail("popen");
		if (!fgets(text, sizeof(text), from))
			poll(NULL, 0, 20);
		pclose(from);
	}
	text[strcspn(text, "\n")] = '\0';
	if (token_parse(text, &fleet->token, &why)) {
		fprintf(stderr, "fleet: token '%s': %s\n", text, why);
		exit(1);
	}
}

static void open_socket(struct fleet *fleet)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int on = 1, size = BUFFER;

	fleet->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fleet->fd < 0 || setsockopt(fleet->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ||
		bind(fleet->fd, (struct sockaddr *)&any, sizeof(any)))
		fail("socket");
	if (setsockopt(fleet->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fleet->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

void fleet_open(struct fleet *fleet, const char *program, const char *cmactl, size_t agents)
{
	*fleet = (struct fleet){ .directory = "/tmp/fleetXXXXXX", .count = agents };
	if (seal_init() || !mkdtemp(fleet->directory))
		fail("mkdtemp");
	snprintf(fleet->control, sizeof(fleet->control), "%s/control", fleet->directory);
	fleet->agents = mem_alloc(agents, sizeof(*fleet->agents));
	start_cma(fleet, program);
	make_token(fleet, cmactl);
	open_socket(fleet);
}

void fleet_close(struct fleet *fleet)
{
	char *command autofree = text_format("rm -rf '%s'", fleet->directory);

	for (size_t i = 0; i < fleet->count; i++) {
		uplink_free(fleet->agents[i].uplink);
		if (fleet->agents[i].uplink)
			tracker_free(fleet->agents[i].tracker);
	}
	free(fleet->agents);
	close(fleet->fd);
	kill(fleet->cma, SIGTERM);
	waitpid(fleet->cma, NULL, 0);
	if (system(command))
		fail(command);
}

/* ---- agents -------------------------------------------------------------------------------- */

void fleet_tell(struct fleet *fleet, size_t number, unsigned int value)
{
	struct fleet_agent *agent = &fleet->agents[number];
	char text[64];
	int size = snprintf(text, sizeof(text), "{\"mtu\":%u}", value);
	const struct fact fact = { SECTION_ADDRESS, SPAN_TEXT("lo"), SPAN(text, (size_t)size) };

	fleet->settled -= agent->settled.ns != 0;
	tracker_apply(agent->tracker, &fact);
	agent->told = instant_now();
	agent->due = agent->told;
	agent->settled.ns = 0;
}

void fleet_beat(struct fleet *fleet)
{
	struct sockaddr_in self;
	socklen_t size = sizeof(self);

	if (getsockname(fleet->fd, (struct sockaddr *)&self, &size))
		fail("getsockname");
	fleet->beat_port = ntohs(self.sin_port);
}

static void tell_held(struct fleet_agent *agent, uint64_t version)
{
	const struct record_held held = { .version = version, .port = agent->beat_port };

	uplink_held(agent->uplink, &held);
}

static void take_list(void *owner, struct instant now, const struct record_ring *list)
{
	struct fleet_agent *agent = owner;

	(void)now;
	agent->lists++;
	agent->neighbours = (unsigned int)(list->edges.size / RING_EDGE_SIZE);
	tell_held(agent, list->version);
}

void fleet_start(struct fleet *fleet, size_t number)
{
	struct fleet_agent *agent = &fleet->agents[number];
	struct uplink_config config = {
		.has_token = true, .ring = take_list, .random = seal_draw, .owner = agent
	};
	uint8_t secret[SEAL_KEY], digest_key[SEAL_FACT_KEY];

	seal_random(secret, sizeof(secret));
	keys_from_secret(&config.key, secret);
	seal_fact_key(config.key.public, digest_key);
	memcpy(config.cma, fleet->token.cma_public, sizeof(config.cma));
	memcpy(config.token_id, fleet->token.id, sizeof(config.token_id));
	memcpy(config.token_secret, fleet->token.secret, sizeof(config.token_secret));
	agent->tracker = tracker_new(digest_key);
	config.tracker = agent->tracker;
	agent->uplink = uplink_new(&config);
	agent->beat_port = fleet->beat_port;
	if (agent->beat_port)
		tell_held(agent, 0);
	fleet_tell(fleet, number, 1500);
	uplink_ready(agent->uplink);
}

static void send_from(struct fleet *fleet, size_t number, void *bytes, size_t size)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { .room = { 0 } };
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(FIRST_ADDRESS + (uint32_t)number) };
	struct sockaddr_storage to;
	struct iovec part = { bytes, size };
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = addr_to_sockaddr(&fleet->token.cma, AF_INET, &to),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};

	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
		.cmsg_level = IPPROTO_IP,
		.cmsg_type = IP_PKTINFO };
	memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
	/* What cannot go now is sent again. */
	if (sendmsg(fleet->fd, &message, 0) < 0 && errno != EAGAIN && errno != ENOBUFS)
		fail("sendmsg");
}

static void send_all(struct fleet *fleet, size_t number)
{
	struct fleet_agent *agent = &fleet->agents[number];
	uint8_t datagram[PACKET_MAX];
	size_t size;

	while ((size = uplink_output(agent->uplink, instant_now(), datagram))) {
		agent->inits += datagram[0] == PACKET_INIT;
		send_from(fleet, number, datagram, size);
	}
	agent->due = uplink_deadline(agent->uplink);
	if (!agent->settled.ns && uplink_status(agent->uplink)->settled) {
		agent->settled = instant_now();
		fleet->settled++;
	}
}

/* Whose it is, by the address that it was sent to; the count of agents if nobody's. */
static size_t receiver_of(const struct fleet *fleet, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct in_pktinfo info;
		size_t number;

		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		number = ntohl(info.ipi_addr.s_addr) - FIRST_ADDRESS;
		if (number < fleet->count && fleet->agents[number].uplink)
			return number;
	}
	return fleet->count;
}

static int receive_batch(struct fleet *fleet)
{
	uint8_t bytes[BATCH][PACKET_MAX] = { { 0 } };
	char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct mmsghdr headers[BATCH];
	struct iovec parts[BATCH];
	int count;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ bytes[i], PACKET_MAX };
		headers[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i],
			.msg_iovlen = 1,
			.msg_control = control[i],
			.msg_controllen = sizeof(control[i]) };
	}
	count = recvmmsg(fleet->fd, headers, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		size_t number = receiver_of(fleet, &headers[i].msg_hdr);

		if (number == fleet->count)
			continue;
		uplink_input(fleet->agents[number].uplink, instant_now(),
			SPAN(bytes[i], headers[i].msg_len));
		send_all(fleet, number);
	}
	return count;
}

static int send_due(struct fleet *fleet)
{
	struct instant now = instant_now();
	int sent = 0;

	for (size_t i = 0; i < fleet->count && i < LOOKED && sent < SENT; i++) {
		const struct fleet_agent *agent = &fleet->agents[fleet->cursor];

		if (agent->uplink && !instant_before(now, agent->due)) {
			send_all(fleet, fleet->cursor);
			sent++;
		}
		fleet->cursor = (fleet->cursor + 1) % fleet->count;
	}
	return sent;
}

void fleet_turn(struct fleet *fleet)
{
	struct pollfd fd = { .fd = fleet->fd, .events = POLLIN };
	int received = 0, count = BATCH;

	for (int i = 0; i < BATCHES && count == BATCH; i++) {
		count = receive_batch(fleet);
		received += count > 0;
	}
	if (!send_due(fleet) && !received)
		poll(&fd, 1, 1);
}
