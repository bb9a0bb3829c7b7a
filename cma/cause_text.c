// SPDX-License-Identifier: Apache-2.0
#include "cma/cause_text.h"

#include <stdio.h>
#include <string.h>

#include "cma/graph/name.h"
#include "cma/graph/place.h"

/* "24 of 25 hosts behind switch sw-a12", "hosts in 10.0.0.0/24". */
static void hosts_text(const char *name, uint32_t hosts, uint32_t of, char to[GRAPH_NAME + 64])
{
	const char *where = strncmp(name, "switch ", 7) == 0 ? "behind" : "in";

	if (of)
		snprintf(to, GRAPH_NAME + 64, "%u of %u hosts %s %s", hosts, of, where, name);
	else
		snprintf(to, GRAPH_NAME + 64, "hosts %s %s", where, name);
}

/* Only a host with several links can be told from what it hangs on. */
static int host_text(struct graph *g, int64_t host, const char *name, char text[CAUSE_TEXT])
{
	struct alive_place place;
	char port[GRAPH_NAME];
	int failed = graph_place(g, host, &place);

	if (!failed && place.links == 1)
		failed = graph_name(g, (int64_t)place.link[0].port, port);
	if (failed)
		return failed;
	if (place.links == 1)
		snprintf(text, CAUSE_TEXT, "%s is down: the host or its only link, %s", name, port);
	else if (place.links)
		snprintf(text, CAUSE_TEXT, "%s is down: the host or all %u links of it", name,
			place.links);
	else
		snprintf(text, CAUSE_TEXT, "%s is down: the host or its only link", name);
	return 0;
}

static void between_text(enum alive_cause cause, const char *a, const char *b, char *text)
{
	if (cause == ALIVE_CAUSE_PATH)
		snprintf(text, CAUSE_TEXT,
			"the path between %s and %s fails: the hosts behind both answer", a, b);
	else if (cause == ALIVE_CAUSE_LOCAL_PATH)
		snprintf(text, CAUSE_TEXT,
			"%s and %s do not hear each other, and both answer: the path between them, "
			"a VLAN or a filter",
			a, b);
	else
		snprintf(text, CAUSE_TEXT,
			"%s does not hear %s, which %s it: a filter, or loss in one direction", a,
			*b ? b : "its neighbours", *b ? "hears" : "hear");
}

static void domain_text(enum alive_cause cause, const char *name, const char *hosts, char *text)
{
	if (cause == ALIVE_CAUSE_SWITCH)
		snprintf(text, CAUSE_TEXT, "%s are unreachable: %s%s", hosts,
			strncmp(name, "switch ", 7) == 0 ? "the switch, " : "a switch, ",
			"its uplink or its power");
	else if (cause == ALIVE_CAUSE_PARTITION)
		snprintf(text, CAUSE_TEXT, "%s were cut off and lived on: the uplink", hosts);
	else
		snprintf(text, CAUSE_TEXT, "%s went and were started again: power", hosts);
}

int cause_text(struct graph *g, enum alive_cause cause, const struct graph_cause *key,
	uint32_t hosts, uint32_t of, char text[CAUSE_TEXT])
{
	char name[GRAPH_NAME], other[GRAPH_NAME] = "", some[GRAPH_NAME + 64];
	int failed = graph_name(g, key->node, name);

	if (!failed && key->other)
		failed = graph_name(g, key->other, other);
	if (failed)
		return failed;
	hosts_text(name, hosts, of, some);
	switch (cause) {
	case ALIVE_CAUSE_HOST:
		return host_text(g, key->node, name, text);
	case ALIVE_CAUSE_HUNG:
		snprintf(text, CAUSE_TEXT,
			"the host %s answers, its nanoprobe does not: it hangs or was stopped",
			name);
		break;
	case ALIVE_CAUSE_GONE:
		snprintf(text, CAUSE_TEXT,
			"the host %s answers, but its nanoprobe has ended, without a goodbye",
			name);
		break;
	case ALIVE_CAUSE_LINK:
		snprintf(text, CAUSE_TEXT,
			"the link at %s is down: network card, cable or port; the host lives",
			name);
		break;
	case ALIVE_CAUSE_SWITCH:
	case ALIVE_CAUSE_PARTITION:
	case ALIVE_CAUSE_POWER:
		domain_text(cause, name, some, text);
		break;
	case ALIVE_CAUSE_PATH:
	case ALIVE_CAUSE_LOCAL_PATH:
	case ALIVE_CAUSE_ONE_WAY:
		between_text(cause, name, other, text);
		break;
	case ALIVE_CAUSE_ISOLATED:
	case ALIVE_CAUSE_COUNT:
		snprintf(text, CAUSE_TEXT,
			"this CMA hears too few hosts to believe itself: it declares none dead "
			"until it hears more");
		break;
	}
	return 0;
}
