/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H
/* What the tracker holds, as a few tables for a person. */
#include <stdio.h>

#include "agent/tracker.h"

void report_print(const struct tracker *tracker, FILE *to);

#endif
