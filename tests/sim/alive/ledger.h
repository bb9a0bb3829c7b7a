/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_LEDGER_H
#define TESTS_SIM_ALIVE_LEDGER_H
/* What the store would hold of who is alive: statuses, incidents with their history, and edges. */
#include "base/instant.h"
#include "cma/alive/event.h"

struct ledger_edge {
	uint32_t low, high; /* hosts */
	uint8_t layer;
	bool there;
};

struct ledger_incident {
	struct alive_incident is, first; /* now, and as it was opened */
	struct instant opened, cleared;
	bool open;
	uint32_t hosts, most; /* that it concerns, and most of them at one time */
};

struct ledger {
	uint8_t *status; /* enum alive_status of each host */
	struct instant *since;
	uint32_t hosts;
	struct ledger_edge *edges; /* by number */
	uint32_t edge_end, edge_capacity;
	uint32_t edge_count; /* that are there */
	struct ledger_incident *incidents;
	uint32_t incident_count, incident_capacity;
	uint64_t events, edges_begun, edges_ended, reclassified;
	uint64_t statuses[ALIVE_STATUS_COUNT]; /* told */
	uint64_t odd;			       /* events that do not fit what was told before */
};

void ledger_init(struct ledger *ledger, uint32_t hosts);
void ledger_deinit(struct ledger *ledger);
void ledger_take(struct ledger *ledger, struct instant now, const struct alive_event *event);
void ledger_print(struct instant now, const struct alive_event *event);
uint32_t ledger_count(const struct ledger *ledger, enum alive_status status);
uint32_t ledger_open(const struct ledger *ledger);
/* "SWITCH 3 (12 hosts)" */
void ledger_incident_text(const struct ledger_incident *incident, char *to, size_t size);
const char *ledger_cause_text(enum alive_cause cause);

#endif
