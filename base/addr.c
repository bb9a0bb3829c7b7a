// SPDX-License-Identifier: Apache-2.0
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

int addr_parse_ip(const char *text, uint8_t ip[16])
{
	if (inet_pton(AF_INET, text, ip + 12) == 1) {
		memcpy(ip, v4_prefix, sizeof(v4_prefix));
		return 0;
	}
	return inet_pton(AF_INET6, text, ip) == 1 ? 0 : -EINVAL;
}

int addr_parse(const char *text, struct addr *addr)
{
	char host[ADDR_TEXT_SIZE];
	const char *colon = strrchr(text, ':'), *start = text, *end = colon;
	int64_t port;

	if (!colon || text_parse_number(colon + 1, 0, 65535, &port))
		return -EINVAL;
	if (*text == '[') {
		start++;
		end--;
		if (end < start || *end != ']')
			return -EINVAL;
	}
	if ((size_t)(end - start) >= sizeof(host))
		return -EINVAL;
	text_copy_to(host, (size_t)(end - start) + 1, start);
	if ((strchr(host, ':') != NULL) != (*text == '['))
		return -EINVAL;
	addr->port = (uint16_t)port;
	addr->local = 0;
	return addr_parse_ip(host, addr->ip);
}

void addr_ip_text(const uint8_t ip[16], char *to)
{
	if (addr_is_v4(ip))
		inet_ntop(AF_INET, ip + 12, to, ADDR_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, ip, to, ADDR_TEXT_SIZE);
}

void addr_text(const struct addr *addr, char *to)
{
	char ip[ADDR_TEXT_SIZE];

	addr_ip_text(addr->ip, ip);
	snprintf(to, ADDR_TEXT_SIZE, addr_is_v4(addr->ip) ? "%.45s:%u" : "[%.45s]:%u", ip,
		addr->port);
}

int addr_from_sockaddr(const struct sockaddr_storage *from, struct addr *addr)
{
	addr->local = 0;
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;

		memcpy(addr->ip, v4_prefix, sizeof(v4_prefix));
		memcpy(addr->ip + 12, &in->sin_addr, 4);
		addr->port = ntohs(in->sin_port);
		return 0;
	}
	if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

		memcpy(addr->ip, &in6->sin6_addr, 16);
		addr->port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

socklen_t addr_to_sockaddr(const struct addr *addr, int family, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (family == AF_INET && !addr_is_v4(addr->ip))
		return 0;
	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)to;

		in->sin_family = AF_INET;
		in->sin_port = htons(addr->port);
		memcpy(&in->sin_addr, addr->ip + 12, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(addr->port);
	memcpy(&in6->sin6_addr, addr->ip, 16);
	return sizeof(*in6);
}

bool addr_is_v4(const uint8_t ip[16])
{
	return !memcmp(ip, v4_prefix, sizeof(v4_prefix));
}

bool addr_is_any(const uint8_t ip[16])
{
	static const uint8_t zero[16];

	return !memcmp(ip, zero, 16) || (addr_is_v4(ip) && !memcmp(ip + 12, zero, 4));
}

bool addr_is_loopback(const uint8_t ip[16])
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return addr_is_v4(ip) ? ip[12] == 127 : !memcmp(ip, loopback6, 16);
}

bool addr_is_link_local(const uint8_t ip[16])
{
	return addr_is_v4(ip) ? ip[12] == 169 && ip[13] == 254
			      : ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}
