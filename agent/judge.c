// SPDX-License-Identifier: Apache-2.0
#include "agent/judge.h"

#include <stdio.h>
#include <string.h>

#include "wire/keys.h"

void judge_init(struct judge *judge, const uint8_t agent[SEAL_KEY], uint64_t run)
{
	*judge = (struct judge){ .run = run };
	memcpy(judge->agent, agent, SEAL_KEY);
}

/* What has expired cannot be done any more, seen or not: time does not go back. */
static void forget_expired(struct judge *judge, uint64_t now_ms)
{
	size_t kept = 0;

	if (now_ms > judge->now_ms)
		judge->now_ms = now_ms;
	for (size_t i = 0; i < judge->seen_count; i++) {
		if (judge->seen[i].not_after_ms > judge->now_ms)
			judge->seen[kept++] = judge->seen[i];
	}
	judge->seen_count = kept;
}

static bool was_seen(const struct judge *judge, const struct warrant *warrant)
{
	for (size_t i = 0; i < judge->seen_count; i++) {
		if (!memcmp(judge->seen[i].id, warrant->id, WARRANT_ID))
			return true;
	}
	return false;
}

static bool remember(struct judge *judge, const struct warrant *warrant)
{
	uint64_t latest = judge->now_ms + JUDGE_LIFE_MAX_MS, until = warrant->not_after_ms;

	if (judge->seen_count == JUDGE_SEEN_MAX)
		return false;
	memcpy(judge->seen[judge->seen_count].id, warrant->id, WARRANT_ID);
	judge->seen[judge->seen_count++].not_after_ms = until < latest ? until : latest;
	return true;
}

/* NULL, or what in the warrant does not fit. */
static const char *misfit(const struct judge *judge, const struct policy_operator *known,
	const struct warrant *warrant)
{
	if (!seal_equal(warrant->agent, judge->agent, SEAL_KEY))
		return "it is for another host";
	if (!span_equal(warrant->tenant, SPAN_TEXT(known->tenant)))
		return "it is for another tenant than the policy of this host names";
	if (!warrant_same_run(warrant->incarnation, judge->run))
		return "it is for an earlier run of the nanoprobe";
	if (warrant->not_after_ms > judge->now_ms &&
		warrant->not_after_ms - judge->now_ms > JUDGE_LIFE_MAX_MS)
		return "it is good for more than a day";
	return NULL;
}

static enum judge_verdict refuse(char reason[JUDGE_REASON_SIZE], const char *why)
{
	snprintf(reason, JUDGE_REASON_SIZE, "%s", why);
	return JUDGE_REFUSE;
}

static enum judge_verdict judge_known(struct judge *judge, const struct policy_operator *known,
	const struct warrant *warrant, char reason[JUDGE_REASON_SIZE])
{
	const char *why = misfit(judge, known, warrant);

	if (why)
		return refuse(reason, why);
	if (warrant->not_after_ms <= judge->now_ms) {
		snprintf(reason, JUDGE_REASON_SIZE, "it came too late");
		return JUDGE_LATE;
	}
	if (policy_allows(known, warrant->name, warrant->argument))
		return JUDGE_DO;
	snprintf(reason, JUDGE_REASON_SIZE,
		"the policy of this host does not allow operator '%s' that", known->name);
	return JUDGE_REFUSE;
}

static enum judge_verdict refuse_stranger(
	const struct policy *policy, const struct warrant *warrant, char reason[JUDGE_REASON_SIZE])
{
	char fingerprint[KEYS_FINGERPRINT_SIZE];

	keys_fingerprint(warrant->operator_key, fingerprint);
	snprintf(reason, JUDGE_REASON_SIZE,
		policy->count ? "the policy of this host knows no operator %s"
			      : "this host takes no commands: it has no policy (operator %s)",
		fingerprint);
	return JUDGE_REFUSE;
}

enum judge_verdict judge_warrant(struct judge *judge, const struct policy *policy, uint64_t now_ms,
	struct span frame, struct warrant *warrant, char reason[JUDGE_REASON_SIZE])
{
	const struct policy_operator *known;
	enum judge_verdict verdict;

	*reason = '\0';
	forget_expired(judge, now_ms);
	if (warrant_decode(frame, warrant)) {
		judge->forged++;
		snprintf(reason, JUDGE_REASON_SIZE, "it is no command");
		return JUDGE_FORGED;
	}
	if (was_seen(judge, warrant))
		return JUDGE_AGAIN;
	known = policy_find(policy, warrant->operator_key);
	if (known && !warrant_is_signed(frame, warrant)) {
		judge->forged++;
		snprintf(reason, JUDGE_REASON_SIZE, "operator '%s' did not sign it", known->name);
		return JUDGE_FORGED;
	}
	verdict = known ? judge_known(judge, known, warrant, reason)
			: refuse_stranger(policy, warrant, reason);
	if (!remember(judge, warrant) && verdict == JUDGE_DO)
		return refuse(reason, "too many commands came to this host");
	return verdict;
}
