/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_DIAG_H
#define AGENT_DIAG_H
/*
 * All TCP, UDP and unix sockets of our own network namespace, as the kernel lists them through
 * NETLINK_SOCK_DIAG (sock_diag(7)): a copy, taken by diag_open.
 */
#include <stdint.h>

#include "bpf/event.h"

struct diag;

/* row without tgid, start and uid; path as in sensor_row_fn. */
struct diag_socket {
	struct event_row row;
	char path[108];
};

/* What the kernel does not list at all, because it lacks the module of that name. */
enum diag_missing { DIAG_TCP = 1, DIAG_UDP = 2, DIAG_UNIX = 4 };

/* netns goes into the rows. -errno; end it with diag_close. */
int diag_open(struct diag **diag, uint32_t netns) __attribute__((warn_unused_result));
void diag_close(struct diag *diag);
/* Bits of enum diag_missing. */
unsigned int diag_missing(const struct diag *diag);
/* By the inode number that /proc/PID/fd shows; borrowed, NULL when there is none. */
const struct diag_socket *diag_find(const struct diag *diag, uint32_t inode);

/*
 * Only what takes connections or datagrams, and without a copy: TCP sockets that listen and UDP
 * sockets without a peer. The row, borrowed, is as in diag_socket; a UDP port counts as chosen.
 * -errno; -EPROTONOSUPPORT, after all that could be listed, when a module is missing.
 */
typedef void diag_row_fn(void *owner, const struct event_row *row);
int diag_services(uint32_t netns, diag_row_fn *row, void *owner)
	__attribute__((warn_unused_result));

#endif
