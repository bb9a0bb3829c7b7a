/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_ADMIT_H
#define CMA_HUB_ADMIT_H
/* What operators decide, at the hub: it holds from the next datagram on. */
#include "cma/hub.h"
#include "cma/pending.h"

/* Agents without a token that wait to be approved; valid until the next call of the hub. */
const struct pending_agent *hub_pending(struct hub *hub, int64_t now_ms, size_t *count);
/* An id that no agent has or will get: for one that is approved. */
uint64_t hub_new_id(struct hub *hub);
/*
 * The agent was approved. One that is known keeps its id and its streams; psk counts for it when
 * new_psk is set.
 */
void hub_admit(struct hub *hub, const struct hub_agent *agent, bool new_psk);
/* Ends the agent's session, and every call under way; its next ones are refused. */
void hub_revoke(struct hub *hub, const uint8_t key[SEAL_KEY]);
/* It enrols nobody any more, and no call with it that is under way. */
void hub_revoke_token(struct hub *hub, const uint8_t id[TOKEN_ID]);

#endif
