// SPDX-License-Identifier: Apache-2.0
/* Host fact "memory": the sizes of /proc/meminfo that do not change by themselves, in kB. */
#include <string.h>

#include "base/text.h"
#include "discover/discover.h"

static void meminfo_line(void *owner, char *name, char *value)
{
	char *unit = strchr(value, ' ');
	int64_t kilobytes;

	if (strcmp(name, "MemTotal") && strcmp(name, "SwapTotal") && strcmp(name, "Hugepagesize"))
		return;
	if (!unit || strcmp(unit, " kB"))
		return;
	*unit = '\0';
	if (!text_parse_number(value, 0, INT64_MAX, &kilobytes))
		json_object_set_new(owner, name, json_integer(kilobytes));
}

void memory_discover(const struct discover_host *host, const struct discover_sink *sink)
{
	json_t *memory = json_object();

	discover_lines(host->root, "proc/meminfo", ':', meminfo_line, memory);
	discover_put(sink, SECTION_HOST, "memory", memory);
}
