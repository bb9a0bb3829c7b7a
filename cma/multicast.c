// SPDX-License-Identifier: Apache-2.0
#include "cma/multicast.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>

unsigned int multicast_join(int socket)
{
	const unsigned int needed = IFF_UP | IFF_MULTICAST;
	struct ifaddrs *all = NULL;
	unsigned int joined = 0;

	if (getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		struct ip_mreqn group = { .imr_ifindex = 0 };

		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET ||
			(at->ifa_flags & needed) != needed)
			continue;
		inet_pton(AF_INET, MULTICAST_GROUP, &group.imr_multiaddr);
		group.imr_ifindex = (int)if_nametoindex(at->ifa_name);
		/* Where it is a member already, the kernel says so and nothing happens. */
		if (!setsockopt(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
			joined++;
	}
	freeifaddrs(all);
	return joined;
}
