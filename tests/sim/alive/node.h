/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_NODE_H
#define TESTS_SIM_ALIVE_NODE_H
/* A host: its kernel, and its nanoprobe, if one runs. */
#include "agent/ring.h"
#include "tests/sim/alive/mail.h"

struct scene;

struct node {
	struct ring *ring; /* NULL: no nanoprobe runs */
	struct instant armed;
	struct instant asked; /* when the CMA sent it a datagram last */
	int64_t behind; /* of its monotonic clock: it stood still while the machine was paused */
	uint64_t boot, incarnation;
	struct mail_queue socket; /* what came while it did not read */
	struct mail_queue outbox; /* for the CMA */
	struct instant trying;	  /* since when it cannot tell the CMA anything */
	uint32_t stops;		  /* how often it was stopped */
	uint16_t waiting;	  /* in the socket */
	uint8_t tries;
	bool stopped, paused, telling;
	uint32_t pending; /* the newest list for it, while it does not hold it; 0 */
};

/* A nanoprobe starts; with a new boot if the host does, too. */
void node_start(struct scene *scene, uint32_t host);
void node_power(struct scene *scene, uint32_t host);
void node_boot(struct scene *scene, uint32_t host);
/* It is killed: what it had to tell is lost. */
void node_kill(struct scene *scene, uint32_t host);
/* It says goodbye and ends. */
void node_leave(struct scene *scene, uint32_t host);
/* The host dies, and its nanoprobe with it. */
void node_crash(struct scene *scene, uint32_t host);
/* SIGSTOP, or too little of the processor: it does nothing for so long; 0: until node_continue. */
void node_stop(struct scene *scene, uint32_t host, int64_t ns);
void node_continue(struct scene *scene, uint32_t host);
/* The machine does nothing for so long, nor does its kernel; its clock may stand still then. */
void node_pause(struct scene *scene, uint32_t host, int64_t ns, bool stands_still);
/* Something for the CMA, after all that is there already. */
void node_tell(struct scene *scene, uint32_t host, const struct letter *letter);

/* For the scene: */
void node_arrives(struct scene *scene, uint32_t host, uint32_t letter);
void node_timer(struct scene *scene, uint32_t host);
void node_resume(struct scene *scene, uint32_t host, uint32_t stop);
void node_try(struct scene *scene, uint32_t host);
void node_deinit(struct scene *scene, uint32_t host);

#endif
