/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_PROOF_H
#define CMA_HUB_PROOF_H
/*
 * What follows when the first DATA of a call proves the agent: it is enrolled, its session replaces
 * an older one, and a new incarnation begins its streams anew.
 */
#include "cma/hub_state.h"

/*
 * The first DATA of the channel was genuine: it becomes its agent's session, in place of an older
 * one. False when the token was used up meanwhile: the channel is gone.
 */
bool hub_proof_accept(struct hub *hub, struct channel *channel);
/* Would this secret give the psk that the agent has already? Then it is no new use of a token. */
bool hub_proof_enrolled_with(const struct peer *peer, const uint8_t secret[SEAL_KEY]);

#endif
