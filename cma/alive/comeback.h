/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_COMEBACK_H
#define CMA_ALIVE_COMEBACK_H
/*
 * An agent is back. What it was in the meantime tells what really happened:
 *
 *	of a host			of most hosts of a switch
 *	  same run	its link	  lived, and heard each other	PARTITION: the uplink
 *	  same boot	its agent	  lived, each alone		SWITCH
 *	  new boot	the host	  new boots			POWER
 *
 * An incident is over a moment after all of its hosts are back. Part of the arbiter: pure.
 */
#include "cma/alive/fault.h"

/* same_run: the nanoprobe is the one that was there before. */
void comeback(struct alive *alive, struct instant now, struct agent *agent, bool same_run);
/* Which boot of its host it is. */
void comeback_boot(struct alive *alive, struct instant now, struct agent *agent, uint64_t boot);
/* After so long it is seen whether the incident is over. */
void comeback_look(struct alive *alive, struct instant now, struct fault *fault, int wait_s);
/* The agent has told what it saw of its neighbours. */
void comeback_reported(const struct agent *agent);
/* One of its hosts tells that it did not hear another one. */
void comeback_apart(const struct agent *one, const struct agent *other);

#endif
