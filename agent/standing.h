/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_STANDING_H
#define AGENT_STANDING_H
/* How we stand with the CMA, for people who read the log. */
#include "agent/uplink.h"
#include "base/log.h"

struct standing {
	struct uplink_status logged;
};

/*
 * One line when something has changed; cma is its address. Our fingerprint is what somebody there
 * has to approve.
 */
void standing_log(struct standing *standing, const struct uplink_status *status, const char *cma,
	const char *fingerprint, const struct log *log);

#endif
