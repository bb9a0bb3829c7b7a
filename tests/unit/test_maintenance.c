// SPDX-License-Identifier: Apache-2.0
/* What operators are at work on, and which incidents nobody is told of meanwhile. */
#include "tests/unit/estate.h"

#include <errno.h>

#include "cma/graph/admit.h"
#include "cma/graph/incident.h"
#include "cma/graph/maintenance.h"

#define T0 "2023-11-14T22:13:20.000Z" /* ESTATE_START */
#define T1 "2023-11-14T22:13:21.000Z"
#define T2 "2023-11-14T22:13:22.000Z"

static int64_t tenant_of(struct estate *e, const char *name)
{
	int64_t tenant;

	assert_int_equal(graph_tenant(e->graph, name, &tenant), 0);
	return tenant;
}

static int64_t node_of(struct estate *e, const char *text)
{
	int64_t node = 0, tenant;

	assert_int_equal(
		query_node(e->queries, "default", text, &node, &tenant, e->error, sizeof(e->error)),
		0);
	assert_true(tenant == tenant_of(e, "default"));
	return node;
}

static int on(struct estate *e, const char *tenant, int64_t node, int64_t until, const char *note)
{
	const struct graph_maintenance maintenance = {
		.tenant = tenant_of(e, tenant),
		.node = node,
		.until_ms = until,
		.operator= "root",
		.note = note,
	};
	int err;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	err = graph_maintenance_on(e->graph, &maintenance);
	assert_int_equal(graph_commit(e->graph), 0);
	return err;
}

static int off(struct estate *e, const char *tenant, int64_t node)
{
	int err;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	err = graph_maintenance_off(e->graph, tenant_of(e, tenant), node, "root");
	assert_int_equal(graph_commit(e->graph), 0);
	return err;
}

static void sweep(struct estate *e)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_maintenance_expired(e->graph), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

/* One that concerns so many hosts. */
static int64_t trouble(struct estate *e, int64_t node, const int64_t *hosts, size_t count)
{
	int64_t id;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(
		graph_incident_open(e->graph, tenant_of(e, "default"), "x", node, "it is", &id), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(graph_incident_host(e->graph, id, hosts[i]), 0);
	assert_int_equal(graph_commit(e->graph), 0);
	return id;
}

static int64_t is_quiet(struct estate *e, int64_t incident)
{
	char *sql autofree = text_format(
		"SELECT count(*) FROM quiet WHERE incident = %lld", (long long)incident);

	return estate_sql(e, sql);
}

static void test_life(void **state)
{
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	assert_int_equal(on(&e, "default", web, GRAPH_NO_END, ""), 0);
	e.now += 1000;
	/* Later words count, from the same beginning. */
	assert_int_equal(on(&e, "default", web, e.now + 1000, "new disk"), 0);
	estate_expect(&e, "maintenance", NULL,
		"[{'ended':null,'kind':'host','node':'web','note':'new disk','operator':'root',"
		"'since':'" T0 "','until':'" T2 "'}]");
	sweep(&e);
	estate_expect(&e, "maintenance", "{'all':'yes'}",
		"[{'ended':null,'kind':'host','node':'web','note':'new disk','operator':'root',"
		"'since':'" T0 "','until':'" T2 "'}]");
	e.now += 1000;
	sweep(&e);
	sweep(&e);
	estate_expect(&e, "maintenance", NULL, "[]");
	estate_expect(&e, "maintenance", "{'all':'yes'}",
		"[{'ended':'" T2 "','kind':'host','node':'web','note':'new disk',"
		"'operator':'root','since':'" T0 "','until':'" T2 "'}]");
	estate_expect(&e, "maintenance", "{'as_of':'" T1 "'}",
		"[{'ended':null,'kind':'host','node':'web','note':'new disk','operator':'root',"
		"'since':'" T0 "','until':'" T2 "'}]");
	assert_int_equal(off(&e, "default", web), -ENOENT);
	estate_expect(&e, "events", "{'since':'2023-11-14'}",
		"[{'id':1,'incident':null,'kind':'up','node':'web','text':'010101010101 is up',"
		"'time':'" T0 "'},"
		"{'id':2,'incident':null,'kind':'maintenance','node':'web',"
		"'text':'web is under maintenance','time':'" T0 "'},"
		"{'id':3,'incident':null,'kind':'maintenance','node':'web','text':"
		"'web is under maintenance until " T2 ": new disk','time':'" T1 "'},"
		"{'id':4,'incident':null,'kind':'maintenance-over','node':'web',"
		"'text':'the maintenance of web is over','time':'" T2 "'}]");
	estate_remove(&e);
}

/* A second one in the same moment ends the first for good, and is not lost. */
static void test_again(void **state)
{
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	assert_int_equal(on(&e, "default", web, GRAPH_NO_END, "one"), 0);
	assert_int_equal(off(&e, "default", web), 0);
	assert_int_equal(on(&e, "default", web, GRAPH_NO_END, "two"), 0);
	assert_int_equal(off(&e, "default", web), 0);
	assert_int_equal(on(&e, "default", web, GRAPH_NO_END, "three"), 0);
	assert_int_equal(estate_sql(&e,
				 "SELECT count(*) FROM maintenance WHERE note = 'three'"
				 " AND gone = 9223372036854775807"),
		1);
	estate_remove(&e);
}

static void test_refused(void **state)
{
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", "p1");
	estate_enrol(&e, "other", 2);
	assert_int_equal(on(&e, "other", web, GRAPH_NO_END, ""), -ENOENT);
	assert_int_equal(on(&e, "default", 12345, GRAPH_NO_END, ""), -ENOENT);
	assert_int_equal(on(&e, "default", node_of(&e, "10.0.0.1"), GRAPH_NO_END, ""), -ENOENT);
	assert_int_equal(on(&e, "default", web, e.now, ""), -EINVAL);
	assert_int_equal(on(&e, "default", web, e.now + 1, ""), 0);
	assert_int_equal(off(&e, "other", web), -ENOENT);
	assert_int_equal(off(&e, "default", web), 0);
	estate_remove(&e);
}

static void test_quiet(void **state)
{
	struct estate e;
	int64_t a, b, sw, pair[2], of_a, of_both, of_switch, of_port;

	(void)state;
	estate_new(&e);
	pair[0] = a = estate_host(&e, 1, "a", "p1");
	pair[1] = b = estate_host(&e, 2, "b", "p2");
	sw = node_of(&e, "sw1");
	of_a = trouble(&e, a, &a, 1);
	of_both = trouble(&e, tenant_of(&e, "default"), pair, 2);
	of_switch = trouble(&e, sw, pair, 2);
	of_port = trouble(&e, node_of(&e, "sw1:p2"), NULL, 0);
	assert_int_equal(is_quiet(&e, of_a), 0);

	assert_int_equal(on(&e, "default", a, GRAPH_NO_END, ""), 0);
	assert_int_equal(is_quiet(&e, of_a), 1);
	assert_int_equal(is_quiet(&e, of_both), 0);
	assert_int_equal(is_quiet(&e, of_switch), 0);
	assert_int_equal(on(&e, "default", b, GRAPH_NO_END, ""), 0);
	assert_int_equal(is_quiet(&e, of_both), 1);
	assert_int_equal(off(&e, "default", b), 0);
	assert_int_equal(is_quiet(&e, of_both), 0);
	assert_int_equal(off(&e, "default", a), 0);
	assert_int_equal(is_quiet(&e, of_a), 0);

	/* A switch, its ports, and what hangs on nothing else. */
	assert_int_equal(on(&e, "default", sw, GRAPH_NO_END, ""), 0);
	assert_int_equal(is_quiet(&e, of_switch), 1);
	assert_int_equal(is_quiet(&e, of_port), 1);
	assert_int_equal(is_quiet(&e, of_a), 1);
	assert_int_equal(is_quiet(&e, of_both), 1);
	estate_tell(&e, a, SECTION_LLDP, "eth1 LLDP x 1",
		"{'chassis_id':'x','ifname':'eth1','port_id':'1','protocol':'LLDP'}");
	assert_int_equal(is_quiet(&e, of_a), 0);
	assert_int_equal(is_quiet(&e, of_both), 0);
	assert_int_equal(is_quiet(&e, of_switch), 1);
	{
		char *rows autofree = estate_ask(&e, "incidents", NULL);

		assert_non_null(strstr(rows, "'maintenance':'yes','node':'sw1',"));
		assert_non_null(strstr(rows, "'maintenance':'yes','node':'sw1:p2',"));
		assert_non_null(strstr(rows, "'maintenance':null,'node':'a',"));
	}
	assert_int_equal(on(&e, "default", node_of(&e, "x"), GRAPH_NO_END, ""), 0);
	assert_int_equal(is_quiet(&e, of_a), 1);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
