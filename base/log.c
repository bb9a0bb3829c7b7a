// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048 };

static const char *const level_names[] = { "error", "warn", "info", "debug" };
/* syslog(3) priorities of the levels. */
static const char level_priority[] = { '3', '4', '6', '7' };

struct log log_open(const char *name)
{
	return (struct log){
		.name = name,
		.level = LOG_LEVEL_INFO,
		.journal = getenv("JOURNAL_STREAM") != NULL,
	};
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (!strcmp(text, level_names[i])) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t log_prefix(const struct log *log, enum log_level level, char *line)
{
	int length;

	if (log->journal)
		length = snprintf(line, LOG_LINE_MAX, "<%c>", level_priority[level]);
	else if (level == LOG_LEVEL_INFO)
		length = snprintf(line, LOG_LINE_MAX, "%s: ", log->name);
	else
		length = snprintf(line, LOG_LINE_MAX, "%s: %s: ", log->name, level_names[level]);
	return (size_t)length;
}

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	size_t length;
	va_list args;
	int wanted;

	if (level > log->level)
		return;
	length = log_prefix(log, level, line);
	va_start(args, format);
	wanted = vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	if (wanted > 0)
		length += strlen(line + length);
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0)
		return; /* nobody is left to tell */
}
