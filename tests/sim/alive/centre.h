/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_CENTRE_H
#define TESTS_SIM_ALIVE_CENTRE_H
/* The CMA, as far as it is concerned with who is alive. */
#include "cma/alive/alive.h"
#include "tests/sim/alive/mail.h"
#include "tests/sim/random.h"

struct scene;

struct centre {
	struct alive *alive;
	struct instant armed;
	struct mail_queue inbox; /* what came while it did not run */
	uint32_t stops;
	bool stopped;
	int64_t cpu_ns; /* that it took */
	size_t bytes;	/* that it took when it began */
	struct random random;
	uint8_t key[SEAL_KEY]; /* of the agent that was asked for last */
};

void centre_init(struct scene *scene);
void centre_deinit(struct scene *scene);
/* All hosts are in the store; none has been heard yet. */
void centre_begin(struct scene *scene);
/* A host enrolled. */
void centre_add(struct scene *scene, uint32_t host);
void centre_stop(struct scene *scene, int64_t ns);

/* For the scene: */
void centre_arrives(struct scene *scene, uint32_t letter);
void centre_timer(struct scene *scene);
void centre_resume(struct scene *scene, uint32_t stop);
/* Tries to hand over a list. */
void centre_list(struct scene *scene, uint32_t host, uint32_t letter);

#endif
