/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_REACH_H
#define AGENT_REACH_H
/*
 * The internet socket of the nanoprobe, and where the CMA is: at a configured address, or wherever
 * somebody answers to a multicast group. What answers must prove itself (agent/uplink.h); then
 * datagrams go to where that came from, until the next call finds the CMA elsewhere.
 */
#include <sys/types.h>

#include "base/addr.h"
#include "base/buf.h"

/* The group that CMAs listen to, reserved for this. */
#define REACH_GROUP "224.0.2.5:1984"

struct reach {
	int fd;
	struct addr cma;   /* configured: an address, or a group (v4) */
	struct addr from;  /* where the last datagram came from, */
	struct addr found; /* and the last that was genuine; port 0: none yet */
};

/* -errno. End it with reach_close. */
int reach_open(struct reach *reach, const struct addr *cma);
void reach_close(struct reach *reach); /* fd -1 is fine */

/* What cannot be sent now is lost. An INIT goes to the configured address, or to its group. */
void reach_send(struct reach *reach, struct span datagram);
/* The size of the next datagram, or a negative number when there is none. */
ssize_t reach_receive(struct reach *reach, uint8_t *datagram, size_t size);
/* What came last was genuine and spoke for the CMA. */
void reach_follow(struct reach *reach);
/* For people: where it was found, else where it is sought. */
const struct addr *reach_address(const struct reach *reach);

#endif
