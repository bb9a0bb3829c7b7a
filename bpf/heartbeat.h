/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_HEARTBEAT_H
#define BPF_HEARTBEAT_H
/*
 * SO_PRIORITY of the socket of our own heartbeats: ahead of bulk traffic, and the mark that they
 * are known by. They say nothing of who needs whom: only the socket is told, not its peers.
 */
enum { BEAT_PRIORITY = 6 };

/*
 * SO_MARK of the socket from which a CMA asks accused hosts (BEAT_MARK in wire/beat.h): nor do
 * these questions. To set it takes CAP_NET_ADMIN, so no service can hide behind it.
 */
enum { HEARTBEAT_MARK = 0x85 };

#endif
