/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H
/* The command line of cmactl, taken apart: options may stand anywhere, the rest are operands. */
#include <stdbool.h>
#include <stddef.h>

enum args_option {
	ARGS_CONTROL,
	ARGS_OUTPUT,
	ARGS_TENANT,
	ARGS_TTL,
	ARGS_KEY,
	ARGS_WAIT,
	ARGS_USES,
	ARGS_ALL,
	ARGS_FOLLOW,
	ARGS_SINCE,
	ARGS_UNTIL,
	ARGS_NOTE,
	ARGS_HELP,
	ARGS_VERSION,
	ARGS_OPTION_COUNT
};

struct args_option_def {
	const char *name;     /* behind "--" */
	char letter;	      /* behind "-"; '\0': none */
	const char *argument; /* what help calls its value; NULL: it has none */
	const char *help;
};

extern const struct args_option_def args_options[ARGS_OPTION_COUNT];

enum { ARGS_OPERANDS_MAX = 32, ARGS_ERROR_SIZE = 512 };

/* Everything is borrowed from argv. */
struct args {
	const char *options[ARGS_OPTION_COUNT]; /* value, "" for one without; NULL: not given */
	const char *operands[ARGS_OPERANDS_MAX];
	size_t operand_count;
	char error[ARGS_ERROR_SIZE]; /* what is wrong, with the offending word */
};

/* -EINVAL with args->error set. */
int args_parse(struct args *args, int argc, char **argv);

#endif
