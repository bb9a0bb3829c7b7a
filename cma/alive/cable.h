/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_CABLE_H
#define CMA_ALIVE_CABLE_H
/*
 * Where hosts are plugged in, and links that hosts lose while they live: a NIC, a cable or a port
 * (LINK); or the switch, when several hosts lose it at once. A link that is lost still counts as a
 * part of the host's place until the host is plugged in elsewhere. Part of the arbiter: pure.
 */
#include "cma/alive/fault.h"

struct trunk;

void cable_place(struct alive *alive, struct instant now, struct agent *agent,
	const struct alive_place *place);
/* The agent is gone by its own or somebody's will: what it has lost concerns nobody. */
void cable_forget(struct alive *alive, struct instant now, struct agent *agent);
/*
 * This switch failed: what was told of links to it becomes that. NULL: nothing was; review tells of
 * the other links, when the incident is open.
 */
struct fault *cable_absorb(struct alive *alive, const struct alive_incident *name);
void cable_review(struct alive *alive, struct instant now, const struct alive_incident *name);
/* At start: the agent is up, and has lost a link that this incident is about. */
void cable_load(struct alive *alive, struct agent *agent, struct fault *fault);
void cable_free(struct alive *alive);

#endif
