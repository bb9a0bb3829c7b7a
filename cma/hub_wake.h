/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_WAKE_H
#define CMA_HUB_WAKE_H
/*
 * Agents that are silent, and that shall be told something. Who has had no session with this
 * process (it was restarted, and they had nothing to tell) can be woken by the reset of the last
 * one: it makes them call. Part of the hub: pure.
 */
#include "cma/hub.h"

/* The session that an agent had last, with any process: where that was, and our index of it. */
void hub_wake_know(struct hub *hub, uint64_t id, const struct addr *address, uint32_t session);

/* ---- for the other files of the hub ---- */

struct peer;

/* It has a session. */
void hub_wake_forget(struct hub *hub, const struct peer *peer);
/*
 * What makes the agent call, whether it has a session or not: the size of the datagram. 0 when
 * nothing is known of it.
 */
size_t hub_wake_call(
	struct hub *hub, const struct peer *peer, struct addr *to, uint8_t datagram[PACKET_MAX]);

#endif
