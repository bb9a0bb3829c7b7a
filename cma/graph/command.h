/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_COMMAND_H
#define CMA_GRAPH_COMMAND_H
/*
 * What operators asked hosts to do, and what came of it: table command. All within a transaction of
 * the writer (graph.h). A command is waiting until the host's RESULT is acted on, or until
 * graph_command_end or graph_command_restart says that there will be none; a result that comes
 * after that is true, and wins. What the host said is never changed again.
 */
#include "cma/graph/graph.h"
#include "wire/message.h"
#include "wire/warrant.h"

struct graph_command {
	int64_t host;
	int64_t issued_ms;
	char state[12];		/* waiting; or what became of it */
	struct span frame;	/* borrowed */
	struct warrant warrant; /* of the frame */
};

/*
 * Keeps a warrant, waiting. -EINVAL: it is malformed, or its signature is wrong; -ENOENT: there is
 * no such host in the tenant that it names; -EEXIST: one with its id is there; -EDQUOT: too many
 * wait for that host; -ESTALE: the host was started anew; -ETIME: it has expired, or is to be good
 * for more than a day.
 */
int graph_command_add(struct graph *g, struct span frame, int64_t *host);
typedef int graph_command_fn(void *context, const struct graph_command *command);
/* Calls fn with it: what that returns; -ENOENT when there is none. */
int graph_command_find(
	struct graph *g, const uint8_t id[WARRANT_ID], graph_command_fn *fn, void *context);

/* Can it be kept? */
bool graph_result_is_sound(const struct message_result *result);
/* The host said what came of it, soundly. No such command of that host, or a second time: no
 * effect. */
int graph_command_result(struct graph *g, int64_t host, const struct message_result *result);
/* There was no answer in time; sent: the host may have it. */
int graph_command_expire(struct graph *g, const uint8_t id[WARRANT_ID], bool sent);
/* The nanoprobe runs anew: what it was doing before, nobody can tell. */
int graph_command_restart(struct graph *g, int64_t host, uint64_t incarnation);

/* All that wait, oldest first of each host; stops at the first non-zero that fn returns. */
int graph_commands(struct graph *g, graph_command_fn *fn, void *context);

#endif
