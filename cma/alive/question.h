/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_QUESTION_H
#define CMA_ALIVE_QUESTION_H
/*
 * The datagrams that ask whether an agent is alive, paced, and what comes back. Each question is a
 * BEAT on edge 0; from the second on a knock goes with it, at a port where nobody listens (a kernel
 * that lives refuses it), or every other time an ECHO, when the agent has told that its kernel
 * answers it. Part of the arbiter: pure.
 */
#include "cma/alive/inquiry.h"

enum {
	QUESTION_PER_S = 100000, /* in all: 58 Mbit/s; 50,000 hosts that die in 10 to 20 s */
	QUESTION_BURST = 1000,
};

/* The key of edge 0 to this agent, and what its echo requests hold. */
void question_key(const struct alive *alive, const struct agent *agent, uint8_t key[BEAT_KEY]);
uint64_t question_tag(const struct alive *alive, const struct agent *agent);
/* The next datagram; 0: none now. */
size_t question_next(struct alive *alive, struct instant now, struct addr *to,
	uint8_t datagram[PACKET_BEAT_SIZE]);
struct instant question_deadline(const struct alive *alive);
void question_input(
	struct alive *alive, struct instant now, const struct addr *from, struct span datagram);
void question_refused(struct alive *alive, const struct addr *address);

#endif
