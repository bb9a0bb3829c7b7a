/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_MACHINE_H
#define AGENT_MACHINE_H
/*
 * Is this the machine that the key of the state directory was made for? A hash of machine-id(5) is
 * kept beside the key, so that the copy of an image or a disk does not speak in the name of the
 * original. The id itself goes nowhere, as machine-id(5) asks.
 */
#include <stdbool.h>

enum { MACHINE_OTHER = 1 };

/*
 * Compares the id in the file at path with what the state directory dir keeps. 0 also when nothing
 * is kept yet, which then is: now; and when the path is NULL or has no machine id: such a host is
 * not checked. With accept what is kept is replaced. MACHINE_OTHER: it differs; else -errno.
 */
int machine_check(int dir, const char *path, bool accept);

#endif
