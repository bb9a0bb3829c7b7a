/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_SETTINGS_H
#define CMA_ALERT_SETTINGS_H
/*
 * What the option "alert" says of one sink:
 *	KIND [TARGET] [timeout=DURATION] [severity=LEVEL] [kind=WORD[,WORD...]]
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cma/alert/sink.h"

enum { SETTINGS_ERROR = 512, SETTINGS_TIME_MAX_MS = 600000 };

struct settings {
	const struct sink_kind *kind;
	char *target;	    /* "" for none */
	char *kinds;	    /* of incidents, patterns between commas; NULL: all */
	int64_t time_ms;    /* for one delivery */
	int severity_least; /* settings_severity */
	char *name;	    /* "KIND TARGET": what remembers how far it was told */
};

/*
 * Reads one line; a directory of programs is a sink for each of them. Calls take for each sink,
 * which takes it over. -EINVAL with error telling, or what take returned.
 */
typedef int settings_take_fn(void *context, struct settings *settings);
int settings_parse(const char *line, settings_take_fn *take, void *context, char *error);
void settings_free(struct settings *settings);

/* 0 info, 1 warning, 2 critical; -1: it is none of them. */
int settings_severity(const char *word);
bool settings_want(const struct settings *settings, const char *kind, const char *severity);
/* The name without what may be secret in a URL; the caller frees. */
char *settings_shown(const struct settings *settings);

#endif
