/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_INBOUND_H
#define CMA_INBOUND_H
/*
 * A UDP socket of the CMA: datagrams in and out, many per system call, never fragmented by IP.
 * Bound to all addresses it answers from the one that was called (cma/local.h).
 * The kernel drops what by its first bytes and its size is nothing for this socket (wire/packet.h):
 * that wakes nobody.
 */
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"

struct inbound;

struct inbound_counters {
	uint64_t received, sent;
	uint64_t overflowed; /* dropped by the kernel, our buffer being full, */
	uint64_t filtered;   /* and because they can be none of ours */
	uint64_t truncated;  /* longer than any of ours */
	uint64_t unsent;     /* the kernel would not take them; they are sent again later */
};

/* What comes to it. */
enum inbound_kind {
	INBOUND_CALLS,	 /* INIT and DATA of agents */
	INBOUND_ANSWERS, /* BEAT and ECHO, to our questions (cma/probe.h) */
};

/* Binds to addr. -errno (-EADDRINUSE: the port is busy). End it with inbound_close. */
int inbound_open(const struct addr *addr, enum inbound_kind kind, struct inbound **inbound);
void inbound_close(struct inbound *in); /* NULL is fine */
int inbound_fd(const struct inbound *in);
/* The address it is bound to: tells the port when addr had none. */
void inbound_address(const struct inbound *in, struct addr *addr);

typedef void inbound_fn(void *owner, const struct addr *from, struct span datagram);
/* Gives fn what is there, at most a batch; how many that were. Does not block. */
size_t inbound_receive(struct inbound *in, inbound_fn *fn, void *owner);

/* Where the next datagram is to be written (PACKET_MAX bytes), then sent with its size. */
uint8_t *inbound_room(struct inbound *in);
void inbound_send(struct inbound *in, const struct addr *to, size_t size);
/* Sends what inbound_send has gathered. */
void inbound_flush(struct inbound *in);

const struct inbound_counters *inbound_counters(struct inbound *in);

#endif
