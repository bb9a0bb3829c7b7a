// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/text.h"
#include "cma/graph/store.h"

/* More than a host has: two words are kept of each. */
enum { WIRES_MAX = 64 };

struct wire {
	uint64_t port, sw;
};

static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct wire *a = a_pointer, *b = b_pointer;

	return a->port == b->port ? 0 : a->port < b->port ? -1 : 1;
}

static int find_links(struct graph *g, int64_t agent, struct alive_place *place)
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_PLACE_WIRES, "i", agent);
	struct wire wires[WIRES_MAX] = { 0 };
	size_t count = 0;
	int got;

	while ((got = db_step(&g->db, s)) > 0 && count < WIRES_MAX)
		wires[count++] = (struct wire){ (uint64_t)sqlite3_column_int64(s, 0),
			(uint64_t)sqlite3_column_int64(s, 1) };
	qsort(wires, count, sizeof(*wires), compare);
	for (size_t i = 0; i < count && place->links < ALIVE_LINKS; i++) {
		/* Two protocols may tell of one cable. */
		if (i && wires[i].port == wires[i - 1].port)
			continue;
		place->link[place->links].port = wires[i].port;
		place->link[place->links++].sw = wires[i].sw;
	}
	return got < 0 ? got : 0;
}

/* The node of the subnet in which the host has this address. */
static int find_subnet(
	struct graph *g, int64_t agent, int64_t tenant, const char *address, uint64_t *subnet)
{
	char text[ADDR_TEXT_SIZE];
	struct addr addr;
	int64_t ip, id = 0;
	int got;

	if (addr_parse(address, &addr))
		return 0;
	addr_ip_text(addr.ip, text);
	got = node_find(g, tenant, "ip", text, &ip);
	if (got > 0)
		got = db_int(&g->db, &id, DB_PLACE_SUBNET, "ii", ip, agent);
	*subnet = (uint64_t)id;
	return got < 0 ? got : 0;
}

static int find_address(struct graph *g, int64_t agent, int64_t *tenant, char to[ADDR_TEXT_SIZE])
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_PLACE_ADDRESS, "i", agent);
	int got = db_step(&g->db, s);

	if (got <= 0)
		return got ? got : -ENOENT;
	*tenant = sqlite3_column_int64(s, 0);
	text_copy_to(to, ADDR_TEXT_SIZE, db_string(s, 1));
	return 0;
}

int place_find(struct graph *g, int64_t agent, int64_t tenant, const char *address,
	struct alive_place *place)
{
	int failed;

	*place = (struct alive_place){ 0 };
	failed = find_links(g, agent, place);
	if (!failed && !place->links)
		failed = find_subnet(g, agent, tenant, address, &place->subnet);
	return failed;
}

int graph_place(struct graph *g, int64_t agent, struct alive_place *place)
{
	char address[ADDR_TEXT_SIZE];
	int64_t tenant;
	int failed = find_address(g, agent, &tenant, address);

	return failed ? failed : place_find(g, agent, tenant, address, place);
}
