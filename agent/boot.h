/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_BOOT_H
#define AGENT_BOOT_H
/* Which boot of the host this is. */
#include <stdint.h>

/*
 * A hash of the kernel's random id of this boot (random(4)), read below the directory root; 0 when
 * there is none.
 */
uint64_t boot_hash(int root);

#endif
