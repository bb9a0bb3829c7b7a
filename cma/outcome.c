// SPDX-License-Identifier: Apache-2.0
#include "cma/outcome.h"

#include <string.h>

#include "cma/graph/place.h"

/* What the hub may acknowledge for this job: false for nothing. */
static bool acknowledges(const struct job *job, struct store_result *result)
{
	const struct hub_event *event = &job->event;

	*result = (struct store_result){ .kind = STORE_COMMITTED, .commit.id = job_agent(job) };
	if (!job->waiter && (event->kind == HUB_HERE || event->kind == HUB_LEFT)) {
		result->told = 1;
		return true;
	}
	if (job->waiter || job->err || (event->kind != HUB_MESSAGE && event->kind != HUB_ENROL))
		return false;
	result->acted = true;
	if (event->kind == HUB_ENROL) {
		result->commit.incarnation = event->agent.incarnation;
		result->joined = true;
		memcpy(result->key, event->agent.key, sizeof(result->key));
		return true;
	}
	result->commit.incarnation = event->incarnation;
	memcpy(result->commit.durable, job->result.durable, sizeof(result->commit.durable));
	result->commit.want = job->result.want;
	result->commit.want_digest = job->result.digest_sequence;
	return true;
}

/* What the hub is told of an agent, with what a later job adds to it. */
static void add_result(struct store_result *to, const struct store_result *later)
{
	to->told += later->told;
	if (later->acted)
		to->commit = later->commit;
	to->acted = to->acted || later->acted;
	if (later->joined) {
		to->joined = true;
		memcpy(to->key, later->key, sizeof(to->key));
	}
}

/* Where an agent is follows from what it says, and from where it calls. */
static bool has_moved(const struct job *job)
{
	if (job->waiter || job->err)
		return false;
	return job->result.moved || job->event.kind == HUB_HERE || job->event.kind == HUB_ENROL;
}

static void tell_place(struct act *act, uint64_t agent, outcome_fn *fn, void *owner)
{
	struct store_result result = { .kind = STORE_PLACED, .commit.id = agent };

	if (!graph_place(act->graph, act_agent(act, agent), &result.place))
		fn(owner, &result);
}

/* All of one agent. */
static void tell_agent(
	struct act *act, struct job *const *jobs, size_t count, outcome_fn *fn, void *owner)
{
	struct store_result all = { .kind = STORE_COMMITTED, .commit.id = job_agent(jobs[0]) };
	bool some = false, moved = false;

	for (size_t i = 0; i < count; i++) {
		struct store_result result;

		if (acknowledges(jobs[i], &result)) {
			add_result(&all, &result);
			some = true;
		}
		moved = moved || has_moved(jobs[i]);
	}
	if (some)
		fn(owner, &all);
	if (moved)
		tell_place(act, job_agent(jobs[0]), fn, owner);
}

void outcome_tell(
	struct act *act, struct job *const *jobs, size_t count, outcome_fn *fn, void *owner)
{
	size_t end;

	for (size_t at = 0; at < count; at = end) {
		for (end = at + 1; end < count && job_agent(jobs[end]) == job_agent(jobs[at]);)
			end++;
		tell_agent(act, jobs + at, end - at, fn, owner);
	}
}
