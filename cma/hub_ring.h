/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_RING_H
#define CMA_HUB_RING_H
/*
 * Lists of neighbours on their way to agents. One is sent at once, again after 1, 2, 4, 8, 16, 30,
 * 30 ... s, and when the agent comes back or says that it holds another one, until it says that it
 * holds this one. An agent without a session is woken (cma/hub_wake.h). Who holds its list costs
 * nothing here. Part of the hub: pure.
 */
#include "cma/hub.h"
#include "wire/message.h"

/* The agent's list, in place of the one before; copied. -ENOENT: no such agent, or revoked. */
int hub_ring_tell(struct hub *hub, struct instant now, uint64_t id, const struct record_ring *list);
size_t hub_ring_count(const struct hub *hub); /* lists that are not held yet */

/* What an agent said of its list, and from where. */
struct hub_held {
	uint64_t id;
	struct record_held held;
	struct addr from;
	bool answers; /* a list that was on its way */
};

/*
 * The next one; of one agent at most one in a second, the last, since each may change who watches
 * whom. They are not for the store, and survive a commit that fails.
 */
bool hub_ring_take(struct hub *hub, struct instant now, struct hub_held *held);

/* ---- for the other files of the hub ---- */

struct peer;
struct hub_rings;

struct hub_rings *hub_rings_new(void);
void hub_rings_free(struct hub_rings *rings);
/* The agent's session was just proven: its list is due. */
void hub_ring_here(struct hub *hub, const struct peer *peer);
void hub_ring_heard(struct hub *hub, const struct peer *peer, const struct record_held *held);
/* The agent is not told any more. */
void hub_ring_forget(struct hub *hub, const struct peer *peer);
/* As hub_output and hub_deadline. */
size_t hub_ring_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX]);
struct instant hub_ring_deadline(const struct hub *hub);

#endif
