/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_LOCAL_H
#define CMA_LOCAL_H
/*
 * Which of our own addresses a datagram came to, when the socket is bound to all of them: the
 * answer has to leave from there, for nanoprobes and firewalls take it from nowhere else. An
 * address gets a number, which travels in struct addr. IP_PKTINFO and IPV6_PKTINFO, ip(7), ipv6(7).
 */
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"

enum {
	LOCAL_MAX = 64, /* addresses that are told apart; of others the kernel chooses one */
	LOCAL_ROOM = CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

struct local {
	unsigned int count, last; /* last: the one of the last datagram, mostly that of the next */
	uint8_t ips[LOCAL_MAX][16];
};

/* The socket tells from now on. What a kernel does not have, we do without. */
void local_ask(int fd, int family);
/*
 * The number, from 1, of the address that the received message came to; when that was a group, of
 * an address of the card. 0: not known.
 */
uint16_t local_number(struct local *local, struct msghdr *message);
/* Has the message leave from where to was heard. control has LOCAL_ROOM bytes, aligned for cmsg. */
void local_leave_from(
	const struct local *local, const struct addr *to, void *control, struct msghdr *message);

#endif
