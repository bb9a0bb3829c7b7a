/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_LLDPFACT_H
#define DISCOVER_LLDPFACT_H
/* What a neighbour says of itself, as a fact. Any text is taken: the neighbour wrote it. */
#include "base/json.h"

enum { LLDPFACT_IPS_MAX = 32 };

/* Of one neighbour, borrowed; "" and 0 where it says nothing. */
struct lldpfact {
	const char *protocol;
	const char *port_type, *port_id, *port_descr;
	const char *chassis_type, *chassis_id, *sysname, *sysdescr;
	const char *mgmt_ips[LLDPFACT_IPS_MAX];
	size_t ip_count;
	long vlan, ttl;
};

/*
 * An identifier of a neighbour in the one form of its subtype, so that the same switch seen by two
 * hosts is one: a MAC address as lower-case hex with colons, an IP address as inet_ntop(3) prints
 * it, anything else without blanks around it. The caller frees.
 */
char *lldpfact_id(const char *type, const char *text);

/* Adds its key -> value to facts. */
void lldpfact_add(json_t *facts, const char *ifname, const struct lldpfact *neighbour);

#endif
