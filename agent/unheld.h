/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_UNHELD_H
#define AGENT_UNHELD_H
/*
 * Services of our own network namespace that no process has a descriptor of: the kernel's own
 * (nfsd, WireGuard), direct descriptors of io_uring, and what is held outside our pid namespace.
 * They are what the kernel lists before and after a snapshot and the snapshot did not name: a
 * socket that is opened or closed meanwhile is none of them.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/diag.h"

struct unheld;

/* Before the snapshot. -errno, and *unheld is then NULL, which the others take. */
int unheld_begin(struct unheld **unheld, uint32_t netns) __attribute__((warn_unused_result));
/* A row of the snapshot. */
void unheld_named(struct unheld *unheld, uint64_t cookie);
/* Tells the rest, rows without a process, and frees; row NULL: only frees. -errno: told nothing. */
int unheld_end(struct unheld *unheld, diag_row_fn *row, void *owner);

#endif
