// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/ledger.h"

#include <stdio.h>

#include "base/alloc.h"

void ledger_init(struct ledger *ledger, uint32_t hosts)
{
	*ledger = (struct ledger){ .status = mem_alloc(hosts, 1),
		.since = mem_alloc(hosts, sizeof(*ledger->since)),
		.hosts = hosts };
	for (uint32_t i = 0; i < hosts; i++)
		ledger->since[i] = INSTANT_NEVER;
}

void ledger_deinit(struct ledger *ledger)
{
	free(ledger->status);
	free(ledger->since);
	free(ledger->edges);
	free(ledger->incidents);
}

static bool is_same(const struct alive_incident *a, const struct alive_incident *b)
{
	return a->cause == b->cause && a->tenant == b->tenant && a->node == b->node &&
		a->other == b->other;
}

static struct ledger_incident *find(struct ledger *ledger, const struct alive_incident *is)
{
	for (uint32_t i = ledger->incident_count; i-- > 0;) {
		struct ledger_incident *incident = &ledger->incidents[i];

		if (incident->open && is_same(&incident->is, is))
			return incident;
	}
	return NULL;
}

static void open_incident(
	struct ledger *ledger, struct instant now, const struct alive_event *event)
{
	if (find(ledger, &event->incident)) {
		ledger->odd++;
		return;
	}
	if (ledger->incident_count == ledger->incident_capacity) {
		ledger->incident_capacity = 2 * ledger->incident_capacity + 16;
		ledger->incidents = mem_resize(
			ledger->incidents, ledger->incident_capacity, sizeof(*ledger->incidents));
	}
	ledger->incidents[ledger->incident_count++] = (struct ledger_incident){
		.is = event->incident,
		.first = event->incident,
		.opened = now,
		.cleared = INSTANT_NEVER,
		.open = true,
	};
}

static void change_incident(
	struct ledger *ledger, struct instant now, const struct alive_event *event)
{
	bool reclassify = event->kind == ALIVE_EVENT_RECLASSIFY;
	struct ledger_incident *incident =
		find(ledger, reclassify ? &event->was : &event->incident);

	if (!incident) {
		ledger->odd++;
	} else if (reclassify) {
		incident->is = event->incident;
		ledger->reclassified++;
	} else if (event->kind == ALIVE_EVENT_CLEAR) {
		incident->open = false;
		incident->cleared = now;
	} else if (event->kind == ALIVE_EVENT_CONCERNS) {
		incident->hosts++;
		incident->most =
			incident->hosts > incident->most ? incident->hosts : incident->most;
	} else {
		incident->hosts -= incident->hosts > 0;
	}
}

static void begin_edge(struct ledger *ledger, const struct alive_event *event)
{
	uint32_t from = ledger->edge_capacity;

	if (event->edge >= ledger->edge_capacity) {
		ledger->edge_capacity = 2 * event->edge + 64;
		ledger->edges =
			mem_resize(ledger->edges, ledger->edge_capacity, sizeof(*ledger->edges));
		for (uint32_t i = from; i < ledger->edge_capacity; i++)
			ledger->edges[i] = (struct ledger_edge){ 0 };
	}
	if (event->edge >= ledger->edge_end)
		ledger->edge_end = event->edge + 1;
	ledger->odd += ledger->edges[event->edge].there;
	ledger->edges[event->edge] = (struct ledger_edge){ (uint32_t)event->low - 1,
		(uint32_t)event->high - 1, event->layer, true };
	ledger->edge_count++;
	ledger->edges_begun++;
}

static void end_edge(struct ledger *ledger, const struct alive_event *event)
{
	if (event->edge >= ledger->edge_end || !ledger->edges[event->edge].there) {
		ledger->odd++;
		return;
	}
	ledger->edges[event->edge].there = false;
	ledger->edge_count--;
	ledger->edges_ended++;
}

void ledger_take(struct ledger *ledger, struct instant now, const struct alive_event *event)
{
	ledger->events++;
	switch (event->kind) {
	case ALIVE_EVENT_STATUS:
		ledger->status[event->agent - 1] = (uint8_t)event->status;
		ledger->since[event->agent - 1] = now;
		ledger->statuses[event->status]++;
		break;
	case ALIVE_EVENT_OPEN:
		open_incident(ledger, now, event);
		break;
	case ALIVE_EVENT_CONCERNS:
	case ALIVE_EVENT_FREED:
	case ALIVE_EVENT_RECLASSIFY:
	case ALIVE_EVENT_CLEAR:
		change_incident(ledger, now, event);
		break;
	case ALIVE_EVENT_EDGE:
		begin_edge(ledger, event);
		break;
	case ALIVE_EVENT_EDGE_END:
		end_edge(ledger, event);
		break;
	}
}

void ledger_print(struct instant now, const struct alive_event *event)
{
	static const char *const kinds[] = { "status", "open", "concerns", "freed", "reclassify",
		"clear", "edge", "edge end" };
	bool is_edge = event->kind == ALIVE_EVENT_EDGE || event->kind == ALIVE_EVENT_EDGE_END;

	printf("%9.3f %-10s", (double)now.ns / 1e9, kinds[event->kind]);
	if (is_edge)
		printf(" %u: %#llx %#llx\n", event->edge, (unsigned long long)event->low,
			(unsigned long long)event->high);
	else if (event->kind == ALIVE_EVENT_STATUS)
		printf(" %#llx is %d\n", (unsigned long long)event->agent, event->status);
	else
		printf(" %s %#llx/%#llx host %#llx\n", ledger_cause_text(event->incident.cause),
			(unsigned long long)event->incident.node,
			(unsigned long long)event->incident.other,
			(unsigned long long)event->agent);
}

uint32_t ledger_count(const struct ledger *ledger, enum alive_status status)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ledger->hosts; i++)
		count += ledger->status[i] == status;
	return count;
}

uint32_t ledger_open(const struct ledger *ledger)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ledger->incident_count; i++)
		count += ledger->incidents[i].open;
	return count;
}

const char *ledger_cause_text(enum alive_cause cause)
{
	static const char *const texts[ALIVE_CAUSE_COUNT] = { "host", "hung", "gone", "link",
		"switch", "partition", "power", "path", "local-path", "one-way", "isolated" };

	return texts[cause];
}

void ledger_incident_text(const struct ledger_incident *incident, char *to, size_t size)
{
	snprintf(to, size, "%s %#llx/%#llx opened %.2f as %s, %s, %u hosts",
		ledger_cause_text(incident->is.cause), (unsigned long long)incident->is.node,
		(unsigned long long)incident->is.other, (double)incident->opened.ns / 1e9,
		ledger_cause_text(incident->first.cause), incident->open ? "open" : "cleared",
		incident->most);
}
