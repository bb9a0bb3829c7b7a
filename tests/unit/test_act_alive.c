// SPDX-License-Identifier: Apache-2.0
/* What the arbiter decided, as the store keeps it and people are told it. */
#include "tests/unit/estate.h"

#include "cma/act_alive.h"
#include "cma/graph/admit.h"
#include "cma/graph/name.h"

#define T0 "2023-11-14T22:13:20.000Z" /* ESTATE_START */
#define T1 "2023-11-14T22:13:21.000Z"
#define T2 "2023-11-14T22:13:22.000Z"

/* web and db hang on sw1, and db on x too; no switch tells of far. */
struct scene {
	struct estate e;
	struct act act;
	uint64_t web, db, far;
};

static void scene_new(struct scene *s)
{
	*s = (struct scene){ .web = 0 };
	estate_new(&s->e);
	s->web = (uint64_t)estate_host(&s->e, 1, "web", "p1");
	s->db = (uint64_t)estate_host(&s->e, 2, "db", "p2");
	s->far = (uint64_t)estate_host(&s->e, 3, "far", NULL);
	estate_tell(&s->e, (int64_t)s->db, SECTION_LLDP, "eth1 LLDP x 1",
		"{'chassis_id':'x','ifname':'eth1','port_id':'1','protocol':'LLDP'}");
	s->act.graph = s->e.graph;
}

static void scene_end(struct scene *s)
{
	act_deinit(&s->act);
	estate_remove(&s->e);
}

static uint64_t node_of(struct scene *s, const char *text)
{
	int64_t node = 0, tenant;

	assert_int_equal(query_node(s->e.queries, "default", text, &node, &tenant, s->e.error,
				 sizeof(s->e.error)),
		0);
	return (uint64_t)node;
}

static int act_once(struct scene *s, const struct alive_event *event)
{
	int err;

	assert_int_equal(graph_begin(s->e.graph, s->e.now), 0);
	err = act_alive(&s->act, event);
	assert_int_equal(graph_commit(s->e.graph), 0);
	return err;
}

/* A hash of all that is in the tables that it may write. */
static int64_t print(struct scene *s)
{
	return estate_sql(&s->e,
		"SELECT (SELECT count(*) FROM event) * 1000000"
		" + (SELECT coalesce(sum(id * (1 + low_sees) + since % 97), 0) FROM ring) * 10000"
		" + (SELECT coalesce(sum(host + gone % 89), 0) FROM incident_host) * 100"
		" + (SELECT count(*) FROM edge) + (SELECT count(*) FROM incident)");
}

/* A second time, later, it has no effect. */
static void decide(struct scene *s, struct alive_event event)
{
	int64_t before;

	assert_int_equal(act_once(s, &event), 0);
	before = print(s);
	assert_int_equal(act_once(s, &event), 0);
	s->e.now += 500;
	assert_int_equal(act_once(s, &event), 0);
	s->e.now -= 500;
	assert_true(print(s) == before);
}

static void be(struct scene *s, uint64_t agent, enum alive_status status)
{
	decide(s,
		(struct alive_event){
			.kind = ALIVE_EVENT_STATUS, .agent = agent, .status = status });
}

/* Opens an incident that concerns a host. */
static void open_for(struct scene *s, struct alive_incident incident, uint64_t agent)
{
	decide(s, (struct alive_event){ .kind = ALIVE_EVENT_OPEN, .incident = incident });
	if (agent)
		decide(s,
			(struct alive_event){ .kind = ALIVE_EVENT_CONCERNS,
				.incident = incident,
				.agent = agent });
}

static void assert_text(struct scene *s, const struct alive_event *event, const char *text)
{
	json_t *rows autojson = NULL;

	decide(s, *event);
	assert_int_equal(estate_try(&s->e, "default", "incidents", NULL, &rows), 0);
	assert_string_equal(
		json_get_text(json_array_get(rows, json_array_size(rows) - 1), "text"), text);
}

static void test_statuses(void **state)
{
	static const char *const words[] = { "up", "left", "down", "unreachable", "hung", "gone" };
	struct scene s;

	(void)state;
	scene_new(&s);
	for (enum alive_status status = ALIVE_LEFT; status < ALIVE_REVOKED; status++) {
		char *expected autofree = text_format("'status':'%s'}", words[status]);
		char *rows autofree = NULL;

		be(&s, s.far, status);
		rows = estate_ask(&s.e, "allservers", NULL);
		assert_non_null(strstr(rows, expected));
		s.e.now += 1000;
	}
	be(&s, s.far, ALIVE_UP);
	be(&s, s.far, ALIVE_REVOKED); /* operators decide that, and told the store */
	assert_int_equal(
		estate_sql(&s.e, "SELECT count(*) FROM host_status WHERE status = 'revoked'"), 0);
	/* Who was revoked is nothing else until an operator says so. */
	assert_int_equal(graph_begin(s.e.graph, s.e.now), 0);
	assert_int_equal(graph_status(s.e.graph, (int64_t)s.far, "revoked"), 0);
	assert_int_equal(graph_commit(s.e.graph), 0);
	be(&s, s.far, ALIVE_DOWN);
	assert_int_equal(estate_sql(&s.e,
				 "SELECT count(*) FROM host_status WHERE status = 'revoked'"
				 " AND gone = 9223372036854775807"),
		1);
	/* What failed and is back is told by incidents. */
	estate_expect(&s.e, "events", "{'after':3}",
		"[{'id':4,'incident':null,'kind':'shutdown','node':'far',"
		"'text':'far was shut down','time':'" T0 "'},"
		"{'id':5,'incident':null,'kind':'revoked','node':'far',"
		"'text':'far was revoked','time':'2023-11-14T22:13:25.000Z'}]");
	scene_end(&s);
}

/* What a session says may be acted on later than what was decided after it. */
static void test_sessions(void **state)
{
	const struct hub_event here = { .kind = HUB_HERE }, left = { .kind = HUB_LEFT };
	struct hub_event said;
	struct graph_result result;
	struct scene s;

	(void)state;
	scene_new(&s);
	be(&s, s.web, ALIVE_DOWN);
	assert_int_equal(graph_begin(s.e.graph, s.e.now), 0);
	said = here;
	said.id = s.web;
	assert_int_equal(act_event(&s.act, &said, &result), 0);
	said = left;
	said.id = s.db;
	assert_int_equal(act_event(&s.act, &said, &result), 0);
	said.id = s.far;
	assert_int_equal(act_event(&s.act, &said, &result), 0);
	said.kind = HUB_HERE;
	assert_int_equal(act_event(&s.act, &said, &result), 0);
	assert_int_equal(graph_commit(s.e.graph), 0);
	{
		char *rows autofree = estate_ask(&s.e, "allservers", NULL);

		assert_non_null(strstr(rows,
			"'host':'web','kernel':'6.1','os':'Debian 12',"
			"'since':'" T0 "','status':'down'"));
		assert_non_null(strstr(rows,
			"'host':'db','kernel':'6.1','os':'Debian 12',"
			"'since':'" T0 "','status':'left'"));
		assert_non_null(strstr(rows,
			"'host':'far','kernel':'6.1','os':'Debian 12',"
			"'since':'" T0 "','status':'up'"));
	}
	scene_end(&s);
}

static void test_texts(void **state)
{
	struct scene s;
	struct alive_event event = { .kind = ALIVE_EVENT_OPEN };
	struct alive_incident *incident = &event.incident;

	(void)state;
	scene_new(&s);
	*incident = (struct alive_incident){ ALIVE_CAUSE_HOST, .node = s.web };
	assert_text(&s, &event, "web is down: the host or its only link, port p1 of switch sw1");
	incident->node = s.db;
	assert_text(&s, &event, "db is down: the host or all 2 links of it");
	incident->node = s.far;
	assert_text(&s, &event, "far is down: the host or its only link");
	incident->cause = ALIVE_CAUSE_HUNG;
	assert_text(&s, &event,
		"the host far answers, its nanoprobe does not: it hangs or was stopped");
	incident->cause = ALIVE_CAUSE_GONE;
	assert_text(
		&s, &event, "the host far answers, but its nanoprobe has ended, without a goodbye");
	*incident = (struct alive_incident){ ALIVE_CAUSE_LINK, .node = node_of(&s, "sw1:p2") };
	assert_text(&s, &event,
		"the link at port p2 of switch sw1 is down: network card, cable or port; the host "
		"lives");
	*incident = (struct alive_incident){ ALIVE_CAUSE_SWITCH, .node = node_of(&s, "sw1") };
	assert_text(&s, &event,
		"hosts behind switch sw1 are unreachable: the switch, its uplink or its power");
	event.hosts = 24;
	event.of = 25;
	assert_text(&s, &event,
		"24 of 25 hosts behind switch sw1 are unreachable: the switch, its uplink or its "
		"power");
	incident->cause = ALIVE_CAUSE_POWER;
	assert_text(
		&s, &event, "24 of 25 hosts behind switch sw1 went and were started again: power");
	*incident = (struct alive_incident){ ALIVE_CAUSE_PARTITION,
		.node = node_of(&s, "10.0.0.0/24") };
	assert_text(
		&s, &event, "24 of 25 hosts in 10.0.0.0/24 were cut off and lived on: the uplink");
	*incident = (struct alive_incident){ ALIVE_CAUSE_PATH, .node = node_of(&s, "sw1"),
		.other = node_of(&s, "x") };
	assert_text(&s, &event,
		"the path between switch sw1 and switch x fails: the hosts behind both answer");
	*incident = (struct alive_incident){ ALIVE_CAUSE_LOCAL_PATH, 0, s.web, s.db };
	assert_text(&s, &event,
		"web and db do not hear each other, and both answer: the path between them, a VLAN "
		"or a filter");
	*incident = (struct alive_incident){ ALIVE_CAUSE_ONE_WAY, 0, s.web, s.db };
	assert_text(&s, &event,
		"web does not hear db, which hears it: a filter, or loss in one direction");
	incident->other = 0;
	assert_text(&s, &event,
		"web does not hear its neighbours, which hear it: a filter, or loss in one "
		"direction");
	scene_end(&s);
}

/* From the first accusation to the end, and what people can ask meanwhile. */
static void test_host(void **state)
{
	const struct alive_incident incident = { ALIVE_CAUSE_HOST, .node = 0 };
	struct alive_incident dead = incident;
	struct scene s;

	(void)state;
	scene_new(&s);
	estate_service(&s.e, (int64_t)s.web, "nginx", 80);
	estate_client(&s.e, (int64_t)s.far, "curl", "10.0.0.1", 80, true);
	dead.node = s.web;
	s.e.now += 1000;
	open_for(&s, dead, s.web);
	be(&s, s.web, ALIVE_DOWN);
	be(&s, s.db, ALIVE_LEFT);
	estate_expect(&s.e, "down", NULL,
		"[{'cause':'host','host':'web','incident':1,'node':'web','since':'" T1
		"','status':'down','text':'web is down: the host or its only link, port p1 of "
		"switch sw1'}]");
	estate_expect(&s.e, "crashed", NULL,
		"[{'cause':'host','host':'web','incident':1,'since':'" T1
		"','text':'web is down: the host or its only link, port p1 of switch sw1'}]");
	estate_expect(&s.e, "downservices", NULL,
		"[{'clients':1,'endpoint':'tcp 10.0.0.1:80','host':'web','process':'nginx:1',"
		"'since':'" T1 "','status':'down'}]");
	estate_expect(&s.e, "shutdown", NULL, "[{'host':'db','since':'" T1 "'}]");
	estate_expect(&s.e, "incidenthosts", "{'incident':1}",
		"[{'host':'web','since':'" T1 "','status':'down','until':null}]");
	estate_expect(&s.e, "incidenthosts", "{'incident':2}", "[]");

	s.e.now += 1000;
	be(&s, s.web, ALIVE_UP);
	decide(&s,
		(struct alive_event){
			.kind = ALIVE_EVENT_FREED, .incident = dead, .agent = s.web });
	decide(&s, (struct alive_event){ .kind = ALIVE_EVENT_CLEAR, .incident = dead });
	estate_expect(&s.e, "down", NULL, "[]");
	estate_expect(&s.e, "downservices", NULL, "[]");
	estate_expect(&s.e, "incidents", NULL, "[]");
	estate_expect(&s.e, "incidenthosts", "{'incident':1}",
		"[{'host':'web','since':'" T1 "','status':'up','until':'" T2 "'}]");
	estate_expect(&s.e, "down", "{'as_of':'" T1 "'}",
		"[{'cause':'host','host':'web','incident':1,'node':'web','since':'" T1
		"','status':'down','text':'web is down: the host or its only link, port p1 of "
		"switch sw1'}]");
	estate_expect(&s.e, "events", "{'after':3}",
		"[{'id':4,'incident':1,'kind':'open','node':'web','text':'web is down: the host or "
		"its only link, port p1 of switch sw1','time':'" T1 "'},"
		"{'id':5,'incident':null,'kind':'shutdown','node':'db','text':'db was shut down',"
		"'time':'" T1 "'},"
		"{'id':6,'incident':1,'kind':'clear','node':'web','text':'web is down: the host or "
		"its only link, port p1 of switch sw1','time':'" T2 "'}]");
	scene_end(&s);
}

/* A switch that turns out to have been cut off: one incident, which knows what it was taken for. */
static void test_reclassify(void **state)
{
	struct alive_incident was, really;
	struct alive_event event;
	struct scene s;

	(void)state;
	scene_new(&s);
	was = (struct alive_incident){ ALIVE_CAUSE_SWITCH, .node = node_of(&s, "sw1") };
	really = was;
	really.cause = ALIVE_CAUSE_PARTITION;
	s.e.now += 1000;
	open_for(&s, was, s.web);
	open_for(&s, was, s.db);
	be(&s, s.web, ALIVE_UNREACHABLE);
	estate_expect(&s.e, "crashed", NULL, "[]");
	s.e.now += 1000;
	event = (struct alive_event){
		.kind = ALIVE_EVENT_RECLASSIFY, .incident = really, .was = was
	};
	decide(&s, event);
	estate_expect(&s.e, "down", NULL,
		"[{'cause':'partition','host':'web','incident':1,'node':'sw1','since':'" T1
		"','status':'unreachable',"
		"'text':'hosts behind switch sw1 were cut off and lived on: the uplink'}]");
	estate_expect(&s.e, "events", "{'after':3}",
		"[{'id':4,'incident':1,'kind':'open','node':'sw1','text':'hosts behind switch sw1 "
		"are unreachable: the switch, its uplink or its power','time':'" T1 "'},"
		"{'id':5,'incident':1,'kind':'reclassified','node':'sw1','text':'hosts behind "
		"switch sw1 were cut off and lived on: the uplink','time':'" T2 "'}]");

	/* Into one that is open already: the hosts of both. */
	open_for(&s, was, s.far);
	decide(&s, event);
	estate_expect(&s.e, "incidenthosts", "{'incident':1}",
		"[{'host':'db','since':'" T1 "','status':'up','until':null},"
		"{'host':'far','since':'" T2 "','status':'up','until':null},"
		"{'host':'web','since':'" T1 "','status':'unreachable','until':null}]");
	assert_int_equal(estate_sql(&s.e,
				 "SELECT count(*) FROM incident"
				 " WHERE cleared = 9223372036854775807"),
		1);
	scene_end(&s);
}

/* What lies in no tenant is told in each. */
static void test_isolated(void **state)
{
	const struct alive_incident incident = { .cause = ALIVE_CAUSE_ISOLATED };
	static const char *const tenants[] = { "default", "other" };
	struct scene s;

	(void)state;
	scene_new(&s);
	estate_enrol(&s.e, "other", 9);
	open_for(&s, incident, 0);
	for (size_t i = 0; i < 2; i++) {
		json_t *rows autojson = NULL;

		assert_int_equal(estate_try(&s.e, tenants[i], "incidents", NULL, &rows), 0);
		assert_int_equal(json_array_size(rows), 1);
		assert_string_equal(json_get_text(json_array_get(rows, 0), "kind"), "cma-isolated");
		assert_string_equal(json_get_text(json_array_get(rows, 0), "node"), tenants[i]);
	}
	decide(&s, (struct alive_event){ .kind = ALIVE_EVENT_CLEAR, .incident = incident });
	assert_int_equal(estate_sql(&s.e,
				 "SELECT count(*) FROM incident"
				 " WHERE cleared = 9223372036854775807"),
		0);
	scene_end(&s);
}

static void test_edges(void **state)
{
	struct scene s;

	(void)state;
	scene_new(&s);
	decide(&s,
		(struct alive_event){ .kind = ALIVE_EVENT_EDGE,
			.edge = 1,
			.layer = 1,
			.low = s.db,
			.high = s.web });
	estate_expect(&s.e, "ring", NULL,
		"[{'host':'db','layer':1,'neighbour':'web','sees':'heard','since':'" T0 "'},"
		"{'host':'web','layer':1,'neighbour':'db','sees':'heard','since':'" T0 "'}]");
	decide(&s, (struct alive_event){ .kind = ALIVE_EVENT_EDGE_END, .edge = 1 });
	estate_expect(&s.e, "ring", NULL, "[]");
	scene_end(&s);
}

/* The hub has names of its own for those that enrolled since the start. */
static void test_names(void **state)
{
	const struct alive_incident strange = { ALIVE_CAUSE_HOST, .node = 77 };
	struct alive_event event = { .kind = ALIVE_EVENT_OPEN, .incident = strange };
	int64_t before;
	struct scene s;

	(void)state;
	scene_new(&s);
	act_name(&s.act, 1 << 20, (int64_t)s.web);
	be(&s, 1 << 20, ALIVE_DOWN);
	assert_int_equal(
		estate_sql(&s.e, "SELECT count(*) FROM host_status WHERE status = 'down'"), 1);
	/* One that the store refused, a node and an agent that are not there. */
	act_name(&s.act, 77, 0);
	before = print(&s);
	assert_int_equal(act_once(&s, &event), ACT_REFUSED);
	event.incident = (struct alive_incident){ ALIVE_CAUSE_SWITCH, .node = 123456 };
	assert_int_equal(act_once(&s, &event), ACT_REFUSED);
	event = (struct alive_event){ .kind = ALIVE_EVENT_STATUS, .agent = 123456 };
	assert_int_equal(act_once(&s, &event), ACT_REFUSED);
	event = (struct alive_event){
		.kind = ALIVE_EVENT_EDGE, .edge = 1, .low = s.web, .high = 77
	};
	assert_int_equal(act_once(&s, &event), ACT_REFUSED);
	/* What concerns an incident that is not open. */
	event = (struct alive_event){ .kind = ALIVE_EVENT_CONCERNS, .agent = s.db };
	event.incident = (struct alive_incident){ ALIVE_CAUSE_HUNG, .node = s.web };
	assert_int_equal(act_once(&s, &event), 0);
	assert_true(print(&s) == before);
	scene_end(&s);
}

/* Labels come from outside. */
static void test_labels(void **state)
{
	char name[GRAPH_NAME];
	int64_t host;
	struct scene s;

	(void)state;
	scene_new(&s);
	host = estate_enrol(&s.e, "default", 0xab);
	assert_int_equal(graph_name(s.e.graph, host, name), 0);
	assert_string_equal(name, "abababababab");
	estate_tell(&s.e, host, SECTION_HOST, "os", "{'nodename':'a\\nb\\u001b[31m'}");
	assert_int_equal(graph_name(s.e.graph, host, name), 0);
	assert_string_equal(name, "a?b?[31m");
	estate_tell(&s.e, host, SECTION_HOST, "os",
		"{'nodename':'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"\xc3\xa9 and more'}");
	assert_int_equal(graph_name(s.e.graph, host, name), 0);
	assert_string_equal(
		name, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_reclassify),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
