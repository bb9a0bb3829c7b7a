// SPDX-License-Identifier: Apache-2.0
/*
 * The journal of systemd, with every field by its name (its "Native Journal Protocol"): a datagram
 * of lines NAME=value.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cma/alert/sink.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum { DATAGRAM_MAX = 64 << 10 };

static const char *check(const char *target)
{
	return *target && *target != '/' ? "needs the path of a socket, or none for " JOURNAL_SOCKET
					 : NULL;
}

static void put_field(void *context, const char *name, const char *value)
{
	char *line autofree = text_format("%s=%s\n", name, value);

	put_span(context, SPAN_TEXT(line));
}

static int deliver(const char *target, const struct sink_alert *alert)
{
	struct writer datagram cleanup(writer_free) = writer_growing(DATAGRAM_MAX);
	char *message autofree = sink_line(alert);
	char *priority autofree = text_format("%d", sink_priority(alert));

	put_field(&datagram, "MESSAGE", message);
	put_field(&datagram, "PRIORITY", priority);
	put_field(&datagram, "SYSLOG_IDENTIFIER", "assim");
	sink_each_field(alert, put_field, &datagram);
	put_u8(&datagram, '\0');
	if (datagram.failed)
		return EXIT_FAILURE;
	return sink_send(*target ? target : JOURNAL_SOCKET, (const char *)datagram.data);
}

const struct sink_kind sink_journal = {
	.name = "journal",
	.time_ms = 10000,
	.check = check,
	.deliver = deliver,
};
