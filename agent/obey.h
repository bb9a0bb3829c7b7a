/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_OBEY_H
#define AGENT_OBEY_H
/*
 * What the privileged process does with an operator's command: it judges it (judge.h) by the policy
 * as it is now on disk, says what its own part is, and has a packet (SENSE_RESULT) for the other
 * process, which does the rest and tells the CMA. What is refused gets a packet too.
 */
#include "agent/judge.h"
#include "agent/sense.h"
#include "base/instant.h"

enum { OBEY_RESULTS_MAX = 16 };

struct obey {
	const char *policy;
	const struct log *log;
	struct judge judge;
	struct instant warned; /* of forged ones, */
	uint64_t forged_told;  /* so many */
	struct writer results[OBEY_RESULTS_MAX];
	size_t result_count;
};

/* What is left to do here. */
enum obey_action {
	OBEY_NOTHING,
	OBEY_SNAPSHOT, /* look at all sockets and processes */
	OBEY_DISCOVER, /* look at the files of the host */
};

/* policy is borrowed; NULL: no command is taken. End it with obey_deinit. */
void obey_init(struct obey *obey, const struct sense_config *config);
void obey_deinit(struct obey *obey);

/* While too many results wait, commands are dropped: the CMA sends them again. */
enum obey_action obey_command(
	struct obey *obey, struct instant now, uint64_t now_ms, struct span frame);
/* The packet to send next, empty when there is none; obey_sent when it is sent. */
struct span obey_result(const struct obey *obey);
void obey_sent(struct obey *obey);

#endif
