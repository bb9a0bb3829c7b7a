/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_ONCE_H
#define AGENT_ONCE_H
/* Looks once and prints: no CMA, no state directory, one process. */
#include <stdbool.h>

#include "agent/sense.h"

/* As a JSON document or as tables for a person, to stdout. -errno after a line in the log. */
int once_run(const struct sense_config *config, bool json);

#endif
