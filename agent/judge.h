/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_JUDGE_H
#define AGENT_JUDGE_H
/*
 * Whether this host does what a warrant (wire/warrant.h) says. It does, once, when
 *	the policy knows the operator's key, and the signature is good;
 *	the warrant names this host, the operator's tenant and this run of the nanoprobe;
 *	it has not expired, and is for no more than a day;
 *	the policy allows that operator that command;
 *	no warrant with its id came before.
 *
 * Pure. It lives in the privileged process, so that neither the CMA nor the process that talks to
 * it can have anything done that was not signed for. Time is the CMA's, told by the latter:
 * somebody who holds that can make a warrant come late, never twice, and none after a restart.
 */
#include "agent/policy.h"
#include "wire/warrant.h"

enum {
	JUDGE_SEEN_MAX = 256, /* ids kept until they expire; then nothing is done */
	JUDGE_REASON_SIZE = 192,
};

#define JUDGE_LIFE_MAX_MS ((uint64_t)86400 * 1000)

struct judge {
	uint8_t agent[SEAL_KEY]; /* this host */
	uint64_t run;		 /* an incarnation of this run */
	uint64_t now_ms;	 /* the latest time that was told: it never goes back */
	size_t seen_count;
	struct {
		uint8_t id[WARRANT_ID];
		uint64_t not_after_ms;
	} seen[JUDGE_SEEN_MAX];
	uint64_t forged; /* frames that nobody of the policy signed, or that are none */
};

enum judge_verdict {
	JUDGE_DO,
	JUDGE_REFUSE,
	JUDGE_LATE,
	JUDGE_AGAIN,  /* it came before: there is nothing to do or to say */
	JUDGE_FORGED, /* nor to this; counted */
};

void judge_init(struct judge *judge, const uint8_t agent[SEAL_KEY], uint64_t run);
/*
 * warrant is read from the frame and borrows from it (not with JUDGE_FORGED). reason is set, for
 * people, unless it is JUDGE_DO or JUDGE_AGAIN.
 */
enum judge_verdict judge_warrant(struct judge *judge, const struct policy *policy, uint64_t now_ms,
	struct span frame, struct warrant *warrant, char reason[JUDGE_REASON_SIZE]);

#endif
