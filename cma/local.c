// SPDX-License-Identifier: Apache-2.0
#include "cma/local.h"

#include <errno.h>
#include <string.h>

void local_ask(int fd, int family)
{
	const int yes = 1;

	/* On a socket for both, IPv4 tells by its own: that has an address of ours for a group. */
	if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof(yes)))
		errno = 0;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof(yes)))
		errno = 0;
}

static uint16_t number_of(struct local *local, const uint8_t ip[16])
{
	if (local->last && !memcmp(local->ips[local->last - 1], ip, 16))
		return (uint16_t)local->last;
	for (unsigned int i = 0; i < local->count; i++) {
		if (!memcmp(local->ips[i], ip, 16)) {
			local->last = i + 1;
			return (uint16_t)local->last;
		}
	}
	if (local->count == LOCAL_MAX)
		return 0;
	memcpy(local->ips[local->count], ip, 16);
	local->last = ++local->count;
	return (uint16_t)local->last;
}

/* A group, or an address that means nothing without its card, can be no source. */
static bool may_be_source(const uint8_t ip[16])
{
	if (addr_is_any(ip))
		return false;
	return addr_is_v4(ip) ? ip[12] < 224 : ip[0] != 0xff && !addr_is_link_local(ip);
}

uint16_t local_number(struct local *local, struct msghdr *message)
{
	struct addr at = { .port = 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct sockaddr_storage in;
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*(struct sockaddr_in *)&in = (struct sockaddr_in){ .sin_family = AF_INET,
				.sin_addr = info.ipi_spec_dst };
			addr_from_sockaddr(&in, &at);
			break;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			memcpy(at.ip, CMSG_DATA(c), sizeof(at.ip)); /* its first member */
	}
	return may_be_source(at.ip) ? number_of(local, at.ip) : 0;
}

void local_leave_from(
	const struct local *local, const struct addr *to, void *control, struct msghdr *message)
{
	struct in6_pktinfo info6 = { .ipi6_ifindex = 0 };
	struct in_pktinfo info = { .ipi_ifindex = 0 };
	struct cmsghdr *c = control;
	const uint8_t *ip;

	message->msg_control = NULL;
	message->msg_controllen = 0;
	if (!to->local || to->local > local->count)
		return;
	ip = local->ips[to->local - 1];
	message->msg_control = control;
	if (addr_is_v4(ip)) {
		memcpy(&info.ipi_spec_dst, ip + 12, 4);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		message->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		memcpy(&info6.ipi6_addr, ip, 16);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info6)), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(c), &info6, sizeof(info6));
		message->msg_controllen = CMSG_SPACE(sizeof(info6));
	}
}
