/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_DRYRUN_H
#define AGENT_DRYRUN_H
#include <stdio.h>

#include "agent/tracker.h"

/*
 * Prints the changes that wait in the tracker, one a line as "PUT section key value" or
 * "DELETE section key", and counts them as told.
 */
void dryrun_print(struct tracker *tracker, FILE *to);

#endif
