/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_CALL_H
#define CMA_HUB_CALL_H
/*
 * Handshakes at the hub: INIT in, RESP out. Until the first DATA proves the agent (hub_proof.h) a
 * call costs one channel and touches nothing that is there.
 */
#include "cma/hub_state.h"

/* p is an INIT: it is answered again, waits for hub_call_work, or is told to come back. */
void hub_call_input(struct hub *hub, struct instant now, int64_t now_ms, const struct addr *from,
	const struct packet *p);
/* Answers the next INIT that waits; false when none does. */
bool hub_call_work(struct hub *hub, struct instant now);
/* Ends the calls of that key that began until then. */
void hub_call_drop(struct hub *hub, const uint8_t key[SEAL_KEY], struct instant until);
/* Forgets what is only needed until then; the channel stays. */
void hub_call_end(struct hub *hub, struct call *call);

#endif
