// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor_reflect.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

#define TCX_INGRESS ((enum bpf_attach_type)46) /* since Linux 6.6 */

struct reflector {
	enum sensor_reflector how;
	int program;
	int *links;
	int count;
	char on[100], not_on[100]; /* names, and why not */
};

static void append(char *list, size_t size, const char *separator, const char *text)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s", used ? separator : "", text);
}

/* One of two virtual interfaces that are the ends of a cable. */
static bool is_veth(const char *interface)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (char *)&driver };
	int fd autoclose = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return fd >= 0 && !ioctl(fd, SIOCETHTOOL, &request) && !strcmp(driver.driver, "veth");
}

/*
 * In the driver where that can do it, else in front of the network stack. That of a veth can, but
 * sends nothing back unless its other end has a program as well.
 */
static int link_xdp(int program, const char *interface, int index)
{
	LIBBPF_OPTS(bpf_link_create_opts, in_front, .flags = XDP_FLAGS_SKB_MODE);
	int link = is_veth(interface) ? -1 : bpf_link_create(program, index, BPF_XDP, NULL);

	return link < 0 ? bpf_link_create(program, index, BPF_XDP, &in_front) : link;
}

static int link_to(const struct reflector *reflector, const char *interface)
{
	int index = (int)if_nametoindex(interface), link;

	if (!index)
		return -ENODEV;
	if (reflector->count == REFLECT_INTERFACES_MAX)
		return -EMFILE;
	if (reflector->how == SENSOR_REFLECTOR_XDP)
		link = link_xdp(reflector->program, interface, index);
	else
		link = bpf_link_create(reflector->program, index, TCX_INGRESS, NULL);
	return link < 0 ? -errno : link;
}

static void attach(struct reflector *reflector, const char *interface)
{
	int link = link_to(reflector, interface);
	char reason[80];

	if (link >= 0) {
		reflector->links[reflector->count++] = link;
		append(reflector->on, sizeof(reflector->on), ", ", interface);
		return;
	}
	snprintf(reason, sizeof(reason), "%s: %s", interface,
		link == -EINVAL && reflector->how == SENSOR_REFLECTOR_TC
			? "tc needs Linux 6.6, xdp does not"
			: strerror(-link));
	append(reflector->not_on, sizeof(reflector->not_on), "; ", reason);
}

static bool is_global(const struct sockaddr *address)
{
	if (!address || address->sa_family != AF_INET6)
		return address && address->sa_family == AF_INET;
	return !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static bool has_address(const struct ifaddrs *all, const char *interface)
{
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (!strcmp(one->ifa_name, interface) && is_global(one->ifa_addr))
			return true;
	}
	return false;
}

/* Loopback and tunnels have no Ethernet header. */
static bool is_ethernet(const struct ifaddrs *one)
{
	return one->ifa_addr && one->ifa_addr->sa_family == AF_PACKET &&
		((const struct sockaddr_ll *)one->ifa_addr)->sll_hatype == ARPHRD_ETHER;
}

static void attach_all(struct reflector *reflector)
{
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (is_ethernet(one) && has_address(all, one->ifa_name))
			attach(reflector, one->ifa_name);
	}
	freeifaddrs(all);
}

static void attach_named(struct reflector *reflector, const char *names)
{
	char *copy autofree = text_copy(names), *rest = copy, *name;

	while ((name = strsep(&rest, ", "))) {
		if (*name)
			attach(reflector, name);
	}
}

int sensor_reflect_attach(const struct sensor_config *config, int program,
	int links[REFLECT_INTERFACES_MAX], char *why, size_t why_size)
{
	struct reflector reflector = {
		.how = config->reflector, .program = program, .links = links
	};

	for (int i = 0; i < REFLECT_INTERFACES_MAX; i++)
		links[i] = -1;
	if (config->interfaces)
		attach_named(&reflector, config->interfaces);
	else
		attach_all(&reflector);
	if (!reflector.count && !*reflector.not_on)
		snprintf(why, why_size, "no Ethernet interface has an address");
	else
		snprintf(why, why_size, "%s%s%s%s%s", *reflector.on ? "on " : "", reflector.on,
			*reflector.on && *reflector.not_on ? "; " : "",
			*reflector.not_on ? "not on " : "", reflector.not_on);
	return reflector.count;
}
