// SPDX-License-Identifier: Apache-2.0
#include "agent/title.h"

#include <ctype.h>
#include <string.h>

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* And not a number that changes: a pid, an address, a share. */
static bool is_name(struct span name)
{
	for (size_t i = 0; i < name.size; i++) {
		if (isalpha(name.data[i]) || name.data[i] >= 0x80)
			return true;
	}
	return false;
}

struct span title_name(const char *word, bool single, const char *exe)
{
	const char *base = exe ? base_of(exe) : "";
	size_t length = strlen(base);
	struct span name;

	if (length && !strncmp(word, base, length) && !strncmp(word + length, ": ", 2))
		return SPAN(word, length);
	if (!single || !strchr(word, ' '))
		return SPAN("", 0);
	if ((word[0] == '/' || word[0] == '.' || !strcmp(word, base)) &&
		!strcmp(base_of(word), base))
		return SPAN("", 0);
	name = SPAN(word, strcspn(word, " "));
	if (name.size && name.data[name.size - 1] == ':')
		name.size--;
	return is_name(name) ? name : SPAN(base, length);
}
