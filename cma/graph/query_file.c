// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/query_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static const char *const types[] = {
	[QUERY_TEXT] = "text",
	[QUERY_INT] = "int",
	[QUERY_BOOL] = "bool",
	[QUERY_TIME] = "time",
	[QUERY_HOST] = "host",
	[QUERY_IP] = "ip",
	[QUERY_MAC] = "mac",
	[QUERY_NODE] = "node",
};

static const char *const SPACE = " \t";

void query_file_free(struct query *query)
{
	for (size_t i = 0; i < query->param_count; i++) {
		free(query->params[i].name);
		free(query->params[i].choices);
		free(query->params[i].initial);
		free(query->params[i].text);
	}
	free(query->name);
	free(query->summary);
	free(query->edges);
	free(query->severity);
	free(query->sql);
	free(query->broken);
	*query = (struct query){ 0 };
}

/* Cuts the next word off *text, which it ends with a NUL; "" at the end. */
static char *next_word(char **text)
{
	char *word = *text + strspn(*text, SPACE);

	*text = word + strcspn(word, SPACE);
	if (**text)
		*(*text)++ = '\0';
	*text += strspn(*text, SPACE);
	return word;
}

static int parse_type(char *word, struct query_param *param)
{
	size_t length = strlen(word);

	if (!strncmp(word, "enum(", 5) && length > 6 && word[length - 1] == ')') {
		param->type = QUERY_ENUM;
		param->choices = text_copy_n(word + 5, length - 6);
		return 0;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(types[i], word)) {
			param->type = (enum query_type)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* "NAME: TYPE [= DEFAULT]  text" */
static int parse_param(char *line, struct query *query, char *error, size_t size)
{
	struct query_param *param = &query->params[query->param_count];
	char *name = next_word(&line);
	size_t length = strlen(name);
	char *word;

	if (query->param_count == QUERY_PARAMS_MAX) {
		snprintf(error, size, "more than %d parameters", QUERY_PARAMS_MAX);
		return -EINVAL;
	}
	if (length < 2 || name[length - 1] != ':') {
		snprintf(error, size, "'%.40s' is not 'NAME:'", name);
		return -EINVAL;
	}
	query->param_count++;
	param->name = text_copy_n(name, length - 1);
	word = next_word(&line);
	if (parse_type(word, param) < 0) {
		snprintf(error, size, "'%.40s' is not a type", word);
		return -EINVAL;
	}
	if (*line == '=') {
		next_word(&line);
		word = next_word(&line);
		param->initial = text_copy(strcmp(word, "\"\"") ? word : "");
	}
	param->text = text_copy(line);
	return 0;
}

/* "LEVEL" of a rule. */
static int parse_severity(const char *word, struct query *query, char *error, size_t size)
{
	static const char *const levels[] = { "info", "warning", "critical" };

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (strcmp(levels[i], word) != 0)
			continue;
		free(query->severity);
		query->severity = text_copy(word);
		return 0;
	}
	snprintf(error, size, "'%.40s' is none of info, warning and critical", word);
	return -EINVAL;
}

int query_file_parse(
	const char *name, const char *text, struct query *query, char *error, size_t error_size)
{
	static const char param[] = "-- param ", edges[] = "-- edges ", severity[] = "-- severity ";
	const char *rest = text;
	int failed = 0;

	*query = (struct query){ .name = text_copy(name) };
	for (int number = 1; *rest && !failed; number++) {
		size_t length = strcspn(rest, "\n");
		char *line autofree = text_copy_n(rest, length);
		char why[96] = "";

		if (number == 1 && strncmp(line, "-- ", 3) != 0) {
			snprintf(why, sizeof(why), "the first line is no '-- summary'");
			failed = -EINVAL;
		} else if (number == 1) {
			query->summary = text_copy(line + 3);
		} else if (!strncmp(line, param, sizeof(param) - 1)) {
			failed = parse_param(line + sizeof(param) - 1, query, why, sizeof(why));
		} else if (!strncmp(line, edges, sizeof(edges) - 1)) {
			free(query->edges);
			query->edges = text_copy(line + sizeof(edges) - 1);
		} else if (!strncmp(line, severity, sizeof(severity) - 1)) {
			failed = parse_severity(
				line + sizeof(severity) - 1, query, why, sizeof(why));
		} else if (strncmp(line, "--", 2) != 0) {
			break;
		}
		if (failed)
			snprintf(error, error_size, "line %d: %s", number, why);
		rest += length + (rest[length] == '\n');
	}
	if (!failed && (!query->summary || !*rest)) {
		snprintf(error, error_size, "there is no SELECT in it");
		failed = -EINVAL;
	}
	query->sql = text_copy(rest);
	if (failed)
		query_file_free(query);
	return failed;
}
