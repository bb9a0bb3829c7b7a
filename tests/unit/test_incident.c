// SPDX-License-Identifier: Apache-2.0
/* Incidents: one row for each cause while it is open, and history afterwards. */
#include "tests/unit/estate.h"

#include <errno.h>

#include "cma/graph/incident.h"
#include "cma/graph/store.h"

#define T0 "2023-11-14T22:13:20.000Z" /* ESTATE_START */
#define T1 "2023-11-14T22:13:21.000Z"
#define T2 "2023-11-14T22:13:22.000Z"
#define T3 "2023-11-14T22:13:23.000Z"

static int64_t tenant_of(struct estate *e, const char *name)
{
	int64_t tenant = 0;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(node_put(e->graph, 0, "tenant", name, NULL, &tenant), 0);
	assert_int_equal(graph_commit(e->graph), 0);
	return tenant;
}

static int64_t open_one(struct estate *e, int64_t tenant, int64_t node, const char *text)
{
	int64_t id = 0;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(
		graph_incident_open(e->graph, tenant, "duplicate-key", node, text, &id), 0);
	assert_int_equal(graph_commit(e->graph), 0);
	return id;
}

static void concern(struct estate *e, int64_t id, int64_t host, bool here)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(here ? graph_incident_host(e->graph, id, host)
			      : graph_incident_host_end(e->graph, id, host),
		0);
	assert_int_equal(graph_commit(e->graph), 0);
}

static int clear(struct estate *e, int64_t tenant, int64_t id)
{
	int err;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	err = graph_incident_clear(e->graph, tenant, id);
	assert_int_equal(graph_commit(e->graph), 0);
	return err;
}

/* Opening what is open tells more about it; after it was cleared it is another one. */
static void test_life(void **state)
{
	int64_t web, tenant, id, other;
	struct estate e;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	tenant = tenant_of(&e, "default");
	id = open_one(&e, tenant, web, "first");
	e.now += 1000;
	assert_int_equal(open_one(&e, tenant, web, "more"), id);
	estate_expect(&e, "incidents", NULL,
		"[{'cleared':null,"
		"'concerned':0,'hosts':null,'id':1,"
		"'kind':'duplicate-key','maintenance':null,'node':'web',"
		"'opened':'" T0 "','severity':'warning','text':'more','updated':'" T1 "'}]");
	e.now += 1000;
	assert_int_equal(clear(&e, tenant, id), 0);
	assert_int_equal(clear(&e, tenant, id), -ENOENT);
	estate_expect(&e, "incidents", NULL, "[]");
	e.now += 1000;
	other = open_one(&e, tenant, web, "again");
	assert_int_not_equal(other, id);
	estate_expect(&e, "incidents", "{'all':'yes'}",
		"[{'cleared':'" T2 "','concerned':0,'hosts':null,'id':1,"
		"'kind':'duplicate-key','maintenance':null,'node':'web',"
		"'opened':'" T0 "','severity':'warning','text':'more','updated':'" T2 "'},"
		"{'cleared':null,"
		"'concerned':0,'hosts':null,'id':2,"
		"'kind':'duplicate-key','maintenance':null,'node':'web',"
		"'opened':'" T3 "','severity':'warning','text':'again','updated':'" T3 "'}]");
	estate_expect(&e, "incidents", "{'all':'yes','kind':'store-restored'}", "[]");
	estate_remove(&e);
}

/* As of then: open, and with the hosts of then; one that is over has all it concerned. */
static void test_hosts(void **state)
{
	int64_t web, db, tenant, id;
	struct estate e;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	db = estate_host(&e, 2, "db", NULL);
	tenant = tenant_of(&e, "default");
	id = open_one(&e, tenant, tenant, "x");
	concern(&e, id, web, true);
	concern(&e, id, web, true);
	e.now += 1000;
	concern(&e, id, db, true);
	e.now += 1000;
	concern(&e, id, web, false);
	concern(&e, id, web, false);
	estate_expect(&e, "incidents", NULL,
		"[{'cleared':null,"
		"'concerned':1,'hosts':'db','id':1,"
		"'kind':'duplicate-key','maintenance':null,'node':'default',"
		"'opened':'" T0 "','severity':'warning','text':'x','updated':'" T0 "'}]");
	e.now += 1000;
	assert_int_equal(clear(&e, tenant, id), 0);
	estate_expect(&e, "incidents", "{'all':'yes'}",
		"[{'cleared':'" T3 "','concerned':2,'hosts':'db, web','id':1,"
		"'kind':'duplicate-key','maintenance':null,"
		"'node':'default','opened':'" T0 "','severity':'warning','text':'x','updated':'" T3
		"'}]");
	estate_expect(&e, "incidents", "{'as_of':'" T1 "'}",
		"[{'cleared':null,'concerned':2,'hosts':'db, web','id':1,"
		"'kind':'duplicate-key','maintenance':null,"
		"'node':'default','opened':'" T0 "','severity':'warning','text':'x','updated':'" T3
		"'}]");
	estate_remove(&e);
}

static void test_tenants(void **state)
{
	int64_t red, blue, host, id;
	json_t *rows;
	struct estate e;

	(void)state;
	estate_new(&e);
	host = estate_enrol(&e, "red", 1);
	estate_enrol(&e, "blue", 2);
	red = tenant_of(&e, "red");
	blue = tenant_of(&e, "blue");
	id = open_one(&e, red, host, "x");
	assert_int_equal(clear(&e, blue, id), -ENOENT);
	assert_int_equal(estate_try(&e, "blue", "incidents", NULL, &rows), 0);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	assert_int_equal(estate_try(&e, "red", "incidents", NULL, &rows), 0);
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
	estate_remove(&e);
}

/* No later transaction may be given a time before that of an incident. */
static void test_latest(void **state)
{
	int64_t tenant, host, id, latest;
	struct estate e;

	(void)state;
	estate_new(&e);
	host = estate_enrol(&e, "default", 1);
	tenant = tenant_of(&e, "default");
	e.now += 1000;
	id = open_one(&e, tenant, host, "x");
	assert_int_equal(graph_latest(e.graph, &latest), 0);
	assert_int_equal(latest, e.now);
	e.now += 1000;
	assert_int_equal(clear(&e, tenant, id), 0);
	assert_int_equal(graph_latest(e.graph, &latest), 0);
	assert_int_equal(latest, e.now);
	estate_remove(&e);
}

/* A rule may find what is no node: its incident is open, and so it is shown. */
static void test_of_no_node(void **state)
{
	struct estate e;

	(void)state;
	estate_new(&e);
	open_one(&e, tenant_of(&e, "default"), 424242, "odd");
	estate_expect(&e, "incidents", NULL,
		"[{'cleared':null,"
		"'concerned':0,'hosts':null,'id':1,"
		"'kind':'duplicate-key','maintenance':null,'node':null,"
		"'opened':'" T0 "','severity':'warning','text':'odd','updated':'" T0 "'}]");
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_tenants),
		cmocka_unit_test(test_latest),
		cmocka_unit_test(test_of_no_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
