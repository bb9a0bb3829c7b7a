/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FLEET_H
#define TESTS_SUPPORT_FLEET_H
/*
 * A real cma on loopback, and many agents in this process, each with its own keys, session and
 * address in 127/8; they share one socket. What cannot be done ends the process with a message.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "agent/uplink.h"
#include "wire/token.h"

struct fleet_agent {
	struct tracker *tracker;
	struct uplink *uplink; /* NULL until it is started */
	struct instant due;
	struct instant told;	/* the last change, */
	struct instant settled; /* and when it was durable; 0 before */
	unsigned int inits;
	uint16_t beat_port;
	unsigned int neighbours; /* in the list that it has, */
	unsigned int lists;	 /* and how many lists it got */
};

struct fleet {
	char directory[32], control[64];
	pid_t cma;
	struct token token;
	int fd;
	uint16_t beat_port; /* 0: they say nothing of heartbeats, and get no neighbours */
	struct fleet_agent *agents;
	size_t count, cursor;
	size_t settled; /* agents that have nothing to tell */
};

/* Starts program in a directory of its own; cmactl makes a token for as many agents. */
void fleet_open(struct fleet *fleet, const char *program, const char *cmactl, size_t agents);
/* Ends the agents and the CMA, and removes its directory. */
void fleet_close(struct fleet *fleet);
/* From now on agents say that they exchange heartbeats; what comes for these is not answered. */
void fleet_beat(struct fleet *fleet);
/* Enrols with the token. */
void fleet_start(struct fleet *fleet, size_t agent);
/* A fact of its host changes. */
void fleet_tell(struct fleet *fleet, size_t agent, unsigned int value);
/* Takes what came and sends what is due, some of it; waits for a millisecond when there is none. */
void fleet_turn(struct fleet *fleet);
double fleet_seconds_since(struct instant since);

#endif
