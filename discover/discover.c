// SPDX-License-Identifier: Apache-2.0
#include "discover/discover.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"

/* Largest /proc/cpuinfo of a machine with thousands of cores. */
enum { LINES_FILE_MAX = 16 << 20 };

#define FILE_MODULE(module, mask)  { #module, (mask), module##_discover },
#define EVENT_MODULE(module, mask) { #module, (mask), NULL },

const struct discover_module discover_modules[] = {
#include "discover/modules.def"
	{ .name = NULL },
};

void discover_run(const struct discover_host *host, const struct discover_sink *sink)
{
	for (const struct discover_module *module = discover_modules; module->name; module++) {
		if (module->run)
			module->run(host, sink);
	}
}

/*
 * A name in the key may be any bytes, such as that of an interface: as in the value, U+FFFD stands
 * for what is no UTF-8.
 */
static void tell(
	const struct discover_sink *sink, enum section section, const char *key, struct span value)
{
	json_t *clean autojson = json_bytes(SPAN_TEXT(key));
	struct fact fact = { section, SPAN_TEXT(json_string_value(clean)), value };

	if (fact.key.size && fact.key.size <= FACT_KEY_MAX)
		sink->fact(sink->owner, &fact);
}

void discover_put(
	const struct discover_sink *sink, enum section section, const char *key, json_t *value)
{
	char *text autofree = json_text(value);
	size_t members = json_object_size(value);

	json_decref(value);
	if (members && strlen(text) <= FACT_VALUE_MAX)
		tell(sink, section, key, SPAN_TEXT(text));
}

void discover_delete(const struct discover_sink *sink, enum section section, const char *key)
{
	tell(sink, section, key, SPAN("", 0));
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

void discover_lines(int root, const char *path, char separator,
	void (*line)(void *owner, char *name, char *value), void *owner)
{
	char *content autofree = file_read(root, path, LINES_FILE_MAX, NULL);
	char *rest = content, *text;

	while (rest && (text = strsep(&rest, "\n"))) {
		char *value = strchr(text, separator);

		if (!value)
			continue;
		*value++ = '\0';
		line(owner, trim(text), trim(value));
	}
}
