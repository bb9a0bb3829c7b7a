/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * Lines on stderr for a person and for the journal (which reads the "<n>" priority prefix; it is
 * written only when stderr is the journal). Libraries do not log: the daemon that decides does.
 */
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log {
	const char *name;     /* put before each line: the program */
	enum log_level level; /* lines above it are dropped */
	bool journal;	      /* stderr is the journal */
};

/* name must outlive the log. Level names: error, warn, info, debug; -EINVAL for others. */
struct log log_open(const char *name);
int log_level_parse(const char *text, enum log_level *level);

/* One line; control characters in what is printed are escaped. */
void log_line(const struct log *log, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(log, ...) log_line((log), LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(log, ...)  log_line((log), LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(log, ...)  log_line((log), LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_line((log), LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
