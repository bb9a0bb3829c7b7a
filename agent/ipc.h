/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_IPC_H
#define AGENT_IPC_H
/*
 * Packets between the two processes of the nanoprobe, over a SOCK_SEQPACKET socket pair; what is
 * in them is said in agent/sense.h. A packet arrives whole or not at all, with at most one
 * descriptor.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { IPC_PACKET_MAX = 65536 };

/* A close-on-exec, non-blocking pair whose buffers hold several packets. -errno. */
int ipc_pair(int ends[2]);

/*
 * Sends one packet, and a descriptor with it unless pass is negative (the caller keeps his).
 * -EAGAIN when the buffer is full.
 */
int ipc_send(int socket, struct span packet, int pass);

struct ipc_packet {
	uint8_t *data; /* owned: ipc_free */
	size_t size;
	int passed; /* a descriptor, owned by whoever takes it out (sets it to -1), or -1 */
};

/* 1 with a packet, 0 at the end of the stream, -EAGAIN, -EMSGSIZE, other -errno. */
int ipc_receive(int socket, struct ipc_packet *packet);
void ipc_free(struct ipc_packet *packet);

#endif
