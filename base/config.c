// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/alloc.h"
#include "base/text.h"

void config_init(struct config *config, const struct option_def *defs)
{
	*config = (struct config){ .defs = defs };
	while (defs[config->count].name)
		config->count++;
	assert(config->count <= CONFIG_OPTIONS_MAX);
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		free(config->values[i]);
	memset(config->values, 0, sizeof(config->values));
}

/* Index of the option whose name is name[0..size), or count. */
static size_t config_find(const struct config *config, const char *name, size_t size)
{
	for (size_t i = 0; i < config->count; i++) {
		if (strlen(config->defs[i].name) == size &&
			!memcmp(config->defs[i].name, name, size))
			return i;
	}
	return config->count;
}

static bool choice_has(const char *choices, const char *value)
{
	size_t length = strcspn(value, "|");

	if (value[length])
		return false;
	for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
		if (!strncmp(at, value, length) && (at[length] == '|' || !at[length]) && length)
			return true;
	}
	return false;
}

/* What is wrong with value for this option; NULL when it is good. */
static const char *value_complaint(const struct option_def *def, const char *value)
{
	struct addr addr;
	int64_t ms;

	switch (def->type) {
	case OPTION_TEXT:
	case OPTION_LIST:
		return *value ? NULL : "must not be empty";
	case OPTION_FLAG:
		return choice_has("true|false", value) ? NULL : "must be true or false";
	case OPTION_DURATION:
		return text_parse_duration(value, &ms)
			? "must be a duration such as 90s, 15m, 24h or 7d"
			: NULL;
	case OPTION_ADDRESS:
		return addr_parse(value, &addr)
			? "must be ADDRESS:PORT with a numeric address ([v6]:PORT)"
			: NULL;
	case OPTION_CHOICE:
		return choice_has(def->argument, value) ? NULL : def->argument;
	}
	return "has an unknown type";
}

/* What is given again replaces what was, or is one more line of a list. */
static void config_put(const struct option_def *def, char **to, const char *value)
{
	char *before autofree = *to;

	*to = before && def->type == OPTION_LIST ? text_format("%s\n%s", before, value)
						 : text_copy(value);
}

static int config_set(struct config *config, size_t index, const char *value, const char *where)
{
	const struct option_def *def = &config->defs[index];
	const char *complaint = value_complaint(def, value);

	if (complaint) {
		snprintf(config->error, sizeof(config->error), "%s%s '%s': %s%s", where, def->name,
			value, def->type == OPTION_CHOICE ? "must be one of " : "", complaint);
		return -EINVAL;
	}
	config_put(def, &config->values[index], value);
	return 0;
}

int config_parse_args(
	struct config *config, int argc, char **argv, bool only_options, int *operands)
{
	int at = 1, err = 0;

	for (; at < argc && !err; at++) {
		const char *word = argv[at], *value = strchr(word, '=');
		size_t index;

		if (strncmp(word, "--", 2) || !word[2])
			break;
		word += 2;
		index = config_find(config, word, value ? (size_t)(value - word) : strlen(word));
		if (index == config->count) {
			snprintf(config->error, sizeof(config->error), "unknown option '%s'",
				argv[at]);
			return -EINVAL;
		}
		if (value)
			err = config_set(config, index, value + 1, "--");
		else if (config->defs[index].type == OPTION_FLAG)
			err = config_set(config, index, "true", "--");
		else if (++at < argc)
			err = config_set(config, index, argv[at], "--");
		else {
			snprintf(config->error, sizeof(config->error),
				"option '--%s' needs a value (%s)", word,
				config->defs[index].argument);
			return -EINVAL;
		}
	}
	if (!err && at < argc && !strcmp(argv[at], "--"))
		at++;
	if (!err && at < argc && only_options) {
		snprintf(
			config->error, sizeof(config->error), "unexpected argument '%s'", argv[at]);
		err = -EINVAL;
	}
	*operands = at;
	return err;
}

struct file_parse {
	struct config *config;
	const char *path;
	FILE *file;
	int line;
	bool set_before[CONFIG_OPTIONS_MAX]; /* by the command line */
};

/*
 * ini_parse_stream reads through this, which is how the line of an error is known, and why a line
 * that is indented or too long for it is not taken for something else.
 */
static char *next_line(char *to, int size, void *user)
{
	struct file_parse *parse = user;
	struct config *config = parse->config;
	char *line = fgets(to, size, parse->file);
	size_t indent = line ? strspn(line, " \t") : 0, length = line ? strlen(line) : 0;

	parse->line++;
	if (line && length + 1 == (size_t)size && line[length - 1] != '\n' && !config->error[0])
		snprintf(config->error, sizeof(config->error), "%s:%d: longer than %d characters",
			parse->path, parse->line, size - 2);
	if (line)
		memmove(line, line + indent, length + 1 - indent);
	return line;
}

static int on_file_value(void *user, const char *section, const char *name, const char *value)
{
	struct file_parse *parse = user;
	struct config *config = parse->config;
	size_t index = config_find(config, name, strlen(name));
	char *where autofree = text_format("%s:%d: ", parse->path, parse->line);

	if (config->error[0])
		return 0; /* the first error is the one to tell */
	if (*section) {
		snprintf(config->error, sizeof(config->error), "%sunexpected section '[%s]'", where,
			section);
		return 0;
	}
	if (index == config->count || config->defs[index].action) {
		snprintf(config->error, sizeof(config->error), "%sunknown key '%s'", where, name);
		return 0;
	}
	if (parse->set_before[index] && !value_complaint(&config->defs[index], value))
		return 1;
	return !config_set(config, index, value, where);
}

/* The parser tells the number of a line that it does not understand; people want to see it. */
static void complain_line(struct file_parse *parse, int number)
{
	char text[200] = "";

	rewind(parse->file);
	for (int left = number; left > 0 && fgets(text, sizeof(text), parse->file);)
		left -= strchr(text, '\n') != NULL;
	text[strcspn(text, "\r\n")] = '\0';
	snprintf(parse->config->error, sizeof(parse->config->error),
		"%s:%d: not 'key = value': '%s'", parse->path, number, text);
}

int config_parse_file(struct config *config, const char *path)
{
	struct file_parse parse = { .config = config, .path = path };
	int line, err;

	for (size_t i = 0; i < config->count; i++)
		parse.set_before[i] = config->values[i] != NULL;
	config->error[0] = '\0';
	parse.file = fopen(path, "re");
	if (!parse.file) {
		err = -errno;
		snprintf(config->error, sizeof(config->error), "cannot read %s: %s", path,
			strerror(-err));
		return err;
	}
	line = ini_parse_stream(next_line, &parse, on_file_value, &parse);
	err = ferror(parse.file) ? -EIO : 0; /* it is a directory, for example */
	if (err)
		snprintf(config->error, sizeof(config->error), "cannot read %s", path);
	else if (line && !config->error[0])
		complain_line(&parse, line);
	fclose(parse.file);
	return !err && config->error[0] ? -EINVAL : err;
}

const char *config_text(const struct config *config, const char *name)
{
	size_t index = config_find(config, name, strlen(name));

	assert(index < config->count);
	return config->values[index] ? config->values[index] : config->defs[index].initial;
}

bool config_flag(const struct config *config, const char *name)
{
	const char *value = config_text(config, name);

	return value && !strcmp(value, "true");
}

int64_t config_duration_ms(const struct config *config, const char *name)
{
	const char *value = config_text(config, name);
	int64_t ms = 0;

	return value && !text_parse_duration(value, &ms) ? ms : 0;
}

enum { HELP_COLUMN = 29 }; /* where what an option is for begins; a longer one gets a line */

void config_print_help(const struct config *config, FILE *to)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct option_def *def = &config->defs[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s %s", def->name,
			def->type == OPTION_FLAG ? "" : def->argument);
		fprintf(to, "  %-*s", HELP_COLUMN, left);
		if (strlen(left) >= HELP_COLUMN)
			fprintf(to, "\n  %-*s", HELP_COLUMN, "");
		fputs(def->help, to);
		if (def->initial && def->type != OPTION_FLAG)
			fprintf(to, " (default %s)", def->initial);
		fputc('\n', to);
	}
}

void config_print(const struct config *config, FILE *to)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct option_def *def = &config->defs[i];
		const char *value = config_text(config, def->name);

		if (def->action)
			continue;
		for (; value && strchr(value, '\n'); value = strchr(value, '\n') + 1)
			fprintf(to, "%s = %.*s\n", def->name, (int)strcspn(value, "\n"), value);
		fprintf(to, "%s%s = %s\n", value ? "" : "# ", def->name, value ? value : "");
	}
}
