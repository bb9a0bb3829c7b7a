/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_NETROUTE_H
#define DISCOVER_NETROUTE_H
/* The part of netfact.h that is about routes: unicast routes of the main table. */
#include "discover/netfact.h"

struct nlattr;

enum {
	NETFACT_ALL = 1u << SECTION_LINK | 1u << SECTION_ADDRESS | 1u << SECTION_NEIGHBOUR |
		1u << SECTION_ROUTE
};

/* As netfact_apply, for RTM_NEWROUTE and RTM_DELROUTE. A route of n next hops is n facts. */
uint16_t netroute_apply(
	struct netfact *netfact, struct nlmsghdr *message, const struct discover_sink *sink);

/* The name of an interface; to has room for IFNAMSIZ. */
bool netfact_name(const struct netfact *netfact, int index, char *to);
/* What an attribute holds, borrowed; empty when it is NULL. */
struct span netfact_bytes(const struct nlattr *attribute);
/* The text of an address; false when the size is not that of the family. */
bool netfact_ip(struct span bytes, int family, char *to);

#endif
