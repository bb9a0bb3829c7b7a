// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_listen.h"

#include <netinet/in.h>
#include <stdio.h>

#include "agent/watch_state.h"
#include "base/addr.h"
#include "base/json.h"
#include "base/text.h"

void place_protocol(uint8_t protocol, char *to)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = { { 0, "unix" }, { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" },
		{ IPPROTO_SCTP, "sctp" }, { IPPROTO_DCCP, "dccp" },
		{ IPPROTO_UDPLITE, "udplite" } };

	snprintf(to, PLACE_PROTOCOL_SIZE, "ip-%u", protocol);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == protocol)
			text_copy_to(to, PLACE_PROTOCOL_SIZE, names[i].name);
	}
}

void place_to_json(const struct place *place, bool with_addr, json_t *value)
{
	char ip[ADDR_TEXT_SIZE], protocol[PLACE_PROTOCOL_SIZE];

	place_protocol(place->protocol, protocol);
	addr_ip_text(place->ip, ip);
	json_set_text(value, "proto", protocol);
	json_object_set_new(value, "port", json_integer(place->port));
	if (with_addr)
		json_set_text(value, "addr", ip);
	json_set_text(value, "netns", place->netns->name);
}
