/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H
/*
 * The commands of cmactl. Each turns its command line into one request to the CMA; how the answer
 * is shown is the same for all. A new command is a function in a file of its subject and a line
 * in the table of command.c.
 */
#include <stdio.h>

#include "base/json.h"
#include "cli/args.h"
#include "cli/output.h"

struct command {
	const char *name;     /* one word, or two: "token create" */
	const char *operands; /* as help shows them */
	const char *summary;
	enum output_style style;
	unsigned int options; /* those it takes besides the common ones, a bit each */
	/* Sets "do" and parameters. -EINVAL with args->error set when the command line is wrong. */
	int (*request)(struct args *args, json_t *request);
	/*
	 * When request is NULL: does all of it. 0, or COMMAND_NOT_DONE when what was wanted did not
	 * come about; else -errno as above.
	 */
	int (*run)(struct args *args, struct output *output);
};

enum { COMMAND_NOT_DONE = 1 };

#define COMMAND_CONTROL_DEFAULT "/run/assim/cma.sock"

/*
 * The command that the first operands name; they are removed from args. "token --help" finds
 * "token create". NULL with args->error set.
 */
const struct command *command_find(struct args *args);
/* -EINVAL with args->error set when an option was given that the command does not know. */
int command_check_options(const struct command *command, struct args *args);
/* command NULL: all of them. */
void command_help(const struct command *command, FILE *to);

int command_status(struct args *args, json_t *request);
int command_hosts(struct args *args, json_t *request);
int command_history(struct args *args, json_t *request);
int command_explain(struct args *args, json_t *request);
int command_watch(struct args *args, json_t *request);
int command_query(struct args *args, json_t *request);
int command_query_list(struct args *args, json_t *request);
int command_token_create(struct args *args, json_t *request);
int command_agents(struct args *args, json_t *request);
int command_tokens(struct args *args, json_t *request);
int command_token_revoke(struct args *args, json_t *request);
int command_pending(struct args *args, json_t *request);
int command_approve(struct args *args, json_t *request);
int command_revoke(struct args *args, json_t *request);

/* incident.c */
int command_incidents(struct args *args, json_t *request);
int command_incident_clear(struct args *args, json_t *request);
int command_events(struct args *args, json_t *request);
int command_maintenance(struct args *args, json_t *request);

int command_commands(struct args *args, json_t *request);
int command_run(struct args *args, struct output *output);
int command_operator_create(struct args *args, struct output *output);

int command_key_status(struct args *args, json_t *request);
int command_key_next(struct args *args, json_t *request);
int command_key_rotate(struct args *args, json_t *request);
int command_key_retire(struct args *args, json_t *request);
int command_root_create(struct args *args, struct output *output);
int command_root_show(struct args *args, struct output *output);
int command_root_sign(struct args *args, struct output *output);

/* For these: -EINVAL with args->error set unless there are low to high operands. */
int command_operands(struct args *args, size_t low, size_t high, const char *what);
/* operands[from..] as "name=value" into request["params"]; -EINVAL with args->error set. */
int command_params(struct args *args, size_t from, json_t *request);

#endif
