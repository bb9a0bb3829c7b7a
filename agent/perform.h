/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_PERFORM_H
#define AGENT_PERFORM_H
/*
 * Commands in the process without privileges: passes them on to sense, which judges them (obey.h),
 * does what sense leaves to it, and tells the CMA what came of each.
 */
#include "agent/observe.h"
#include "agent/tracker.h"
#include "agent/uplink.h"
#include "base/log.h"

/* All borrowed. */
struct perform {
	struct tracker *tracker;
	struct observe *observe;
	struct uplink *uplink;
	int sense; /* our end of the socket pair */
	const struct log *log;
};

/* For uplink_config.command; its owner is a struct perform. */
void perform_command(void *owner, uint64_t now_ms, struct span warrant);
/* What follows SENSE_RESULT. -EBADMSG. */
int perform_result(
	const struct perform *perform, struct reader *r, struct instant now, int64_t now_ms);

#endif
