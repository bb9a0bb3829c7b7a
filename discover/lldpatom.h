/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_LLDPATOM_H
#define DISCOVER_LLDPATOM_H
/* What liblldpctl knows of the neighbours of a port. */
#include "base/json.h"

struct lldpctl_atom_t;

/* Adds key -> value of every visible neighbour of the port to facts (discover/lldpfact.h). */
void lldpatom_add_port(json_t *facts, const char *ifname, struct lldpctl_atom_t *port);

#endif
