/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_NEIGHBOUR_H
#define AGENT_NEIGHBOUR_H
/*
 * The socket that heartbeats go over (agent/ring.h), and what the kernel says of those that could
 * not be delivered.
 */
#include <stdbool.h>

#include "agent/ring.h"

struct neighbour {
	int fd;
	sa_family_t family;
	uint16_t port; /* that it is bound to */
	struct ring *ring;
};

/* At that port, or at a free one when somebody else has it. -errno. End it with neighbour_close. */
int neighbour_open(struct neighbour *neighbour, uint16_t port);
void neighbour_close(struct neighbour *neighbour); /* all zero is fine, too */
/*
 * Hears all that had arrived, so that ring_sight may judge, and sends what is due. To be called
 * when fd is readable and at ring_deadline.
 */
void neighbour_run(struct neighbour *neighbour, struct instant now);

#endif
