// SPDX-License-Identifier: Apache-2.0
#include "agent/obey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/keys.h"
#include "wire/section.h"

#define WARN_PAUSE (60 * NS_PER_SEC)

void obey_init(struct obey *obey, const struct sense_config *config)
{
	*obey = (struct obey){ .policy = config->policy, .log = config->log };
	judge_init(&obey->judge, config->agent, config->run);
}

void obey_deinit(struct obey *obey)
{
	while (obey->result_count)
		obey_sent(obey);
}

struct span obey_result(const struct obey *obey)
{
	return obey->result_count ? writer_span(&obey->results[0]) : SPAN(NULL, 0);
}

void obey_sent(struct obey *obey)
{
	writer_free(&obey->results[0]);
	obey->result_count--;
	memmove(&obey->results[0], &obey->results[1],
		obey->result_count * sizeof(obey->results[0]));
}

static void tell(struct obey *obey, const struct warrant *warrant, enum result_status status,
	const char *text)
{
	struct writer *w = &obey->results[obey->result_count++];

	*w = writer_growing(SENSE_PACKET_MAX);
	put_u8(w, SENSE_RESULT);
	put_bytes(w, warrant->id, WARRANT_ID);
	put_u8(w, (uint8_t)status);
	put_span16(w, warrant->name);
	put_span16(w, warrant->argument);
	put_span16(w, SPAN_TEXT(text));
	log_info(obey->log, "command '%.*s%s%.*s': %s", (int)warrant->name.size,
		(const char *)warrant->name.data, warrant->argument.size ? " " : "",
		(int)warrant->argument.size, (const char *)warrant->argument.data,
		status == RESULT_DONE ? "taken" : text);
}

/* Whoever sends them could fill the log. */
static void warn_forged(struct obey *obey, struct instant now, const char *reason)
{
	if (obey->warned.ns && instant_sub(now, obey->warned) < WARN_PAUSE)
		return;
	log_warn(obey->log, "a command that nobody may give: %s (%" PRIu64 " times)", reason,
		obey->judge.forged - obey->forged_told);
	obey->warned = now;
	obey->forged_told = obey->judge.forged;
}

/* Nobody may do anything when it is absent or wrong. */
static void read_policy(const struct obey *obey, struct policy *policy)
{
	char error[256];
	int err;

	*policy = (struct policy){ 0 };
	if (!obey->policy)
		return;
	err = policy_read(policy, obey->policy, error, sizeof(error));
	if (err && err != -ENOENT)
		log_error(obey->log, "no command is taken: policy %s", error);
}

/* The part of it that is done here. */
static enum obey_action action_of(const struct warrant *warrant)
{
	if (!span_equal(warrant->name, SPAN_TEXT("rediscover")))
		return OBEY_NOTHING;
	if (span_equal(warrant->argument, SPAN_TEXT(section_name(SECTION_HOST))))
		return OBEY_DISCOVER;
	for (enum section section = SECTION_PROCESS; section <= SECTION_INBOUND; section++) {
		if (span_equal(warrant->argument, SPAN_TEXT(section_name(section))))
			return OBEY_SNAPSHOT;
	}
	return OBEY_NOTHING;
}

enum obey_action obey_command(
	struct obey *obey, struct instant now, uint64_t now_ms, struct span frame)
{
	enum obey_action action = OBEY_NOTHING;
	char reason[JUDGE_REASON_SIZE];
	struct warrant warrant;
	struct policy policy;

	if (obey->result_count == OBEY_RESULTS_MAX)
		return action;
	read_policy(obey, &policy);
	switch (judge_warrant(&obey->judge, &policy, now_ms, frame, &warrant, reason)) {
	case JUDGE_DO:
		action = action_of(&warrant);
		tell(obey, &warrant, RESULT_DONE, "");
		break;
	case JUDGE_REFUSE:
		tell(obey, &warrant, RESULT_REFUSED, reason);
		break;
	case JUDGE_LATE:
		tell(obey, &warrant, RESULT_EXPIRED, reason);
		break;
	case JUDGE_FORGED:
		warn_forged(obey, now, reason);
		break;
	case JUDGE_AGAIN:
		break;
	}
	policy_free(&policy);
	return action;
}
