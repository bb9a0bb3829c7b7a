// SPDX-License-Identifier: Apache-2.0
#include "discover/netfact.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#define uthash_fatal(message) mem_exhausted()
#include <uthash.h>

#include "base/addr.h"
#include "discover/netroute.h"

enum { KEY_SIZE = 128, MAC_TEXT_SIZE = 3 * 20 };

struct netfact_link {
	int index;
	unsigned flags;
	char name[IFNAMSIZ];
	UT_hash_handle hh;
};

void netfact_free(struct netfact *netfact)
{
	struct netfact_link *link, *next;

	HASH_ITER (hh, netfact->links, link, next) {
		HASH_DEL(netfact->links, link);
		free(link);
	}
}

bool netfact_name(const struct netfact *netfact, int index, char *to)
{
	const struct netfact_link *link;

	HASH_FIND_INT(netfact->links, &index, link);
	if (link)
		memcpy(to, link->name, IFNAMSIZ);
	return link || (netfact->name && netfact->name(netfact->owner, index, to));
}

struct span netfact_bytes(const struct nlattr *attribute)
{
	return attribute ? SPAN(nla_data(attribute), (size_t)nla_len(attribute)) : SPAN("", 0);
}

bool netfact_ip(struct span bytes, int family, char *to)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };

	if (bytes.size != (family == AF_INET ? 4 : 16) || (family != AF_INET && family != AF_INET6))
		return false;
	memcpy(ip + sizeof(ip) - bytes.size, bytes.data, bytes.size);
	addr_ip_text(ip, to);
	return true;
}

/* Ethernet, EUI-64 and InfiniBand; a tunnel has an IP address there. All zeroes is none. */
static bool mac_text(const struct nlattr *attribute, char *to)
{
	int size = attribute ? nla_len(attribute) : 0, any = 0;
	const uint8_t *mac;

	if (size != 6 && size != 8 && size != 20)
		return false;
	mac = nla_data(attribute);
	for (int i = 0; i < size; i++) {
		any |= mac[i];
		snprintf(to + 3 * i, 4, "%02x:", mac[i]);
	}
	to[3 * size - 1] = '\0';
	return any != 0;
}

static const char *hardware_type(unsigned type)
{
	static const struct {
		unsigned type;
		const char *name;
	} names[] = { { ARPHRD_ETHER, "ether" }, { ARPHRD_LOOPBACK, "loopback" },
		{ ARPHRD_INFINIBAND, "infiniband" }, { ARPHRD_PPP, "ppp" },
		{ ARPHRD_TUNNEL, "ipip" }, { ARPHRD_TUNNEL6, "ip6tnl" }, { ARPHRD_SIT, "sit" },
		{ ARPHRD_IPGRE, "gre" }, { ARPHRD_IP6GRE, "gre6" }, { ARPHRD_NONE, "none" },
		{ ARPHRD_IEEE80211, "ieee802.11" }, { ARPHRD_CAN, "can" },
		{ ARPHRD_NETLINK, "netlink" }, { ARPHRD_VSOCKMON, "vsockmon" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return NULL;
}

/* RFC 2863 ifOperStatus, IF_OPER_* of linux/if.h. */
static const char *operstate(unsigned state)
{
	static const char *const names[] = { "unknown", "notpresent", "down", "lowerlayerdown",
		"testing", "dormant", "up" };

	return state < sizeof(names) / sizeof(*names) ? names[state] : NULL;
}

static void set_number(json_t *object, const char *key, json_int_t number)
{
	json_object_set_new(object, key, json_integer(number));
}

static const char *link_kind(struct nlattr *info)
{
	static const struct nla_policy policy[IFLA_INFO_MAX + 1] = {
		[IFLA_INFO_KIND] = { .type = NLA_STRING },
	};
	struct nlattr *attributes[IFLA_INFO_MAX + 1];

	if (!info || nla_parse_nested(attributes, IFLA_INFO_MAX, info, policy) < 0)
		return NULL;
	return attributes[IFLA_INFO_KIND] ? nla_get_string(attributes[IFLA_INFO_KIND]) : NULL;
}

static json_t *link_value(
	const struct netfact *netfact, const char *name, unsigned type, struct nlattr **attributes)
{
	struct netfact_media media = { .speed_mbps = 0 };
	char mac[MAC_TEXT_SIZE], master[IFNAMSIZ];
	json_t *link = json_object();

	json_set_text(link, "ifname", name);
	json_set_text(link, "type", hardware_type(type));
	json_set_text(link, "kind", link_kind(attributes[IFLA_LINKINFO]));
	if (mac_text(attributes[IFLA_ADDRESS], mac))
		json_set_text(link, "mac", mac);
	if (attributes[IFLA_MTU])
		set_number(link, "mtu", nla_get_u32(attributes[IFLA_MTU]));
	if (attributes[IFLA_CARRIER])
		json_object_set_new(
			link, "carrier", json_boolean(nla_get_u8(attributes[IFLA_CARRIER])));
	if (attributes[IFLA_OPERSTATE])
		json_set_text(link, "operstate", operstate(nla_get_u8(attributes[IFLA_OPERSTATE])));
	if (attributes[IFLA_MASTER] &&
		netfact_name(netfact, (int)nla_get_u32(attributes[IFLA_MASTER]), master))
		json_set_text(link, "master", master);
	if (netfact->media)
		netfact->media(netfact->owner, name, &media);
	if (media.speed_mbps)
		set_number(link, "speed", media.speed_mbps);
	json_set_text(link, "duplex", media.duplex);
	return link;
}

/* Remembers name and flags; returns what else changes with them. */
static uint16_t link_remember(struct netfact *netfact, int index, const char *name, unsigned flags)
{
	struct netfact_link *link;
	uint16_t stale = 0;

	HASH_FIND_INT(netfact->links, &index, link);
	if (!link) {
		link = mem_alloc(1, sizeof(*link));
		link->index = index;
		HASH_ADD_INT(netfact->links, index, link);
	} else if (strcmp(link->name, name)) {
		stale = NETFACT_ALL;
	} else if (link->flags & ~flags & IFF_UP) {
		stale = 1u << SECTION_ROUTE;
	}
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->flags = flags;
	return stale;
}

static uint16_t link_gone(struct netfact *netfact, int index, const struct discover_sink *sink)
{
	struct netfact_link *link;

	HASH_FIND_INT(netfact->links, &index, link);
	if (!link)
		return 0;
	discover_delete(sink, SECTION_LINK, link->name);
	HASH_DEL(netfact->links, link);
	free(link);
	return NETFACT_ALL & ~(1u << SECTION_LINK);
}

static uint16_t link_apply(
	struct netfact *netfact, struct nlmsghdr *message, const struct discover_sink *sink)
{
	static const struct nla_policy policy[IFLA_MAX + 1] = {
		[IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
		[IFLA_MTU] = { .type = NLA_U32 },
		[IFLA_MASTER] = { .type = NLA_U32 },
		[IFLA_CARRIER] = { .type = NLA_U8 },
		[IFLA_OPERSTATE] = { .type = NLA_U8 },
	};
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *info;
	uint16_t stale;
	const char *name;

	if (nlmsg_parse(message, sizeof(*info), attributes, IFLA_MAX, policy) < 0)
		return 0;
	info = nlmsg_data(message);
	/* A bridge tells of its ports, a radio of its events, in messages that are no full link. */
	if (info->ifi_family != AF_UNSPEC || attributes[IFLA_WIRELESS])
		return 0;
	if (message->nlmsg_type == RTM_DELLINK)
		return link_gone(netfact, info->ifi_index, sink);
	if (!attributes[IFLA_IFNAME])
		return 0;
	name = nla_get_string(attributes[IFLA_IFNAME]);
	stale = link_remember(netfact, info->ifi_index, name, info->ifi_flags);
	discover_put(
		sink, SECTION_LINK, name, link_value(netfact, name, info->ifi_type, attributes));
	return stale;
}

static const char *scope_name(unsigned scope)
{
	switch (scope) {
	case RT_SCOPE_UNIVERSE:
		return "global";
	case RT_SCOPE_SITE:
		return "site";
	case RT_SCOPE_LINK:
		return "link";
	case RT_SCOPE_HOST:
		return "host";
	default:
		return NULL;
	}
}

static uint16_t address_apply(
	struct netfact *netfact, struct nlmsghdr *message, const struct discover_sink *sink)
{
	struct nlattr *attributes[IFA_MAX + 1], *local;
	char ifname[IFNAMSIZ], ip[ADDR_TEXT_SIZE], key[KEY_SIZE];
	const struct ifaddrmsg *info;
	json_t *value;

	if (nlmsg_parse(message, sizeof(*info), attributes, IFA_MAX, NULL) < 0)
		return 0;
	info = nlmsg_data(message);
	/* On a point-to-point link IFA_ADDRESS is the far end. */
	local = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (!netfact_ip(netfact_bytes(local), info->ifa_family, ip) ||
		!netfact_name(netfact, (int)info->ifa_index, ifname))
		return 0;
	snprintf(key, sizeof(key), "%s %s/%u", ifname, ip, info->ifa_prefixlen);
	if (message->nlmsg_type == RTM_DELADDR) {
		discover_delete(sink, SECTION_ADDRESS, key);
		return 1u << SECTION_ROUTE;
	}
	value = json_object();
	json_set_text(value, "ifname", ifname);
	json_set_text(value, "addr", ip);
	json_set_text(value, "scope", scope_name(info->ifa_scope));
	set_number(value, "prefix", info->ifa_prefixlen);
	discover_put(sink, SECTION_ADDRESS, key, value);
	return 0;
}

static void neighbour_apply(
	struct netfact *netfact, struct nlmsghdr *message, const struct discover_sink *sink)
{
	const unsigned unusable = NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP;
	struct nlattr *attributes[NDA_MAX + 1];
	char ifname[IFNAMSIZ], ip[ADDR_TEXT_SIZE], mac[MAC_TEXT_SIZE], key[KEY_SIZE];
	const struct ndmsg *info;
	json_t *value;

	if (nlmsg_parse(message, sizeof(*info), attributes, NDA_MAX, NULL) < 0)
		return;
	info = nlmsg_data(message);
	if (info->ndm_flags & NTF_PROXY ||
		!netfact_ip(netfact_bytes(attributes[NDA_DST]), info->ndm_family, ip) ||
		!netfact_name(netfact, info->ndm_ifindex, ifname))
		return;
	snprintf(key, sizeof(key), "%s %s", ifname, ip);
	if (message->nlmsg_type == RTM_DELNEIGH || info->ndm_state & unusable ||
		!mac_text(attributes[NDA_LLADDR], mac)) {
		discover_delete(sink, SECTION_NEIGHBOUR, key);
		return;
	}
	value = json_object();
	json_set_text(value, "ifname", ifname);
	json_set_text(value, "ip", ip);
	json_set_text(value, "mac", mac);
	discover_put(sink, SECTION_NEIGHBOUR, key, value);
}

uint16_t netfact_apply(
	struct netfact *netfact, struct nlmsghdr *message, const struct discover_sink *sink)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_apply(netfact, message, sink);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return address_apply(netfact, message, sink);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		neighbour_apply(netfact, message, sink);
		return 0;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return netroute_apply(netfact, message, sink);
	default:
		return 0;
	}
}
