/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_REQUEST_H
#define AGENT_REQUEST_H
/*
 * What net asks of sense, as sense sees it: the sender may be in foreign hands. Pure; the
 * operations themselves are a table in agent/sense.c.
 */
#include <stdbool.h>

#include "agent/sense.h"
#include "base/buf.h"
#include "base/instant.h"

/*
 * Each operation has a cost, and credit for it comes back with time. Without credit no request is
 * read: whoever floods waits, and sense sleeps.
 */
enum { REQUEST_CREDIT = 64, REQUEST_CREDIT_PER_S = 16, REQUEST_COST_MAX = 8 };

struct request_meter {
	struct instant at; /* when the credit was counted */
	int64_t credit_ns; /* credit, in the time that it takes to come back */
};

/* Full credit. */
void request_meter_init(struct request_meter *meter, struct instant now);
/* When there is credit for any request: now or earlier, it may be read. */
struct instant request_next(struct request_meter *meter, struct instant now);
/* cost: 1 to REQUEST_COST_MAX. */
void request_spend(struct request_meter *meter, int cost);

union request {
	uint32_t op;
	struct sense_request plain;
	struct sense_command command; /* when op is SENSE_COMMAND */
};

/* Takes the next packet whole: of the size that its op has. 1, 0 at the end of the stream, -EAGAIN,
 * -EPROTO: no request. */
int request_receive(int peer, union request *request);
/* Whether it has no argument. */
bool request_is_bare(const struct sense_request *request);
/* The warrant of a command; -EPROTO when it has no such size, or something is behind it. */
int request_warrant(const struct sense_command *command, struct span *warrant);

#endif
