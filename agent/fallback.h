/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_FALLBACK_H
#define AGENT_FALLBACK_H
/*
 * The snapshot without kernel programs: sock_diag (what sockets there are) and /proc (who holds
 * them), in our own network namespace. Same rows as sensor_snapshot, but the direction of a
 * connection and whether a UDP port was chosen are inferred from port numbers. Slower by far, and
 * blind to what happens between two looks.
 */
#include "agent/process.h"
#include "agent/sensor.h"

/*
 * -errno when the kernel does not answer. missing: bits of enum diag_missing, sockets that this
 * kernel cannot list.
 */
int fallback_snapshot(
	const struct process_view *view, sensor_row_fn *row, void *owner, unsigned int *missing);

#endif
