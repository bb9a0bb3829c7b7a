/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_SINK_H
#define CMA_ALERT_SINK_H
/*
 * What a kind of sink is: how one alert is handed over. A kind knows nothing of queues, limits,
 * retries or other sinks; it is run in a process of its own for each alert (errand.h), so it may
 * block, leak and crash.
 */
#include <stdbool.h>

#include <jansson.h>

struct sink_alert {
	const json_t *fields; /* docs/alerts.md names them */
	const char *text;     /* the same, as it is sent */
};

struct sink_kind {
	const char *name;
	int time_ms;   /* that one delivery may take, unless the operator says otherwise */
	bool programs; /* a target that is a directory stands for each executable in it */
	/* What is wrong with a target; NULL: nothing. target is "" when none was given. */
	const char *(*check)(const char *target);
	/*
	 * 0 when the alert was taken; anything else and it is handed over again later. What it
	 * writes to stderr tells why. Signals are as for a new program.
	 */
	int (*deliver)(const char *target, const struct sink_alert *alert);
};

#define SINK(name) extern const struct sink_kind sink_##name;
#include "cma/alert/sinks.def"
#undef SINK

/*
 * Calls fn with each field that is no list, named as an environment variable: "incident" is
 * "ASSIM_INCIDENT". Values have no control characters; those that are null are left out.
 */
typedef void sink_field_fn(void *context, const char *name, const char *value);
void sink_each_field(const struct sink_alert *alert, sink_field_fn *fn, void *context);
/* One line for people: "critical: host web1: ...". The caller frees. */
char *sink_line(const struct sink_alert *alert);
/* As syslog(3) counts: 2 (critical) to 6 (information, also for what is over). */
int sink_priority(const struct sink_alert *alert);
/* Sends a datagram to a unix socket: the exit code of a delivery. */
int sink_send(const char *path, const char *text);

/* The kind of that name, or NULL. */
const struct sink_kind *sink_find(const char *name);
/* All names, for people: " exec journal syslog webhook". */
extern const char sink_names[];

#endif
