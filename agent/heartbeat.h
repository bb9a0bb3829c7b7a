/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_HEARTBEAT_H
#define AGENT_HEARTBEAT_H
/*
 * Between the CMA, which says who the neighbours are and wants to know what is seen of them
 * (agent/uplink.h), and the socket and the ring (agent/neighbour.h, agent/ring.h).
 */
#include "agent/neighbour.h"
#include "agent/uplink.h"
#include "base/log.h"

struct heartbeat {
	struct neighbour neighbour; /* without a ring: there are no heartbeats */
	struct uplink *uplink;	    /* borrowed, as is log */
	const struct log *log;
	bool waits;    /* something is in the socket: the event loop sets it */
	bool reflects; /* the kernel answers echo requests */
};

/*
 * Tells the CMA whether there are heartbeats, and at which port. True: there are, and
 * neighbour.fd is to be waited on; false: port is 0, or there is no socket, which is logged.
 */
bool heartbeat_start(
	struct heartbeat *heartbeat, uint16_t port, struct uplink *uplink, const struct log *log);
void heartbeat_end(struct heartbeat *heartbeat); /* all zero is fine */
/* The CMA is told whether the kernel answers echo requests (bpf/reflect.bpf.c). */
void heartbeat_reflects(struct heartbeat *heartbeat, bool reflects);
/* What uplink_config.ring gives. True: it was taken. */
bool heartbeat_list(
	struct heartbeat *heartbeat, struct instant now, const struct record_ring *list);
/* Does what is due; before the uplink has its turn. */
void heartbeat_run(struct heartbeat *heartbeat, struct instant now);
struct instant heartbeat_deadline(const struct heartbeat *heartbeat);

#endif
