/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_COMMAND_H
#define CMA_HUB_COMMAND_H
/*
 * Commands on their way to agents. One is sent at once, and again after 1, 2, 4, 8, 16, 30, 30 ...
 * s and when the agent comes back, until its RESULT came or it expires. An agent without a
 * session is woken (cma/hub_wake.h). Part of the hub: pure.
 */
#include "cma/hub.h"
#include "wire/warrant.h"

struct hub_command {
	struct span frame; /* a warrant; copied */
	bool sent;	   /* an earlier process of the CMA may have sent it */
};

enum { HUB_COMMANDS_MAX = 1 << 16 };

/* now_ms is wall time. -EINVAL: no warrant; -ENOENT: no such agent; -ENOBUFS: too many wait. */
int hub_command_add(
	struct hub *hub, struct instant now, int64_t now_ms, const struct hub_command *command);
size_t hub_command_count(const struct hub *hub); /* that are kept */

/* ---- for the other files of the hub ---- */

struct peer;
struct hub_commands;

struct hub_commands *hub_commands_new(void);
void hub_commands_free(struct hub_commands *commands);
/* What the wall clock said at now. */
void hub_command_clock(struct hub *hub, struct instant now, int64_t now_ms);
/* The agent's session was just proven: its commands are due. Those for an earlier run are gone. */
void hub_command_here(struct hub *hub, const struct peer *peer);
/* The agent sent this message: when it is a RESULT, its command is sent no more. */
void hub_command_heard(struct hub *hub, const struct peer *peer, struct span message);
/* What was said about commands since the last commit may be lost. */
void hub_command_rolled_back(struct hub *hub);
/* As hub_output and hub_deadline. */
size_t hub_command_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX]);
struct instant hub_command_deadline(const struct hub *hub);

#endif
