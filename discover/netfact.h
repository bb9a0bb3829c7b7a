/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_NETFACT_H
#define DISCOVER_NETFACT_H
/*
 * rtnetlink(7) messages into facts of links, addresses, neighbours and routes. No socket in here:
 * recorded messages do as well. What it keeps is the name of each interface, nothing else.
 */
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "discover/discover.h"

/* What rtnetlink does not say about a link; fields left as they are when unknown. */
struct netfact_media {
	uint32_t speed_mbps;
	const char *duplex; /* static text */
};

struct netfact {
	struct netfact_link *links; /* by interface index */
	/* How to look things up that a message only refers to; NULL in tests. */
	void *owner;
	void (*media)(void *owner, const char *ifname, struct netfact_media *media);
	bool (*name)(void *owner, int ifindex, char *to); /* to has room for IFNAMSIZ */
};

void netfact_free(struct netfact *netfact);

/*
 * Puts or deletes the facts that one message is about. Returns the mask of sections that must be
 * listed afresh, because the kernel does not tell by messages all that this change implies (a
 * renamed interface, a replaced route, the routes that go with a link that goes down).
 */
uint16_t netfact_apply(
	struct netfact *netfact, struct nlmsghdr *message, const struct discover_sink *sink);

#endif
