/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_CROWD_H
#define TESTS_SIM_ALIVE_CROWD_H
/* Fabrics to play in. */
#include "tests/sim/alive/fabric.h"
#include "tests/sim/random.h"

/* Hosts with one link, so many behind each switch, in a random order. */
struct fabric crowd_racks(uint32_t hosts, uint32_t each, struct random *random);
/*
 * 8 to about 250 hosts behind 3 to 16 switches of 1 to 40; some hosts have two links, some switches
 * speak no LLDP, and have only hosts with one link.
 */
struct fabric crowd_any(struct random *random);

#endif
