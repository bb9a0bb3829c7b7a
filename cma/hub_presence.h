/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_PRESENCE_H
#define CMA_HUB_PRESENCE_H
/*
 * What the hub tells the store about sessions of agents, besides what they carry: told again when
 * the store could not commit, as it is then.
 */
#include "cma/hub_state.h"

/* The agent's session was proven, or it said BYE in it. */
void hub_presence_changed(struct hub *hub, struct peer *peer);
/* The session just proven took the place of that at other (zero: not known), and had been replaced
 * by it before: two use one key. */
void hub_presence_duplicate(struct hub *hub, const struct peer *peer, const struct addr *other);
/* The agent whose session was just proven knew of more than the store has. */
void hub_presence_lost(struct hub *hub, struct peer *peer);

/* Where the agent's session is, for an event. */
void hub_presence_fill(struct hub_event *event, const struct peer *peer);
/* The store has committed so many events of hub_presence_changed. */
void hub_presence_committed(struct hub *hub, struct peer *peer, unsigned count);
/* It could not, and has forgotten them. */
void hub_presence_rolled_back(struct hub *hub, struct active *active);

#endif
