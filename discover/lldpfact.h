/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_LLDPFACT_H
#define DISCOVER_LLDPFACT_H
/* What liblldpctl knows of the neighbours of a port, as facts. */
#include "base/json.h"

struct lldpctl_atom_t;

/*
 * An identifier of a neighbour in the one form of its subtype, so that the same switch seen by two
 * hosts is one: a MAC address as lower-case hex with colons, an IP address as inet_ntop(3) prints
 * it, anything else without blanks around it. The caller frees.
 */
char *lldpfact_id(const char *type, const char *text);

/* Adds key -> value of every visible neighbour of the port to facts. */
void lldpfact_add_port(json_t *facts, const char *ifname, struct lldpctl_atom_t *port);

#endif
