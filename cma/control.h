/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_CONTROL_H
#define CMA_CONTROL_H
/*
 * The control socket: a unix stream socket on which root, the CMA's own user and the members of
 * one group send requests, a JSON object a line: {"do":"query","name":"allips",...}. Each
 * connection has a thread of its own, so a slow question or a slow reader holds up nobody else.
 */
#include <stddef.h>

#include "cma/answer.h"

enum {
	CONTROL_REQUEST_MAX = 64 << 10,
	CONTROL_CONNECTIONS_MAX = 32,
	CONTROL_ERROR_SIZE = 512,
	CONTROL_TIME_LIMIT_MS = 30000, /* of the work for one answer */
};

/* What one "do" does. Runs on the connection's thread. */
struct control_request {
	const char *name;
	/* "done" is added when it returns without having said "error". */
	void (*run)(void *user, const json_t *request, struct answer *answer);
};

struct control_config {
	const char *path;
	const char *group;			/* NULL: none */
	const struct control_request *requests; /* ends with a NULL name; outlives the control */
	void *user;				/* given to run */
};

struct control;

/*
 * Makes the socket (mode 0660). -EADDRINUSE when another process answers on it, else -errno, with
 * error telling what and where. End it with control_close.
 */
int control_open(const struct control_config *config, struct control **control, char *error,
	size_t error_size);
/* Ends every connection, waits for their threads and removes the socket. NULL is fine. */
void control_close(struct control *control);
/* Readable when control_accept has work. */
int control_fd(const struct control *control);
/* Takes one waiting connection and starts its thread; does not block. */
void control_accept(struct control *control);

#endif
