// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cma/graph/store.h"

enum { LABEL_SIZE = 65, KEY_SHOWN = 12 };

/* A label as words in a sentence can be, cut to so many bytes. */
static void label_copy(struct span label, size_t most, char to[LABEL_SIZE])
{
	size_t size = label.size < most ? label.size : most;

	size = text_utf8_prefix(SPAN(label.data, size));
	if (size)
		memcpy(to, label.data, size);
	to[size] = '\0';
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)to[i] < ' ' || to[i] == 0x7f)
			to[i] = '?';
}

int graph_name(struct graph *g, int64_t node, char name[GRAPH_NAME])
{
	sqlite3_stmt *s dbreset = db_bind(&g->db, DB_NODE_NAME, "i", node);
	char label[LABEL_SIZE], owner[LABEL_SIZE];
	const char *kind;
	int got = db_step(&g->db, s);

	*name = '\0';
	if (got <= 0)
		return got ? got : -ENOENT;
	kind = db_string(s, 0);
	label_copy(db_text(s, 1),
		span_equal(db_text(s, 1), db_text(s, 2)) && !strcmp(kind, "host") ? KEY_SHOWN
										  : LABEL_SIZE - 1,
		label);
	label_copy(db_text(s, 4), LABEL_SIZE - 1, owner);
	if (!strcmp(kind, "switchport"))
		snprintf(name, GRAPH_NAME, "port %s of switch %s", label, owner);
	else if (!strcmp(kind, "switch"))
		snprintf(name, GRAPH_NAME, "switch %s", label);
	else
		snprintf(name, GRAPH_NAME, "%s", label);
	return 0;
}

int graph_tenant_of(struct graph *g, int64_t node, int64_t *tenant)
{
	int64_t owner = node;
	int got = 1;

	/* The owner of a tenant is 0. */
	for (*tenant = node; owner;) {
		*tenant = owner;
		got = db_int(&g->db, &owner, DB_NODE_GET, "i", *tenant);
		if (got <= 0)
			break;
	}
	return got > 0 && *tenant ? 0 : got < 0 ? got : -ENOENT;
}

int graph_tenants(struct graph *g, graph_tenant_fn *fn, void *context)
{
	int64_t tenant = 0;
	int got;

	while ((got = db_int(&g->db, &tenant, DB_TENANT_NEXT, "i", tenant)) > 0) {
		got = fn(context, tenant);
		if (got)
			break;
	}
	return got;
}
