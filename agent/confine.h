/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_CONFINE_H
#define AGENT_CONFINE_H
/*
 * What each of the two processes gives up once it has started: docs/privileges.md has the table.
 * None of it comes back. Where the kernel has no filter for system calls a warning says so, and the
 * rest still holds.
 */
#include "base/log.h"
#include "base/privilege.h"

/*
 * At the start of net, before a byte from outside: an empty root directory, another user, no
 * capabilities. -errno.
 */
int confine_net_begin(const struct privilege_user *user, const struct log *log);
/* When net has its sockets: no call but those that they need. -errno. */
int confine_net(const struct log *log);
/*
 * When the kernel programs of sense are loaded: only the capabilities that looking takes, of all
 * groups that of lldpd's socket, and no call that makes a program, an internet socket or a process.
 * -errno.
 */
int confine_sense(const char *lldpd_socket, const struct log *log);
/* The one process of --once, when it has looked and its sockets are open: as net, but its user. */
int confine_once(const struct log *log);

#endif
