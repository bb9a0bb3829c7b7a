/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_ERRAND_H
#define CMA_ALERT_ERRAND_H
/*
 * One piece of work in a process group of its own, with a limit of time, after which nothing of it
 * is left: neither a process that outlives the one that was started, nor one that went into a
 * group or session of its own. For a process with one thread and without other children.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	ERRAND_OUTPUT = 4096,	/* bytes of what it says that are kept; the rest is thrown away */
	ERRAND_GRACE_MS = 1000, /* between SIGTERM and SIGKILL */
	ERRAND_REAP_MS = 2000,	/* for all that is left to end after SIGKILL */
};

struct errand {
	/* Runs in the new process, whose exit code is what it returns. */
	int (*run)(void *context);
	void *context;
	int64_t time_ms;
	int watch; /* a descriptor: when its other end is closed, the work is ended at once */
};

struct errand_end {
	int status; /* as waitpid(2) tells */
	int err;    /* 0, -ETIMEDOUT, -EPIPE (see watch), or why it could not be started */
	char output[ERRAND_OUTPUT + 1]; /* of stdout and stderr, in the order of writing */
};

/* Once: what loses its parent becomes our child, so that it is found. -errno. */
int errand_init(void);
void errand_run(const struct errand *errand, struct errand_end *end);

#endif
