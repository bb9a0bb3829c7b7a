// SPDX-License-Identifier: Apache-2.0
/* The system's log: one line for each alert, as syslog(3) writes them. */
#include <syslog.h>
#include <time.h>

#include "base/alloc.h"
#include "cma/alert/sink.h"

#define SYSLOG_SOCKET "/dev/log"

static const char *check(const char *target)
{
	return *target && *target != '/' ? "needs the path of a socket, or none for " SYSLOG_SOCKET
					 : NULL;
}

static void append(void *context, const char *name, const char *value)
{
	char **line = context;
	char *before autofree = *line;

	*line = text_format("%s %s=\"%s\"", before, name, value);
}

static int deliver(const char *target, const struct sink_alert *alert)
{
	char *message autofree = sink_line(alert), *fields autofree = text_copy("");
	char *line autofree = NULL;
	char at[32] = "";
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	strftime(at, sizeof(at), "%b %e %T", &local);
	sink_each_field(alert, append, &fields);
	line = text_format(
		"<%d>%s assim: %s%s", LOG_DAEMON | sink_priority(alert), at, message, fields);
	return sink_send(*target ? target : SYSLOG_SOCKET, line);
}

const struct sink_kind sink_syslog = {
	.name = "syslog",
	.time_ms = 10000,
	.check = check,
	.deliver = deliver,
};
