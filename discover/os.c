// SPDX-License-Identifier: Apache-2.0
/* Host fact "os": what uname(1) and lsb_release(1) say, under the names of their options. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "discover/discover.h"

struct release {
	json_t *os;
	char *version; /* VERSION of os-release, such as "9.3 (Plow)" */
};

/* The value of a shell assignment without its quotes and backslashes, in place. */
static char *unquote(char *value)
{
	char quote = *value == '"' || *value == '\'' ? *value : '\0';
	char *from = value + (quote ? 1 : 0), *to = value;

	while (*from && !(quote && *from == quote)) {
		if (*from == '\\' && quote != '\'' && from[1])
			from++;
		*to++ = *from++;
	}
	*to = '\0';
	return value;
}

/* os-release(5). lsb_release prints ID with a capital; /etc/lsb-release, read later, knows better.
 */
static void os_release_line(void *owner, char *name, char *value)
{
	struct release *release = owner;

	unquote(value);
	if (!strcmp(name, "ID")) {
		*value = (char)toupper((unsigned char)*value);
		json_set_text(release->os, "Distributor ID", value);
	} else if (!strcmp(name, "PRETTY_NAME")) {
		json_set_text(release->os, "Description", value);
	} else if (!strcmp(name, "VERSION_ID")) {
		json_set_text(release->os, "Release", value);
	} else if (!strcmp(name, "VERSION_CODENAME")) {
		json_set_text(release->os, "Codename", value);
	} else if (!strcmp(name, "VERSION")) {
		free(release->version);
		release->version = text_copy(value);
	}
}

static void lsb_release_line(void *owner, char *name, char *value)
{
	struct release *release = owner;

	if (!strcmp(name, "DISTRIB_ID"))
		json_set_text(release->os, "Distributor ID", unquote(value));
	else if (!strcmp(name, "DISTRIB_CODENAME"))
		json_set_text(release->os, "Codename", unquote(value));
}

/* Enterprise distributions have no VERSION_CODENAME, only "9.3 (Plow)". */
static void set_codename(const struct release *release)
{
	char *open = release->version ? strchr(release->version, '(') : NULL;
	char *close = open ? strchr(open, ')') : NULL;

	if (!close || json_object_get(release->os, "Codename"))
		return;
	*close = '\0';
	json_set_text(release->os, "Codename", open + 1);
}

void os_discover(const struct discover_host *host, const struct discover_sink *sink)
{
	struct release release = { .os = json_object() };
	json_t *os = release.os;
	const struct utsname *uts = host->uts;

	json_set_text(os, "nodename", host->hostname ? host->hostname : uts->nodename);
	json_set_text(os, "kernel-name", uts->sysname);
	json_set_text(os, "kernel-release", uts->release);
	json_set_text(os, "kernel-version", uts->version);
	json_set_text(os, "machine", uts->machine);
	json_set_text(os, "processor", uts->machine);
	json_set_text(os, "hardware-platform", uts->machine);
	json_set_text(os, "operating-system", "GNU/Linux");
	if (!faccessat(host->root, "etc/os-release", R_OK, 0))
		discover_lines(host->root, "etc/os-release", '=', os_release_line, &release);
	else
		discover_lines(host->root, "usr/lib/os-release", '=', os_release_line, &release);
	discover_lines(host->root, "etc/lsb-release", '=', lsb_release_line, &release);
	set_codename(&release);
	free(release.version);
	discover_put(sink, SECTION_HOST, "os", os);
}
