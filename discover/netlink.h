/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_NETLINK_H
#define DISCOVER_NETLINK_H
/*
 * Event module: links, addresses, neighbours and routes of the own network namespace, as the
 * kernel tells them (rtnetlink multicast). Everything is listed once at the start, and a section
 * again when messages were lost or cannot tell all; nothing is polled. Needs no capability.
 */
#include <stdbool.h>
#include <stdint.h>

#include "discover/discover.h"

struct netlink;

/* Subscribes and asks for the first lists. sink must outlive it. -errno. */
int netlink_open(const struct discover_sink *sink, struct netlink **netlink);
void netlink_close(struct netlink *netlink);

/* Readable: call netlink_input. */
int netlink_fd(const struct netlink *netlink);
/* Takes what is there and tells it. -errno when the socket is of no use any more. */
int netlink_input(struct netlink *netlink);

/* Lists a section again. -ENOENT when it is none of these four, -EIO. */
int netlink_again(struct netlink *netlink, enum section section);

/* No list is under way: what was told is complete. */
bool netlink_settled(const struct netlink *netlink);
/* How often the kernel had to drop messages; the lists that followed made up for it. */
uint64_t netlink_overruns(const struct netlink *netlink);

#endif
