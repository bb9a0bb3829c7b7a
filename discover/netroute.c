// SPDX-License-Identifier: Apache-2.0
#include "discover/netroute.h"

#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "base/addr.h"

enum { ROUTE_KEY_SIZE = 256 };

struct route {
	char dst[ADDR_TEXT_SIZE + 4];
	char src[ADDR_TEXT_SIZE];
	uint32_t metric;
	int family;
	bool gone;
};

struct hop {
	char gateway[ADDR_TEXT_SIZE];
	char ifname[IFNAMSIZ];
};

static void hop_tell(
	const struct route *route, const struct hop *hop, const struct discover_sink *sink)
{
	char key[ROUTE_KEY_SIZE], metric[16] = "";
	json_t *value;

	if (route->metric)
		snprintf(metric, sizeof(metric), "%u", route->metric);
	snprintf(key, sizeof(key), "%s%s%s%s%s%s%s", route->dst, *hop->gateway ? " via " : "",
		hop->gateway, *hop->ifname ? " dev " : "", hop->ifname, *metric ? " metric " : "",
		metric);
	if (route->gone) {
		discover_delete(sink, SECTION_ROUTE, key);
		return;
	}
	value = json_object();
	json_set_text(value, "dst", route->dst);
	json_set_text(value, "gateway", hop->gateway);
	json_set_text(value, "ifname", hop->ifname);
	json_set_text(value, "src", route->src);
	if (route->metric)
		json_object_set_new(value, "metric", json_integer(route->metric));
	discover_put(sink, SECTION_ROUTE, key, value);
}

/* RTA_GATEWAY, or RTA_VIA for a gateway of another family (RFC 5549). */
static void hop_gateway(struct hop *hop, int family, struct nlattr **attributes)
{
	struct reader via = reader_of(netfact_bytes(attributes[RTA_VIA]));
	uint16_t via_family;

	get_bytes(&via, &via_family, sizeof(via_family));
	if (!netfact_ip(netfact_bytes(attributes[RTA_GATEWAY]), family, hop->gateway))
		netfact_ip(get_rest(&via), via_family, hop->gateway);
}

static void multipath_tell(const struct netfact *netfact, const struct route *route,
	struct nlattr *multipath, const struct discover_sink *sink)
{
	struct nlattr *attributes[RTA_MAX + 1];
	struct rtnexthop *next = nla_data(multipath);
	int left = nla_len(multipath);

	while (left >= (int)sizeof(*next) && next->rtnh_len >= sizeof(*next) &&
		next->rtnh_len <= left) {
		struct hop hop = { .gateway = "" };

		/* Without a policy any attributes are taken. */
		nla_parse(attributes, RTA_MAX, (struct nlattr *)RTNH_DATA(next),
			next->rtnh_len - (int)sizeof(*next), NULL);
		hop_gateway(&hop, route->family, attributes);
		netfact_name(netfact, next->rtnh_ifindex, hop.ifname);
		hop_tell(route, &hop, sink);
		left -= RTNH_ALIGN(next->rtnh_len);
		next = RTNH_NEXT(next);
	}
}

static bool route_wanted(const struct rtmsg *info, struct nlattr **attributes)
{
	uint32_t table = info->rtm_table;

	if (attributes[RTA_TABLE] && nla_len(attributes[RTA_TABLE]) == sizeof(table))
		table = nla_get_u32(attributes[RTA_TABLE]);
	return table == RT_TABLE_MAIN && info->rtm_type == RTN_UNICAST &&
		!(info->rtm_flags & RTM_F_CLONED) &&
		(info->rtm_family == AF_INET || info->rtm_family == AF_INET6);
}

static bool route_read(struct route *route, const struct rtmsg *info, struct nlattr **attributes)
{
	char ip[ADDR_TEXT_SIZE];

	if (!info->rtm_dst_len)
		snprintf(route->dst, sizeof(route->dst), "default");
	else if (netfact_ip(netfact_bytes(attributes[RTA_DST]), info->rtm_family, ip))
		snprintf(route->dst, sizeof(route->dst), "%s/%u", ip, info->rtm_dst_len);
	else
		return false;
	netfact_ip(netfact_bytes(attributes[RTA_PREFSRC]), info->rtm_family, route->src);
	if (attributes[RTA_PRIORITY] && nla_len(attributes[RTA_PRIORITY]) == sizeof(uint32_t))
		route->metric = nla_get_u32(attributes[RTA_PRIORITY]);
	route->family = info->rtm_family;
	return true;
}

uint16_t netroute_apply(
	struct netfact *netfact, struct nlmsghdr *message, const struct discover_sink *sink)
{
	struct nlattr *attributes[RTA_MAX + 1];
	struct route route = { .gone = message->nlmsg_type == RTM_DELROUTE };
	struct hop hop = { .gateway = "" };
	const struct rtmsg *info;

	if (nlmsg_parse(message, sizeof(*info), attributes, RTA_MAX, NULL) < 0)
		return 0;
	info = nlmsg_data(message);
	if (!route_wanted(info, attributes) || !route_read(&route, info, attributes))
		return 0;
	if (attributes[RTA_MULTIPATH]) {
		multipath_tell(netfact, &route, attributes[RTA_MULTIPATH], sink);
	} else {
		hop_gateway(&hop, route.family, attributes);
		if (attributes[RTA_OIF] && nla_len(attributes[RTA_OIF]) == sizeof(uint32_t))
			netfact_name(netfact, (int)nla_get_u32(attributes[RTA_OIF]), hop.ifname);
		hop_tell(&route, &hop, sink);
	}
	/* What a replacing route replaced is not told. */
	return message->nlmsg_flags & NLM_F_REPLACE ? 1u << SECTION_ROUTE : 0;
}
