// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/sink.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/json.h"

static const struct sink_kind *const kinds[] = {
#define SINK(name) &sink_##name,
#include "cma/alert/sinks.def"
#undef SINK
};

const char sink_names[] =
#define SINK(name) " " #name
#include "cma/alert/sinks.def"
#undef SINK
	;

const struct sink_kind *sink_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

/* Without control characters: hosts choose some of these words. The caller frees. */
static char *plain(char *text)
{
	for (char *at = text; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = ' ';
	return text;
}

void sink_each_field(const struct sink_alert *alert, sink_field_fn *fn, void *context)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)alert->fields, key, value) {
		char *name autofree = text_format("ASSIM_%s", key);
		char *text autofree = NULL;

		if (json_is_null(value) || json_is_array(value) || json_is_object(value))
			continue;
		for (char *at = name; *at; at++)
			*at = (char)toupper((unsigned char)*at);
		text = plain(json_is_string(value) ? text_copy(json_string_value(value))
						   : json_text(value));
		fn(context, name, text);
	}
}

static const char *field(const struct sink_alert *alert, const char *key)
{
	return json_get_text(alert->fields, key);
}

char *sink_line(const struct sink_alert *alert)
{
	bool over = !strcmp(field(alert, "state"), "cleared");
	const char *kind = field(alert, "kind"), *node = field(alert, "node");

	return plain(text_format("%s: %s%s%s%s%s", over ? "cleared" : field(alert, "severity"),
		kind, *kind ? " " : "", node, *kind ? ": " : "", field(alert, "text")));
}

int sink_priority(const struct sink_alert *alert)
{
	const char *severity = field(alert, "severity");

	if (!strcmp(field(alert, "state"), "cleared"))
		return LOG_INFO;
	if (!strcmp(severity, "critical"))
		return LOG_CRIT;
	return strcmp(severity, "warning") ? LOG_INFO : LOG_WARNING;
}

int sink_send(const char *path, const char *text)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd autoclose = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (fd >= 0 && sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)) >= 0)
		return 0;
	fprintf(stderr, "%s: %m\n", path);
	return 1;
}
