/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_DRYRUN_H
#define AGENT_DRYRUN_H
#include <stdbool.h>
#include <stdio.h>

#include "agent/tracker.h"

/*
 * Prints the changes that wait in the tracker, one a line, and counts them as told:
 *	PUT section key value		DELETE section key
 * or with json
 *	{"section":...,"key":...,"value":{...}}		without a value when the fact is gone
 */
void dryrun_print(struct tracker *tracker, bool json, FILE *to);

#endif
