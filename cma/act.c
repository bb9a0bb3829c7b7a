// SPDX-License-Identifier: Apache-2.0
#include "cma/act.h"

#include <errno.h>
#include <stdlib.h>
#define uthash_fatal(why) mem_exhausted()
#include <uthash.h>

#include "base/alloc.h"
#include "cma/act_session.h"
#include "cma/graph/command.h"
#include "wire/message.h"

struct act_id {
	uint64_t hub;
	int64_t graph; /* 0: it was refused */
	UT_hash_handle hh;
};

/* Those that were known at the start have the id of the graph from the beginning. */
int64_t act_agent(const struct act *act, uint64_t hub_id)
{
	struct act_id *found;

	HASH_FIND(hh, act->ids, &hub_id, sizeof(hub_id), found);
	return found ? found->graph : (int64_t)hub_id;
}

void act_name(struct act *act, uint64_t hub_id, int64_t agent)
{
	struct act_id *known;

	HASH_FIND(hh, act->ids, &hub_id, sizeof(hub_id), known);
	if (known) {
		known->graph = agent;
		return;
	}
	known = mem_alloc(1, sizeof(*known));
	*known = (struct act_id){ .hub = hub_id, .graph = agent };
	HASH_ADD(hh, act->ids, hub, sizeof(known->hub), known);
}

static int enrol(struct act *act, const struct hub_event *event)
{
	int64_t id;
	int err = graph_enrol(act->graph, event->token, event->agent.key, event->agent.psk, &id);

	switch (err) {
	case 0:
		act_name(act, event->agent.id, id);
		return act_session(act, id, event);
	case -ENOENT:
	case -EDQUOT:
	case -EEXIST:
		/* What this agent says from now on meets no agent. */
		act_name(act, event->agent.id, 0);
		return ACT_REFUSED;
	default:
		return err;
	}
}

static int expire(struct act *act, const struct hub_event *event)
{
	struct warrant warrant;

	if (warrant_decode(SPAN(event->bytes, event->size), &warrant))
		return 0; /* cannot be: the hub has read it */
	return graph_command_expire(act->graph, warrant.id, event->kind == HUB_UNANSWERED);
}

int act_event(struct act *act, const struct hub_event *event, struct graph_result *result)
{
	int64_t id = act_agent(act, event->id);
	struct graph_message message;
	int err = 0;

	switch (event->kind) {
	case HUB_ENROL:
		return enrol(act, event);
	case HUB_MESSAGE:
		message = (struct graph_message){
			.incarnation = event->incarnation,
			.stream = event->stream,
			.first = event->first,
			.sequence = event->sequence,
			.bytes = SPAN(event->bytes, event->size),
		};
		err = graph_apply(act->graph, id, &message, result);
		if (!err)
			err = act_heard(act, id, result);
		break;
	case HUB_HERE:
		err = graph_status_from(act->graph, id, "left", "up");
		if (!err)
			err = act_session(act, id, event);
		break;
	case HUB_LEFT:
		err = graph_status_from(act->graph, id, "up", "left");
		break;
	case HUB_DUPLICATE_KEY:
		err = act_duplicate_key(act, id, event);
		break;
	case HUB_ROLLED_BACK:
		err = act_rolled_back(act, id);
		break;
	case HUB_UNREACHED:
	case HUB_UNANSWERED:
		err = expire(act, event);
		break;
	}
	/*
	 * What a revoked agent said before it was, but had no effect yet, has none; nor has what
	 * followed that, even if the agent was let in again meanwhile.
	 */
	return err == -ENOENT || err == -EACCES || err == -EILSEQ ? ACT_REFUSED : err;
}

void act_failed(struct act *act)
{
	act_forget(act);
}

void act_deinit(struct act *act)
{
	struct act_id *id, *next;

	act_forget(act);
	HASH_ITER (hh, act->ids, id, next) {
		HASH_DEL(act->ids, id);
		free(id);
	}
}

uint64_t act_facts(const struct hub_event *event)
{
	struct message message;
	struct reader facts = { .failed = true };
	struct fact fact;
	uint64_t count = 0;

	if (event->kind != HUB_MESSAGE || message_decode(SPAN(event->bytes, event->size), &message))
		return 0;
	switch (message.kind) {
	case MESSAGE_CHANGES:
		facts = reader_of(message.changes.facts);
		break;
	case MESSAGE_RANGE:
		facts = reader_of(message.range.facts);
		break;
	case MESSAGE_DIGEST:
	case MESSAGE_RESULT:
	case MESSAGE_LOST:
	case MESSAGE_SIGHT:
		return 0;
	}
	while (fact_get(&facts, &fact))
		count++;
	return count;
}
