// SPDX-License-Identifier: Apache-2.0
#include "agent/reach.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include "wire/packet.h"

static int family_of(const struct addr *addr)
{
	return addr_is_v4(addr->ip) ? AF_INET : AF_INET6;
}

static bool is_group(const struct addr *addr)
{
	return addr_is_v4(addr->ip) && (addr->ip[12] & 0xf0) == 0xe0;
}

int reach_open(struct reach *reach, const struct addr *cma)
{
	bool v4 = addr_is_v4(cma->ip);
	int fd = socket(family_of(cma), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int dont_fragment = v4 ? IP_PMTUDISC_DO : IPV6_PMTUDISC_DO;

	*reach = (struct reach){ .fd = fd, .cma = *cma };
	if (fd < 0)
		return -errno;
	if (v4)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont_fragment, sizeof(dont_fragment));
	else
		setsockopt(
			fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont_fragment, sizeof(dont_fragment));
	return 0;
}

void reach_close(struct reach *reach)
{
	if (reach->fd >= 0)
		close(reach->fd);
	reach->fd = -1;
}

static void send_to(const struct reach *reach, const struct addr *addr, struct span datagram)
{
	struct sockaddr_storage to;
	socklen_t size = addr_to_sockaddr(addr, family_of(&reach->cma), &to);

	if (size)
		sendto(reach->fd, datagram.data, datagram.size, MSG_DONTWAIT,
			(struct sockaddr *)&to, size);
}

/* Out of every interface that can; the kernel's time to live of 1 keeps it on the link. */
static void send_to_group(const struct reach *reach, struct span datagram)
{
	const unsigned int needed = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		struct ip_mreqn out = { .imr_ifindex = 0 };

		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET ||
			(at->ifa_flags & needed) != needed)
			continue;
		out.imr_address =
			((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr;
		if (!setsockopt(reach->fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)))
			send_to(reach, &reach->cma, datagram);
	}
	freeifaddrs(all);
}

void reach_send(struct reach *reach, struct span datagram)
{
	bool calls = datagram.size && datagram.data[0] == PACKET_INIT;

	if (!calls && reach->found.port)
		send_to(reach, &reach->found, datagram);
	else if (is_group(&reach->cma))
		send_to_group(reach, datagram);
	else
		send_to(reach, &reach->cma, datagram);
}

ssize_t reach_receive(struct reach *reach, uint8_t *datagram, size_t size)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(from);
	ssize_t got = recvfrom(reach->fd, datagram, size, 0, (struct sockaddr *)&from, &length);

	reach->from = (struct addr){ .port = 0 };
	if (got >= 0)
		addr_from_sockaddr(&from, &reach->from);
	return got;
}

void reach_follow(struct reach *reach)
{
	if (reach->from.port)
		reach->found = reach->from;
}

const struct addr *reach_address(const struct reach *reach)
{
	return reach->found.port ? &reach->found : &reach->cma;
}
