// SPDX-License-Identifier: Apache-2.0
#include "discover/netlink.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "discover/netfact.h"

/* A burst of link events of a host with many containers; the kernel's default is 208 KiB. */
enum { RECEIVE_BUFFER = 1 << 20, SEND_BUFFER = 32 << 10 };

struct netlink {
	struct nl_sock *socket;
	int lookup; /* datagram socket for ioctl(2) */
	const struct discover_sink *sink;
	struct netfact netfact;
	uint16_t wanted; /* sections to be listed, bit mask */
	int listing;	 /* index into lists; -1: none */
	uint64_t overruns;
};

/* In this order, so that the names of links are known when others refer to them. */
static const struct {
	enum section section;
	int request;
} lists[] = {
	{ SECTION_LINK, RTM_GETLINK },
	{ SECTION_ADDRESS, RTM_GETADDR },
	{ SECTION_NEIGHBOUR, RTM_GETNEIGH },
	{ SECTION_ROUTE, RTM_GETROUTE },
};
enum { LIST_COUNT = sizeof(lists) / sizeof(*lists) };

/* ETHTOOL_GSET needs no capability, and unlike sysfs it is about the own network namespace. */
static void media_of(void *owner, const char *ifname, struct netfact_media *media)
{
	const struct netlink *netlink = owner;
	struct ethtool_cmd command = { .cmd = ETHTOOL_GSET };
	struct ifreq request = { .ifr_data = (void *)&command };
	uint32_t speed;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	if (ioctl(netlink->lookup, SIOCETHTOOL, &request))
		return;
	speed = (uint32_t)command.speed_hi << 16 | command.speed;
	if (speed && speed != (uint16_t)SPEED_UNKNOWN && speed != (uint32_t)SPEED_UNKNOWN)
		media->speed_mbps = speed;
	if (command.duplex == DUPLEX_FULL || command.duplex == DUPLEX_HALF)
		media->duplex = command.duplex == DUPLEX_FULL ? "full" : "half";
}

static bool name_of(void *owner, int ifindex, char *to)
{
	const struct netlink *netlink = owner;
	struct ifreq request = { .ifr_ifindex = ifindex };

	if (ioctl(netlink->lookup, SIOCGIFNAME, &request))
		return false;
	memcpy(to, request.ifr_name, IFNAMSIZ);
	return true;
}

/* Asks for the next list that is wanted, if none is under way. */
static int list_next(struct netlink *netlink)
{
	struct rtgenmsg all = { .rtgen_family = AF_UNSPEC };

	for (int i = 0; netlink->listing < 0 && i < LIST_COUNT; i++) {
		uint16_t bit = (uint16_t)(1u << lists[i].section);
		int sent;

		if (!(netlink->wanted & bit))
			continue;
		sent = nl_send_simple(
			netlink->socket, lists[i].request, NLM_F_DUMP, &all, sizeof(all));
		if (sent < 0)
			return -EIO;
		netlink->wanted &= (uint16_t)~bit;
		netlink->listing = i;
		netlink->sink->list(netlink->sink->owner, lists[i].section, true);
	}
	return 0;
}

static int on_valid(struct nl_msg *message, void *arg)
{
	struct netlink *netlink = arg;

	netlink->wanted |= netfact_apply(&netlink->netfact, nlmsg_hdr(message), netlink->sink);
	return NL_OK;
}

static int on_finish(struct nl_msg *message, void *arg)
{
	struct netlink *netlink = arg;

	(void)message;
	if (netlink->listing >= 0)
		netlink->sink->list(netlink->sink->owner, lists[netlink->listing].section, false);
	netlink->listing = -1;
	return NL_OK;
}

/* What was listed changed meanwhile in a way that the list may have missed. */
static int on_interrupted(struct nl_msg *message, void *arg)
{
	struct netlink *netlink = arg;

	(void)message;
	if (netlink->listing >= 0)
		netlink->wanted |= (uint16_t)(1u << lists[netlink->listing].section);
	return NL_OK;
}

/* Messages come unasked, so their sequence numbers say nothing. */
static int any_sequence(struct nl_msg *message, void *arg)
{
	(void)message;
	(void)arg;
	return NL_OK;
}

static int subscribe(struct netlink *netlink)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };
	struct nl_sock *socket = netlink->socket;

	if (!socket || nl_connect(socket, NETLINK_ROUTE) < 0)
		return -EPROTONOSUPPORT;
	nl_socket_disable_auto_ack(socket);
	nl_socket_set_buffer_size(socket, RECEIVE_BUFFER, SEND_BUFFER);
	nl_socket_modify_cb(socket, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_valid, netlink);
	nl_socket_modify_cb(socket, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, netlink);
	nl_socket_modify_cb(socket, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, netlink);
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		if (nl_socket_add_membership(socket, groups[i]) < 0)
			return -errno;
	}
	return nl_socket_set_nonblocking(socket) < 0 ? -errno : 0;
}

int netlink_open(const struct discover_sink *sink, struct netlink **opened)
{
	struct netlink *netlink = mem_alloc(1, sizeof(*netlink));
	int err;

	netlink->sink = sink;
	netlink->listing = -1;
	netlink->lookup = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	netlink->netfact = (struct netfact){ .owner = netlink, .media = media_of, .name = name_of };
	netlink->socket = nl_socket_alloc();
	err = subscribe(netlink);
	for (int i = 0; i < LIST_COUNT; i++)
		netlink->wanted |= (uint16_t)(1u << lists[i].section);
	if (!err)
		err = list_next(netlink);
	if (err) {
		netlink_close(netlink);
		netlink = NULL;
	}
	*opened = netlink;
	return err;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	nl_socket_free(netlink->socket);
	if (netlink->lookup >= 0)
		close(netlink->lookup);
	netfact_free(&netlink->netfact);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink)
{
	return nl_socket_get_fd(netlink->socket);
}

/* Something was lost: whatever was being listed is incomplete, and everything may have changed. */
static void start_over(struct netlink *netlink)
{
	netlink->overruns++;
	for (int i = 0; i < LIST_COUNT; i++)
		netlink->wanted |= (uint16_t)(1u << lists[i].section);
}

int netlink_input(struct netlink *netlink)
{
	for (;;) {
		int got = nl_recvmsgs_default(netlink->socket);
		int err;

		if (got == -NLE_NOMEM)
			start_over(netlink);
		else if (got < 0 && got != -NLE_AGAIN && got != -NLE_DUMP_INTR && got != -NLE_INTR)
			return -EIO;
		err = list_next(netlink);
		if (err || got == -NLE_AGAIN)
			return err;
	}
}

int netlink_again(struct netlink *netlink, enum section section)
{
	for (int i = 0; i < LIST_COUNT; i++) {
		if (lists[i].section != section)
			continue;
		netlink->wanted |= (uint16_t)(1u << section);
		return list_next(netlink);
	}
	return -ENOENT;
}

bool netlink_settled(const struct netlink *netlink)
{
	return netlink->listing < 0 && !netlink->wanted;
}

uint64_t netlink_overruns(const struct netlink *netlink)
{
	return netlink->overruns;
}
