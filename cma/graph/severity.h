/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_SEVERITY_H
#define CMA_GRAPH_SEVERITY_H
/*
 * How bad an incident is: "critical", services are out of reach or we cannot tell; "warning",
 * somebody should look soon; "info". By its kind, unless who opened it says otherwise.
 */
#include "cma/graph/graph.h"

const char *severity_of(const char *kind);
/* Of that incident from now on; word must be one of the three. */
int graph_incident_severity(struct graph *g, int64_t id, const char *word);

#endif
