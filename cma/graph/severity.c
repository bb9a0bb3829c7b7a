// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/severity.h"

#include <string.h>

#include "cma/graph/store.h"

/* All others are warnings: what they tell of still works, or works again by itself. */
static const char *const critical[] = { "host", "switch", "partition", "power", "cma-isolated" };

const char *severity_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(critical) / sizeof(*critical); i++)
		if (!strcmp(critical[i], kind))
			return "critical";
	return "warning";
}

int graph_incident_severity(struct graph *g, int64_t id, const char *word)
{
	return db_run(&g->db, DB_INCIDENT_SEVERITY, "it", id, word);
}
