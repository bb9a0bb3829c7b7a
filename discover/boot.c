// SPDX-License-Identifier: Apache-2.0
/* Host fact "boot": the kernel's random id of this boot (random(4)): another one is a reboot. */
#include <string.h>

#include "base/file.h"
#include "discover/discover.h"

enum { BOOT_ID_SIZE = 36, BOOT_ID_FILE_MAX = 64 };

void boot_discover(const struct discover_host *host, const struct discover_sink *sink)
{
	char *id autofree =
		file_read(host->root, "proc/sys/kernel/random/boot_id", BOOT_ID_FILE_MAX, NULL);
	json_t *boot;

	if (!id)
		return;
	id[strcspn(id, "\n")] = '\0';
	if (strlen(id) != BOOT_ID_SIZE || strspn(id, "0123456789abcdef-") != BOOT_ID_SIZE)
		return;
	boot = json_object();
	json_set_text(boot, "boot_id", id);
	discover_put(sink, SECTION_HOST, "boot", boot);
}
