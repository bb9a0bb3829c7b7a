// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/ring_list.h"

#include <string.h>

struct record ring_list_record(const struct ring_list *list)
{
	struct record record = {
		.kind = RECORD_RING,
		.ring = {
			.version = list->version,
			.interval_ms = list->interval_ms,
			.echo = list->echo,
			.edges = SPAN(list->edges, list->size),
		},
	};

	memcpy(record.ring.probe, list->probe, sizeof(record.ring.probe));
	return record;
}
