/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H
/* One request to the CMA over its control socket, and its answer. */
#include <stdbool.h>

#include "base/json.h"
#include "cli/output.h"

enum { CLIENT_ERROR_SIZE = 1024 };

struct client {
	char error[CLIENT_ERROR_SIZE]; /* why the last call failed */
	bool usage;		       /* what was asked for is wrong, not how it went */
};

/*
 * Connects to the socket at path, asks, and shows the answer until it ends. -errno with ->error
 * set; part of the answer may have been shown by then.
 */
int client_ask(
	struct client *client, const char *path, const json_t *request, struct output *output);

#endif
