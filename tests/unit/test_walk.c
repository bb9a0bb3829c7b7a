// SPDX-License-Identifier: Apache-2.0
/* What depends on what: endpoints join clients and services, walks follow them. */
#include "tests/unit/estate.h"

#define T0 "2023-11-14T22:13:20.000Z" /* ESTATE_START */
#define T1 "2023-11-14T22:13:21.000Z"

#define DEPENDS(host, process, endpoint, peer_host, peer, hops, since)                         \
	"{'endpoint':'" endpoint "','hops':" hops ",'host':'" host "','peer_host':'" peer_host \
	"','peer_process':" peer ",'process':'" process "','since':'" since "'}"

#define WEB_DB DEPENDS("web", "nginx:1", "tcp 10.0.0.2:5432", "db", "'pg:1'", "1", T1)

/* The same whatever comes first. */
static void test_order(void **state)
{
	(void)state;
	for (int order = 0; order < 3; order++) {
		struct estate e;
		int64_t web, db;

		estate_new(&e);
		web = estate_host(&e, 1, "web", NULL);
		db = estate_enrol(&e, "default", 2);
		e.now += 1000;
		if (order == 0)
			estate_client(&e, web, "nginx", "10.0.0.2", 5432, true);
		estate_service(&e, db, "pg", 5432);
		if (order == 1)
			estate_client(&e, web, "nginx", "10.0.0.2", 5432, true);
		/* The address comes after the listener on 0.0.0.0. */
		estate_tell(&e, db, SECTION_ADDRESS, "eth0 10.0.0.2/24",
			"{'addr':'10.0.0.2','ifname':'eth0','prefix':24}");
		estate_tell(&e, db, SECTION_HOST, "os", "{'nodename':'db'}");
		if (order == 2)
			estate_client(&e, web, "nginx", "10.0.0.2", 5432, true);
		estate_expect(&e, "hostdependencies", "{'host':'web'}", "[" WEB_DB "]");
		estate_expect(&e, "hostdependencies", "{'host':'db','direction':'down'}",
			"[" DEPENDS("db", "pg:1", "tcp 10.0.0.2:5432", "web", "'nginx:1'", "1",
				T1) "]");
		estate_expect(&e, "hostdependencies", "{'host':'db','direction':'up'}", "[]");

		/* The address goes: nobody serves it any more. */
		e.now += 1000;
		estate_tell(&e, db, SECTION_ADDRESS, "eth0 10.0.0.2/24", NULL);
		estate_expect(&e, "hostdependencies", "{'host':'web'}",
			"[" DEPENDS("web", "nginx:1", "tcp 10.0.0.2:5432", "10.0.0.2", "null", "1",
				T1) "]");
		estate_expect(
			&e, "hostdependencies", "{'host':'web','as_of':'" T1 "'}", "[" WEB_DB "]");
		estate_remove(&e);
	}
}

/* shell on a -> nginx on b (proxy) -> app on c -> pg on b; each uses only the next. */
static void build_chain(struct estate *e, int64_t agents[3])
{
	agents[0] = estate_host(e, 1, "a", "p1");
	agents[1] = estate_host(e, 2, "b", "p2");
	agents[2] = estate_host(e, 3, "c", "p3");
	estate_service(e, agents[1], "nginx", 80);
	estate_service(e, agents[2], "app", 8000);
	estate_service(e, agents[1], "pg", 5432);
	estate_client(e, agents[0], "curl", "10.0.0.2", 80, true);
	estate_client(e, agents[1], "nginx", "10.0.0.3", 8000, true);
	estate_client(e, agents[2], "app", "10.0.0.2", 5432, true);
}

#define HOP_1 DEPENDS("a", "curl:1", "tcp 10.0.0.2:80", "b", "'nginx:1'", "1", T0)
#define HOP_2 DEPENDS("b", "nginx:1", "tcp 10.0.0.3:8000", "c", "'app:1'", "2", T0)
#define HOP_3 DEPENDS("c", "app:1", "tcp 10.0.0.2:5432", "b", "'pg:1'", "3", T0)

static void test_transitive(void **state)
{
	struct estate e;
	int64_t agents[3];

	(void)state;
	estate_new(&e);
	build_chain(&e, agents);
	estate_expect(&e, "hostdependencies", "{'host':'a','direction':'up'}",
		"[" HOP_1 "," HOP_2 "," HOP_3 "]");
	estate_expect(&e, "hostdependencies", "{'host':'a','depth':2}", "[" HOP_1 "," HOP_2 "]");
	estate_expect(&e, "hostdependencies", "{'host':'a','depth':0}", "[]");
	/* What hangs on pg alone is reached through it, not through nginx on the same host. */
	estate_expect(&e, "hostdependencies", "{'host':'c','direction':'up'}",
		"[" DEPENDS("c", "app:1", "tcp 10.0.0.2:5432", "b", "'pg:1'", "1", T0) "]");
	estate_expect(&e, "hostdependencies",
		"{'host':'c','direction':'up','through':'host','depth':2}",
		"[" DEPENDS("c", "app:1", "tcp 10.0.0.2:5432", "b", "'pg:1'", "1", T0) "," DEPENDS(
			"b", "nginx:1", "tcp 10.0.0.3:8000", "c", "'app:1'", "2", T0) "]");
	estate_expect(&e, "hostdependencies", "{'host':'c','direction':'down'}",
		"[" DEPENDS("c", "app:1", "tcp 10.0.0.3:8000", "b", "'nginx:1'", "1",
			T0) "," DEPENDS("b", "nginx:1", "tcp 10.0.0.2:80", "a", "'curl:1'", "2",
			T0) "]");
	/* A circle ends. */
	estate_client(&e, agents[1], "pg", "10.0.0.2", 80, true);
	estate_expect(&e, "hostdependencies", "{'host':'a','direction':'up'}",
		"[" HOP_1 "," HOP_2 "," HOP_3
		"," DEPENDS("b", "pg:1", "tcp 10.0.0.2:80", "b", "'nginx:1'", "4", T0) "]");
	estate_remove(&e);
}

static void test_loopback_and_strangers(void **state)
{
	struct estate e;
	int64_t a, b;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	b = estate_host(&e, 2, "b", NULL);
	estate_service(&e, a, "redis", 6379);
	estate_service(&e, b, "redis", 6379);
	estate_client(&e, b, "app", "127.0.0.1", 6379, true);
	estate_client(&e, a, "app", "192.0.2.7", 443, true);
	estate_tell(&e, a, SECTION_INBOUND, "tcp 10.0.0.1:6379<192.0.2.9",
		"{'addr':'10.0.0.1','peer':'192.0.2.9','port':6379,'process':['redis:1'],"
		"'proto':'tcp'}");
	estate_expect(&e, "hostdependencies", "{'host':'b','direction':'up'}",
		"[" DEPENDS("b", "app:1", "tcp 127.0.0.1:6379", "b", "'redis:1'", "1", T0) "]");
	estate_expect(&e, "hostdependencies", "{'host':'a','direction':'up'}",
		"[" DEPENDS("a", "app:1", "tcp 192.0.2.7:443", "192.0.2.7", "null", "1", T0) "]");
	estate_expect(&e, "hostdependencies", "{'host':'a','direction':'down'}",
		"[" DEPENDS("a", "redis:1", "tcp 10.0.0.1:6379", "192.0.2.9", "null", "1", T0) "]");
	/* A caller that tells of itself is not told twice. */
	estate_tell(&e, a, SECTION_INBOUND, "tcp 10.0.0.1:6379<10.0.0.2",
		"{'addr':'10.0.0.1','peer':'10.0.0.2','port':6379,'process':['redis:1'],"
		"'proto':'tcp'}");
	estate_client(&e, b, "cli", "10.0.0.1", 6379, true);
	estate_expect(&e, "hostdependencies", "{'host':'a','direction':'down'}",
		"[" DEPENDS("a", "redis:1", "tcp 10.0.0.1:6379", "192.0.2.9", "null", "1",
			T0) "," DEPENDS("a", "redis:1", "tcp 10.0.0.1:6379", "b", "'cli:1'", "1",
			T0) "]");
	estate_tell(&e, a, SECTION_NEIGHBOUR, "eth0 10.0.0.9",
		"{'ifname':'eth0','ip':'10.0.0.9','mac':'02:00:00:00:00:99'}");
	estate_tell(&e, a, SECTION_NEIGHBOUR, "eth0 10.0.0.2",
		"{'ifname':'eth0','ip':'10.0.0.2','mac':'02:00:00:00:00:02'}");
	estate_expect(&e, "unknownips", NULL,
		"[{'ip':'10.0.0.9','mac':'02:00:00:00:00:99','seen_as':'neighbour','seen_by':'a',"
		"'since':'" T0 "'},"
		"{'ip':'192.0.2.7','mac':null,'seen_as':'server','seen_by':'a','since':'" T0 "'},"
		"{'ip':'192.0.2.9','mac':null,'seen_as':'client','seen_by':'a','since':'" T0 "'}]");
	estate_remove(&e);
}

/* A container's listener on a wildcard address is where connections were seen to arrive. */
static void test_network_namespace(void **state)
{
	struct estate e;
	int64_t a, b;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	b = estate_host(&e, 2, "b", NULL);
	estate_tell(&e, a, SECTION_LISTEN, "tcp 0.0.0.0:80 blue",
		"{'addr':'0.0.0.0','netns':'blue','port':80,'process':['web:1'],'proto':'tcp'}");
	estate_client(&e, b, "curl", "10.8.0.5", 80, true);
	estate_expect(&e, "hostdependencies", "{'host':'b','direction':'up'}",
		"[" DEPENDS("b", "curl:1", "tcp 10.8.0.5:80", "10.8.0.5", "null", "1", T0) "]");
	e.now += 1000;
	estate_tell(&e, a, SECTION_INBOUND, "tcp 10.8.0.5:80<10.0.0.2 blue",
		"{'addr':'10.8.0.5','netns':'blue','peer':'10.0.0.2','port':80,"
		"'process':['web:1'],'proto':'tcp'}");
	estate_expect(&e, "hostdependencies", "{'host':'b','direction':'up'}",
		"[" DEPENDS("b", "curl:1", "tcp 10.8.0.5:80", "a", "'web:1'", "1", T0) "]");
	estate_expect(&e, "unknownips", NULL, "[]");
	estate_remove(&e);
}

/* Both ways lead from a process to itself, which is told once. */
static void test_own_client(void **state)
{
	struct estate e;
	int64_t a;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	estate_service(&e, a, "db", 5432);
	estate_client(&e, a, "db", "127.0.0.1", 5432, true);
	estate_expect(&e, "hostdependencies", "{'host':'a'}",
		"[" DEPENDS("a", "db:1", "tcp 127.0.0.1:5432", "a", "'db:1'", "1", T0) "]");
	estate_remove(&e);
}

/* 172.17.0.1 on three hosts, of which two serve there: a client on the third reaches nobody. */
static void test_own_address(void **state)
{
	struct estate e;

	(void)state;
	estate_new(&e);
	for (uint8_t i = 0; i < 3; i++) {
		char name[] = { (char)('a' + i), '\0' };
		int64_t host = estate_host(&e, (uint8_t)(i + 1), name, NULL);

		estate_tell(&e, host, SECTION_ADDRESS, "docker0 172.17.0.1/16",
			"{'addr':'172.17.0.1','ifname':'docker0','prefix':16}");
		estate_client(&e, host, "curl", "172.17.0.1", 80, true);
		if (i < 2)
			estate_service(&e, host, "web", 80);
	}
	estate_expect(&e, "hostdependencies", "{'host':'a'}",
		"[" DEPENDS("a", "curl:1", "tcp 172.17.0.1:80", "a", "'web:1'", "1",
			T0) "," DEPENDS("a", "web:1", "tcp 172.17.0.1:80", "a", "'curl:1'", "1",
			T0) "]");
	estate_expect(&e, "hostdependencies", "{'host':'c'}",
		"[" DEPENDS("c", "curl:1", "tcp 172.17.0.1:80", "c", "null", "1", T0) "]");
	{
		char *rows autofree = estate_ask(&e, "impact", "{'node':'a'}");

		assert_null(strstr(rows, "'client'"));
	}
	estate_remove(&e);
}

/* The same container address on two hosts, and a third that uses it: each means its own. */
static void test_same_address(void **state)
{
	struct estate e;
	int64_t hosts[3];

	(void)state;
	estate_new(&e);
	for (uint8_t i = 0; i < 3; i++) {
		char name[] = { (char)('a' + i), '\0' };

		hosts[i] = estate_host(&e, (uint8_t)(i + 1), name, NULL);
		estate_client(&e, hosts[i], "curl", "172.17.0.2", 80, true);
		if (i < 2)
			estate_tell(&e, hosts[i], SECTION_LISTEN, "tcp 172.17.0.2:80 blue",
				"{'addr':'172.17.0.2','netns':'blue','port':80,'process':['web:1'],"
				"'proto':'tcp'}");
	}
	estate_expect(&e, "hostdependencies", "{'host':'a'}",
		"[" DEPENDS("a", "curl:1", "tcp 172.17.0.2:80", "a", "'web:1'", "1",
			T0) "," DEPENDS("a", "web:1", "tcp 172.17.0.2:80", "a", "'curl:1'", "1",
			T0) "," DEPENDS("a", "web:1", "tcp 172.17.0.2:80", "c", "'curl:1'", "1",
			T0) "]");
	estate_expect(&e, "hostdependencies", "{'host':'c'}",
		"[" DEPENDS("c", "curl:1", "tcp 172.17.0.2:80", "a", "'web:1'", "1",
			T0) "," DEPENDS("c", "curl:1", "tcp 172.17.0.2:80", "b", "'web:1'", "1",
			T0) "]");
	estate_remove(&e);
}

#define SUFFERS(effect, endpoint, hops, host, lost_host, lost_process, process, role)    \
	"{'effect':'" effect "','endpoint':" endpoint ",'hops':" hops ",'host':'" host   \
	"','lost_host':" lost_host ",'lost_process':" lost_process ",'process':" process \
	",'role':'" role "','status':'up'}"

#define B_GOES                                                                                     \
	"[" SUFFERS("down", "null", "0", "b", "null", "null", "null", "host") "," SUFFERS("down",  \
		"'tcp 10.0.0.2:80'", "0", "b", "null", "null", "'nginx:1'",                        \
		"service") "," SUFFERS("down", "'tcp 10.0.0.2:5432'", "0", "b", "null", "null",    \
		"'pg:1'", "service") "," SUFFERS("down", "'tcp 10.0.0.2:80'", "1", "a", "'b'",     \
		"'nginx:1'", "'curl:1'", "client") "," SUFFERS("down", "'tcp 10.0.0.2:5432'", "1", \
		"c", "'b'", "'pg:1'", "'app:1'", "client") "]"

static void test_impact(void **state)
{
	struct estate e;
	int64_t agents[3];

	(void)state;
	estate_new(&e);
	build_chain(&e, agents);
	estate_expect(&e, "impact", "{'node':'b'}", B_GOES);
	estate_expect(&e, "impact", "{'node':'sw1:p2'}", B_GOES);
	estate_expect(&e, "impact", "{'node':'02:ff:00:00:00:01:p2'}", B_GOES);
	estate_expect(&e, "impact", "{'node':'c'}",
		"[" SUFFERS("down", "null", "0", "c", "null", "null", "null", "host") "," SUFFERS(
			"down", "'tcp 10.0.0.3:8000'", "0", "c", "null", "null", "'app:1'",
			"service") "," SUFFERS("down", "'tcp 10.0.0.3:8000'", "1", "b", "'c'",
			"'app:1'", "'nginx:1'", "client") "," SUFFERS("down", "'tcp 10.0.0.2:80'",
			"2", "a", "'b'", "'nginx:1'", "'curl:1'", "client") "]");
	/* The whole switch: all three are down, so no client is left to suffer. */
	{
		char *rows autofree = estate_ask(&e, "impact", "{'node':'sw1'}");

		assert_null(strstr(rows, "'client'"));
		assert_non_null(strstr(rows, "'host':'a'"));
		assert_non_null(strstr(rows, "'host':'c'"));
	}
	/* With a second cable to another switch b is only degraded. */
	estate_tell(&e, agents[1], SECTION_LLDP, "eth1 LLDP x 1",
		"{'chassis_id':'x','ifname':'eth1','port_id':'1','protocol':'LLDP'}");
	estate_expect(&e, "impact", "{'node':'sw1:p2'}",
		"[" SUFFERS("degraded", "null", "0", "b", "null", "null", "null", "host") "]");
	estate_remove(&e);
}

static void test_orphans(void **state)
{
	struct estate e;
	int64_t agents[3];

	(void)state;
	estate_new(&e);
	build_chain(&e, agents);
	estate_service(&e, agents[0], "idle", 99);
	estate_expect(&e, "orphans", NULL, "[]");
	e.now += 1000;
	estate_tell(&e, agents[1], SECTION_LISTEN, "tcp 0.0.0.0:80", NULL);
	e.now += (int64_t)8 * 86400 * 1000;
	estate_expect(&e, "orphans", "{'days':7}",
		"[{'endpoint':'tcp 10.0.0.2:80','host':'a','kind':'client','process':'curl:1',"
		"'since':'" T0 "'},"
		"{'endpoint':'tcp 10.0.0.1:99','host':'a','kind':'service','process':'idle:1',"
		"'since':'" T0 "'}]");
	estate_remove(&e);
}

static void test_explain(void **state)
{
	struct estate e;
	int64_t agents[3];

	(void)state;
	estate_new(&e);
	build_chain(&e, agents);
	estate_expect(&e, "explain", "{'node':'a/curl:1','peer':'tcp 10.0.0.2:80'}",
		"[{'host':'a','key':'curl:1 tcp 10.0.0.2:80','says':'curl:1 uses tcp 10.0.0.2:80',"
		"'section':'client','since':'" T0 "','value':{'addr':'10.0.0.2','port':80,"
		"'process':'curl:1','proto':'tcp','state':'ok'}}]");
	estate_expect(&e, "explain", "{'node':'sw1:p3'}",
		"[{'host':'c','key':'eth0 LLDP 02:FF:00:00:00:01 p3','says':'eth0 wired p3',"
		"'section':'lldp','since':'" T0 "','value':{'chassis_id':'02:FF:00:00:00:01',"
		"'ifname':'eth0','port_descr':'to c','port_id':'p3','protocol':'LLDP',"
		"'sysdescr':'a bridge','sysname':'sw1'}}]");
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_transitive),
		cmocka_unit_test(test_loopback_and_strangers),
		cmocka_unit_test(test_network_namespace),
		cmocka_unit_test(test_own_client),
		cmocka_unit_test(test_own_address),
		cmocka_unit_test(test_same_address),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_impact),
		cmocka_unit_test(test_orphans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
