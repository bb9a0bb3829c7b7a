// SPDX-License-Identifier: Apache-2.0
#include "agent/boot.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "wire/seal.h"

enum { ID_SIZE = 36, FILE_SIZE_MAX = 64 };

uint64_t boot_hash(int root)
{
	char *id autofree = file_read(root, "proc/sys/kernel/random/boot_id", FILE_SIZE_MAX, NULL);
	uint8_t hash[16];
	struct reader r = reader_of(SPAN(hash, sizeof(hash)));

	if (!id)
		return 0;
	id[strcspn(id, "\n")] = '\0';
	if (strlen(id) != ID_SIZE || strspn(id, "0123456789abcdef-") != ID_SIZE)
		return 0;
	seal_hash(NULL, "np1 boot", SPAN_TEXT(id), hash, sizeof(hash));
	return get_u64(&r);
}
