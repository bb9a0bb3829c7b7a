// SPDX-License-Identifier: Apache-2.0
#include "agent/neighbour.h"

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <unistd.h>

#include "bpf/event.h"
#include "wire/beat.h"
#include "wire/seal.h"

enum {
	/*
	 * Of the socket, which the kernel doubles; a datagram counts with some 768 bytes at least.
	 * So no more than RECEIVE_MAX wait at a time: who takes as many has heard all that had
	 * arrived when he began, however fast more comes.
	 */
	SOCKET_BYTES = 64 << 10,
	RECEIVE_MAX = 256,
};

static_assert((int)HEARTBEAT_MARK == (int)BEAT_MARK, "said in two places");

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* Without the errors nobody is refused; without the mark beats are told as what somebody needs. */
static int set_options(const struct neighbour *neighbour)
{
	int fd = neighbour->fd, err = 0;

	if (neighbour->family == AF_INET6) {
		err = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
		if (!err)
			err = set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	}
	if (!err)
		err = set(fd, IPPROTO_IP, IP_RECVERR, 1);
	if (!err)
		err = set(fd, SOL_SOCKET, SO_PRIORITY, BEAT_PRIORITY);
	return err ? err : set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BYTES);
}

/* Of both families, or where there is no IPv6 of the other one. */
static int make_socket(struct neighbour *neighbour)
{
	const int type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

	neighbour->family = AF_INET6;
	neighbour->fd = socket(AF_INET6, type, 0);
	if (neighbour->fd < 0 && errno == EAFNOSUPPORT) {
		neighbour->family = AF_INET;
		neighbour->fd = socket(AF_INET, type, 0);
	}
	return neighbour->fd < 0 ? -errno : 0;
}

static int bind_to(struct neighbour *neighbour, uint16_t port)
{
	struct addr any = { .port = port };
	struct sockaddr_storage at;
	socklen_t size;

	if (neighbour->family == AF_INET)
		any.ip[10] = any.ip[11] = 0xff;
	size = addr_to_sockaddr(&any, neighbour->family, &at);
	if (bind(neighbour->fd, (struct sockaddr *)&at, size) ||
		getsockname(neighbour->fd, (struct sockaddr *)&at, &size))
		return -errno;
	addr_from_sockaddr(&at, &any);
	neighbour->port = any.port;
	return 0;
}

int neighbour_open(struct neighbour *neighbour, uint16_t port)
{
	const struct ring_config config = { .random = seal_draw };
	int err = make_socket(neighbour);

	neighbour->ring = NULL;
	if (err)
		return err;
	err = set_options(neighbour);
	if (!err)
		err = bind_to(neighbour, port);
	if (err == -EADDRINUSE)
		err = bind_to(neighbour, 0);
	neighbour->ring = ring_new(&config);
	if (err)
		neighbour_close(neighbour);
	return err;
}

void neighbour_close(struct neighbour *neighbour)
{
	if (!neighbour->ring)
		return;
	close(neighbour->fd);
	ring_free(neighbour->ring);
	*neighbour = (struct neighbour){ .fd = -1 };
}

/* ---- what comes ---------------------------------------------------------------------------- */

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(
		sizeof(struct sock_extended_err) + sizeof(struct sockaddr_storage))];
};

/* Where the datagram went, if its host itself says that nobody listens there. */
static bool says_refused(struct msghdr *message, struct addr *address)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	const struct sock_extended_err *error;
	struct sockaddr_storage offender = { .ss_family = AF_UNSPEC };
	struct addr by;

	if (!header || header->cmsg_len < CMSG_LEN(sizeof(*error) + sizeof(struct sockaddr_in)))
		return false;
	error = (const struct sock_extended_err *)(const void *)CMSG_DATA(header);
	if (!(error->ee_origin == SO_EE_ORIGIN_ICMP && error->ee_type == ICMP_DEST_UNREACH &&
		    error->ee_code == ICMP_PORT_UNREACH) &&
		!(error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMPV6_DEST_UNREACH &&
			error->ee_code == ICMPV6_PORT_UNREACH))
		return false;
	memcpy(&offender, SO_EE_OFFENDER(error), header->cmsg_len - CMSG_LEN(sizeof(*error)));
	return !addr_from_sockaddr(&offender, &by) &&
		!addr_from_sockaddr(message->msg_name, address) &&
		!memcmp(by.ip, address->ip, sizeof(by.ip));
}

/* False: there is none. */
static bool take_error(struct neighbour *neighbour, struct instant now)
{
	struct sockaddr_storage to = { .ss_family = AF_UNSPEC };
	union control control;
	struct msghdr message = { .msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control) };
	struct addr address;

	if (recvmsg(neighbour->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	if (says_refused(&message, &address))
		ring_refused(neighbour->ring, now, &address);
	return true;
}

/* False: there is none, and nothing that went wrong before. */
static bool take_datagram(struct neighbour *neighbour, struct instant now)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(from);
	uint8_t datagram[PACKET_BEAT_SIZE + 1];
	ssize_t size = recvfrom(neighbour->fd, datagram, sizeof(datagram), MSG_DONTWAIT,
		(struct sockaddr *)&from, &length);
	struct addr address;

	if (size < 0)
		return errno != EAGAIN && take_error(neighbour, now);
	if (!addr_from_sockaddr(&from, &address))
		ring_input(neighbour->ring, now, &address, SPAN(datagram, (size_t)size));
	return true;
}

/* ---- what goes out ------------------------------------------------------------------------- */

/* What cannot be sent is lost. The first error may be about another beat, sent before. */
static void send_beat(const struct neighbour *neighbour, const struct addr *to, struct span beat)
{
	struct sockaddr_storage at;
	socklen_t size = addr_to_sockaddr(to, neighbour->family, &at);

	for (int tries = 0; size && tries < 2; tries++) {
		if (sendto(neighbour->fd, beat.data, beat.size, MSG_DONTWAIT,
			    (struct sockaddr *)&at, size) >= 0)
			return;
	}
}

static void send_all(struct neighbour *neighbour, struct instant now)
{
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct addr to;
	size_t size;

	while ((size = ring_output(neighbour->ring, now, &to, datagram)))
		send_beat(neighbour, &to, SPAN(datagram, size));
}

void neighbour_run(struct neighbour *neighbour, struct instant now)
{
	for (int i = 0; i < RECEIVE_MAX && take_datagram(neighbour, now); i++)
		send_all(neighbour, now);
	for (int i = 0; i < RECEIVE_MAX && take_error(neighbour, now); i++)
		continue;
	send_all(neighbour, now);
}
