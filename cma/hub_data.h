/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_DATA_H
#define CMA_HUB_DATA_H
/* Sessions at the hub: streams in, acknowledgements out. */
#include "cma/hub_state.h"

/* p is a DATA. */
void hub_data_input(
	struct hub *hub, struct instant now, const struct addr *from, const struct packet *p);
/* The next acknowledgement that is due: its size, or 0. */
size_t hub_data_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX]);
/* Makes the agent's acknowledgement due; it tells of this stream. */
void hub_data_ack_now(struct hub *hub, struct active *active, enum stream stream);
/* What a peer needs while it is busy; made if it is not there. It frees itself. */
struct active *hub_data_activate(struct hub *hub, struct peer *peer);
/* Frees it if nothing is left to do. */
void hub_data_rest(struct hub *hub, struct active *active);
void hub_data_free_active(struct hub *hub, struct active *active);
/*
 * Its agent is not heard any more. What was handed out stays known until it is committed: lest it
 * is handed out again should the agent be let in before that.
 */
void hub_data_end(struct hub *hub, struct active *active);

#endif
