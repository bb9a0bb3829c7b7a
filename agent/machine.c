// SPDX-License-Identifier: Apache-2.0
#include "agent/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "wire/seal.h"

enum { ID_SIZE = 16, HASH_SIZE = 16, FILE_SIZE_MAX = 64 };

#define KEPT "machine"

/* As hex, with a newline. False when this host has no id: none yet, or "uninitialized". */
static bool read_hash(const char *path, char to[2 * HASH_SIZE + 2])
{
	char *text autofree = path ? file_read(AT_FDCWD, path, FILE_SIZE_MAX, NULL) : NULL;
	uint8_t id[ID_SIZE], hash[HASH_SIZE];

	if (!text)
		return false;
	text[strcspn(text, "\n")] = '\0';
	if (text_parse_hex(text, id, sizeof(id)))
		return false;
	seal_hash(NULL, "np1 machine", SPAN(id, sizeof(id)), hash, sizeof(hash));
	text_hex(hash, sizeof(hash), to);
	strcat(to, "\n");
	return true;
}

int machine_check(int dir, const char *path, bool accept)
{
	char here[2 * HASH_SIZE + 2];
	char *kept autofree = NULL;

	if (!read_hash(path, here))
		return 0;
	kept = file_read(dir, KEPT, FILE_SIZE_MAX, NULL);
	if (!kept && errno != ENOENT)
		return -errno;
	if (kept && !strcmp(kept, here))
		return 0;
	if (kept && !accept)
		return MACHINE_OTHER;
	return file_replace(dir, KEPT, here, strlen(here), 0600);
}
