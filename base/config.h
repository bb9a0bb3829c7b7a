/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H
/*
 * Options of a program: a long option and a key of its configuration file are the same word.
 * Later sources win: default, file, command line. The file is INI without sections
 * ("key = value", '#' comments).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_TEXT,
	OPTION_FLAG, /* no argument on the command line; true/false in the file */
	OPTION_DURATION,
	OPTION_ADDRESS, /* ADDR:PORT */
	OPTION_CHOICE,	/* one of "a|b|c", given in .argument */
	OPTION_LIST,	/* as text, and may be given again: values are lines of config_text */
};

struct option_def {
	const char *name;
	enum option_type type;
	const char *argument; /* what --help calls it; for OPTION_CHOICE the choices */
	const char *initial;  /* NULL: unset */
	const char *help;
	bool action; /* only on the command line: not in the file, not in --print-config */
};

enum { CONFIG_OPTIONS_MAX = 48, CONFIG_ERROR_SIZE = 512 };

/* Values, in the order of defs; each is NULL or owned. */
struct config {
	const struct option_def *defs;
	size_t count;
	char *values[CONFIG_OPTIONS_MAX];
	char error[CONFIG_ERROR_SIZE]; /* what failed, with the offending word (and file:line) */
};

/* defs ends with an entry whose name is NULL. End it with config_free. */
void config_init(struct config *config, const struct option_def *defs);
void config_free(struct config *config);
/*
 * Reads argv[1..] up to the first word that is not an option; *operands is its index (argc if
 * there is none). With only_options a further word is an error. -EINVAL with config->error set.
 */
int config_parse_args(
	struct config *config, int argc, char **argv, bool only_options, int *operands);
/* Values of the file that the command line did not set. -errno with config->error set. */
int config_parse_file(struct config *config, const char *path);

/* The value or NULL. name must be one of defs. */
const char *config_text(const struct config *config, const char *name);
bool config_flag(const struct config *config, const char *name);
/* Checked when it was set: cannot fail. 0 when unset. */
int64_t config_duration_ms(const struct config *config, const char *name);

/* "  --name ARG   help (default X)" lines, and "name = value" lines. */
void config_print_help(const struct config *config, FILE *to);
void config_print(const struct config *config, FILE *to);

#endif
