// SPDX-License-Identifier: Apache-2.0
/* Every canned query: its exact fields and whole answers, now and as of earlier. */
#include "tests/unit/estate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <sqlite3.h>

#define T0 "2023-11-14T22:13:20.000Z" /* ESTATE_START */
#define T1 "2023-11-14T22:13:21.000Z"
#define T2 "2023-11-14T22:13:22.000Z"
#define T3 "2023-11-14T22:13:23.000Z"

static void test_ports(void **state)
{
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	estate_service(&e, web, "nginx", 80);
	estate_tell(&e, web, SECTION_LISTEN, "udp [::]:53",
		"{'addr':'::','port':53,'process':['a:1','b:2'],'proto':'udp'}");
	estate_tell(&e, web, SECTION_LISTEN, "unix /run/x",
		"{'addr':'/run/x','port':0,'process':['a:1'],'proto':'unix'}");
	estate_expect(&e, "allipports", NULL,
		"[{'addr':'0.0.0.0','exe':'/usr/bin/nginx','host':'web','port':80,"
		"'process':'nginx:1','proto':'tcp','unit':'nginx.service','user':'www'},"
		"{'addr':'::','exe':null,'host':'web','port':53,'process':'a:1','proto':'udp',"
		"'unit':null,'user':null},"
		"{'addr':'::','exe':null,'host':'web','port':53,'process':'b:2','proto':'udp',"
		"'unit':null,'user':null}]");
	e.now += 1000;
	estate_tell(&e, web, SECTION_LISTEN, "udp [::]:53", NULL);
	estate_tell(&e, web, SECTION_LISTEN, "tcp 0.0.0.0:80", NULL);
	estate_expect(&e, "allipports", NULL, "[]");
	estate_expect(&e, "hostipports", "{'host':'web','as_of':'" T1 "'}", "[]");
	estate_expect(&e, "hostipports", "{'host':'web','as_of':'2023-11-14T22:13:20.999Z'}",
		"[{'addr':'0.0.0.0','exe':'/usr/bin/nginx','host':'web','port':80,"
		"'process':'nginx:1','proto':'tcp','unit':'nginx.service','user':'www'},"
		"{'addr':'::','exe':null,'host':'web','port':53,'process':'a:1','proto':'udp',"
		"'unit':null,'user':null},"
		"{'addr':'::','exe':null,'host':'web','port':53,'process':'b:2','proto':'udp',"
		"'unit':null,'user':null}]");
	estate_remove(&e);
}

/* A service in a container is told by that; a socket of the kernel's own has no holder. */
static void test_ports_without_unit(void **state)
{
	static const char expected[] =
		"[{'addr':'172.17.0.2','exe':'/usr/bin/web','host':'web','port':80,"
		"'process':'web:1','proto':'tcp','unit':'docker:ab12','user':'www'},"
		"{'addr':'0.0.0.0','exe':null,'host':'web','port':2049,'process':null,"
		"'proto':'tcp','unit':null,'user':null}]";
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	estate_tell(&e, web, SECTION_LISTEN, "tcp 0.0.0.0:2049",
		"{'addr':'0.0.0.0','port':2049,'process':[],'proto':'tcp'}");
	estate_tell(&e, web, SECTION_PROCESS, "web:1",
		"{'container':'docker:ab12','exe':'/usr/bin/web','user':'www'}");
	estate_tell(&e, web, SECTION_LISTEN, "tcp 172.17.0.2:80 blue",
		"{'addr':'172.17.0.2','netns':'blue','port':80,'process':['web:1'],"
		"'proto':'tcp'}");
	estate_expect(&e, "hostipports", "{'host':'web'}", expected);
	estate_expect(&e, "allipports", NULL, expected);
	estate_remove(&e);
}

#define PORT_ROW(port, since)                                                           \
	"[{'host':'web','ifname':'eth0','mac':'02:00:00:00:00:01','port':'" port        \
	"','port_descr':'to web','protocol':'LLDP','since':'" since "','switch':'sw1'," \
	"'switch_descr':'a bridge'}]"

static void test_moved_cable(void **state)
{
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", "p1");
	estate_expect(&e, "allswitchports", NULL, PORT_ROW("p1", T0));
	e.now += 1000;
	estate_tell(&e, web, SECTION_LLDP, "eth0 LLDP 02:FF:00:00:00:01 p1", NULL);
	estate_expect(&e, "hostswitchports", "{'host':'web'}", "[]");
	e.now += 1000;
	estate_tell(&e, web, SECTION_LLDP, "eth0 LLDP 02:FF:00:00:00:01 p2",
		"{'chassis_id':'02ff.0000.0001','ifname':'eth0','port_descr':'to web',"
		"'port_id':'p2','protocol':'LLDP','sysdescr':'a bridge','sysname':'sw1'}");
	estate_expect(&e, "hostswitchports", "{'host':'web'}", PORT_ROW("p2", T2));
	estate_expect(&e, "allswitchports", "{'as_of':'" T0 "'}", PORT_ROW("p1", T0));
	estate_expect(&e, "allswitchports", "{'as_of':'" T1 "'}", "[]");
	estate_expect(&e, "nodecount", "{'as_of':'" T0 "'}",
		"[{'count':1,'kind':'host'},{'count':1,'kind':'ip'},{'count':1,'kind':'mac'},"
		"{'count':1,'kind':'nic'},{'count':1,'kind':'subnet'},{'count':1,'kind':'switch'},"
		"{'count':1,'kind':'switchport'}]");
	estate_expect(&e, "nodecount", "{'as_of':'" T1 "'}",
		"[{'count':1,'kind':'host'},{'count':1,'kind':'ip'},{'count':1,'kind':'mac'},"
		"{'count':1,'kind':'nic'},{'count':1,'kind':'subnet'}]");
	estate_expect(&e, "nodecount", NULL,
		"[{'count':1,'kind':'host'},{'count':1,'kind':'ip'},{'count':1,'kind':'mac'},"
		"{'count':1,'kind':'nic'},{'count':1,'kind':'subnet'},{'count':1,'kind':'switch'},"
		"{'count':1,'kind':'switchport'}]");
	estate_remove(&e);
}

static void test_addresses(void **state)
{
	struct estate e;
	int64_t a;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	estate_host(&e, 2, "b", NULL);
	estate_tell(&e, a, SECTION_ADDRESS, "eth0 2001:db8::1/64",
		"{'addr':'2001:db8::1','ifname':'eth0','prefix':64}");
	estate_expect(&e, "allips", NULL,
		"[{'host':'a','ifname':'eth0','ip':'10.0.0.1','mac':'02:00:00:00:00:01'},"
		"{'host':'b','ifname':'eth0','ip':'10.0.0.2','mac':'02:00:00:00:00:02'},"
		"{'host':'a','ifname':'eth0','ip':'2001:db8::1','mac':'02:00:00:00:00:01'}]");
	estate_expect(&e, "findip", "{'ip':'2001:0db8:0::1'}",
		"[{'host':'a','ifname':'eth0','ip':'2001:db8::1','mac':'02:00:00:00:00:01'}]");
	estate_expect(&e, "findip", "{'ip':'10.0.0.77'}", "[]");
	estate_expect(&e, "findmac", "{'mac':'0200.0000.0002'}",
		"[{'host':'b','ifname':'eth0','mac':'02:00:00:00:00:02'}]");
	e.now += 1000;
	estate_tell(&e, a, SECTION_LINK, "eth0", "{'ifname':'eth0','mac':'02:00:00:00:00:0a'}");
	estate_expect(&e, "findmac", "{'mac':'02:00:00:00:00:01'}", "[]");
	estate_expect(&e, "findmac", "{'mac':'02:00:00:00:00:01','as_of':'" T0 "'}",
		"[{'host':'a','ifname':'eth0','mac':'02:00:00:00:00:01'}]");
	estate_expect(&e, "findip", "{'ip':'10.0.0.1','as_of':'" T0 "'}",
		"[{'host':'a','ifname':'eth0','ip':'10.0.0.1','mac':'02:00:00:00:00:01'}]");
	estate_remove(&e);
}

static void test_servers(void **state)
{
	struct estate e;
	int64_t a;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	e.now += 1000;
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(graph_status(e.graph, a, "left"), 0);
	assert_int_equal(graph_status(e.graph, a, "left"), 0);
	assert_int_equal(graph_commit(e.graph), 0);
	estate_expect(&e, "allservers", NULL,
		"[{'host':'a','kernel':'6.1','os':'Debian 12','since':'" T1 "','status':'left'}]");
	estate_expect(&e, "allservers", "{'as_of':'" T0 "'}",
		"[{'host':'a','kernel':'6.1','os':'Debian 12','since':'" T0 "','status':'up'}]");
	estate_expect(&e, "allservers", "{'as_of':'2020-01-01'}", "[]");
	estate_expect(&e, "status", NULL,
		"[{'name':'hosts','value':1},{'name':'hosts_up','value':0},"
		"{'name':'hosts_left','value':1},{'name':'hosts_down','value':0},"
		"{'name':'hosts_unreachable','value':0},{'name':'hosts_hung','value':0},"
		"{'name':'hosts_gone','value':0},{'name':'incidents','value':0},"
		"{'name':'quarantined','value':0},{'name':'events_lost','value':0},"
		"{'name':'epoch','value':0}]");
	estate_remove(&e);
}

/* A host that tells of another boot is up since then; of the same one, nothing happened. */
static void test_reboot(void **state)
{
	static const char first[] = "[{'host':'a','kernel':'6.1','os':'Debian 12',"
				    "'since':'" T0 "','status':'up'}]";
	static const char second[] = "[{'host':'a','kernel':'6.1','os':'Debian 12',"
				     "'since':'" T2 "','status':'up'}]";
	struct message digest = { .kind = MESSAGE_DIGEST, .digest.boot = 7 };
	struct estate e;
	int64_t agent;

	(void)state;
	estate_new(&e);
	agent = estate_host(&e, 1, "a", NULL);
	e.now = ESTATE_START + 1000;
	estate_send(&e, agent, &digest);
	estate_send(&e, agent, &digest);
	estate_close(&e);
	estate_open(&e);
	digest.digest.boot = 0;
	estate_send(&e, agent, &digest);
	estate_expect(&e, "allservers", NULL, first);
	e.now += 1000;
	digest.digest.boot = UINT64_MAX;
	estate_send(&e, agent, &digest);
	estate_expect(&e, "allservers", NULL, second);
	estate_expect(&e, "allservers", "{'as_of':'" T1 "'}", first);
	estate_remove(&e);
}

static void test_changes(void **state)
{
	struct estate e;
	int64_t a;

	(void)state;
	estate_new(&e);
	a = estate_enrol(&e, "default", 1);
	estate_tell(&e, a, SECTION_HOST, "os", "{'nodename':'a'}");
	e.now += 1000;
	estate_tell(&e, a, SECTION_LINK, "eth0", "{'mtu':1}");
	e.now += 1000;
	estate_tell(&e, a, SECTION_LINK, "eth0", "{'mtu':2}");
	estate_tell(&e, a, SECTION_LINK, "eth1", "{'mtu':9}");
	estate_tell(&e, a, SECTION_LINK, "eth1", NULL); /* at once: never true */
	e.now += 1000;
	estate_tell(&e, a, SECTION_LINK, "eth0", NULL);
	estate_expect(&e, "changes", "{'from':'" T0 "'}",
		"[{'after':{'mtu':1},'before':null,'change':'added','host':'a','key':'eth0',"
		"'section':'link','time':'" T1 "'},"
		"{'after':{'mtu':2},'before':{'mtu':1},'change':'changed','host':'a','key':'eth0',"
		"'section':'link','time':'" T2 "'},"
		"{'after':null,'before':{'mtu':2},'change':'removed','host':'a','key':'eth0',"
		"'section':'link','time':'" T3 "'}]");
	estate_expect(&e, "changes", "{'from':'" T1 "','to':'" T2 "'}",
		"[{'after':{'mtu':2},'before':{'mtu':1},'change':'changed','host':'a','key':'eth0',"
		"'section':'link','time':'" T2 "'}]");
	estate_expect(&e, "changes", "{'from':'" T1 "','as_of':'" T1 "'}", "[]");
	estate_expect(&e, "history", "{'host':'a','section':'link'}",
		"[{'gone':'" T2 "','key':'eth0','section':'link','since':'" T1
		"','value':{'mtu':1}},"
		"{'gone':'" T3 "','key':'eth0','section':'link','since':'" T2
		"','value':{'mtu':2}}]");
	/* It comes back: added, not changed. */
	e.now += 1000;
	estate_tell(&e, a, SECTION_LINK, "eth0", "{'mtu':3}");
	estate_expect(&e, "changes", "{'from':'" T3 "'}",
		"[{'after':{'mtu':3},'before':null,'change':'added','host':'a','key':'eth0',"
		"'section':'link','time':'2023-11-14T22:13:24.000Z'}]");
	estate_remove(&e);
}

static void tell_status(struct estate *e, int64_t host, const char *status)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_status(e->graph, host, status), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

/* A host that comes or goes is a change, though no fact says so. */
static void test_changes_of_status(void **state)
{
	struct estate e;
	int64_t a;

	(void)state;
	estate_new(&e);
	a = estate_enrol(&e, "default", 1);
	estate_tell(&e, a, SECTION_HOST, "os", "{'nodename':'a'}");
	e.now += 1000;
	tell_status(&e, a, "left");
	e.now += 1000;
	tell_status(&e, a, "up");
	estate_expect(&e, "changes", "{'from':'" T0 "'}",
		"[{'after':{'status':'left'},'before':{'status':'up'},'change':'changed',"
		"'host':'a','key':'status','section':'host','time':'" T1 "'},"
		"{'after':{'status':'up'},'before':{'status':'left'},'change':'changed',"
		"'host':'a','key':'status','section':'host','time':'" T2 "'}]");
	estate_expect(&e, "changes", "{'from':'" T1 "','as_of':'" T1 "'}", "[]");
	estate_expect(&e, "changes", "{'from':'2020-01-01','to':'" T0 "','host':'a'}",
		"[{'after':{'nodename':'a'},'before':null,'change':'added','host':'a','key':'os',"
		"'section':'host','time':'" T0 "'},"
		"{'after':{'status':'up'},'before':null,'change':'added','host':'a',"
		"'key':'status','section':'host','time':'" T0 "'}]");
	estate_remove(&e);
}

/* Two tenants with the same addresses, names and chassis do not see each other. */
static void test_tenants(void **state)
{
	struct estate e;
	int64_t blue;
	json_t *rows;
	char *text;

	(void)state;
	estate_new(&e);
	estate_service(&e, estate_host(&e, 1, "web", "p1"), "nginx", 80);
	blue = estate_enrol(&e, "blue", 77);
	estate_tell(&e, blue, SECTION_HOST, "os", "{'nodename':'web'}");
	estate_tell(&e, blue, SECTION_ADDRESS, "eth0 10.0.0.5/24",
		"{'addr':'10.0.0.5','ifname':'eth0','prefix':24}");
	estate_client(&e, blue, "curl", "10.0.0.1", 80, true);
	assert_int_equal(estate_try(&e, "blue", "hostdependencies", "{'host':'web'}", &rows), 0);
	text = json_text(rows);
	assert_string_equal(text,
		"[{\"endpoint\":\"tcp 10.0.0.1:80\",\"hops\":1,\"host\":\"web\","
		"\"peer_host\":\"10.0.0.1\",\"peer_process\":null,"
		"\"process\":\"curl:1\",\"since\":\"" T0 "\"}]");
	free(text);
	json_decref(rows);
	estate_expect(&e, "hostdependencies", "{'host':'web'}", "[]");
	assert_int_equal(estate_try(&e, "blue", "findip", "{'ip':'10.0.0.1'}", &rows), 0);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	assert_int_equal(estate_try(&e, "green", "allips", NULL, &rows), -EINVAL);
	assert_string_equal(e.error, "unknown tenant 'green'");
	json_decref(rows);
	estate_remove(&e);
}

static void test_twins(void **state)
{
	struct estate e;
	json_t *rows;

	(void)state;
	estate_new(&e);
	estate_host(&e, 1, "web", NULL);
	estate_host(&e, 2, "web", NULL);
	assert_int_equal(
		estate_try(&e, "default", "hostipports", "{'host':'web'}", &rows), -EINVAL);
	assert_string_equal(e.error,
		"host 'web' is 2 of them; say which by its key: 010101010101, 020202020202");
	json_decref(rows);
	estate_expect(&e, "hostipports", "{'host':'020202020202'}", "[]");
	estate_remove(&e);
}

/* ---- what may be wrong in a question ---- */

static const struct {
	const char *name;
	const char *params;
	const char *error;
} wrong[] = {
	{ "allip", NULL, "unknown query 'allip'; did you mean 'allips'?" },
	{ "nonsense", NULL, "unknown query 'nonsense'" },
	{ "hostdependencies", "{'host':'a','depht':3}",
		"unknown parameter 'depht' of hostdependencies; did you mean 'depth'?" },
	{ "hostdependencies", "{}", "hostdependencies needs the parameter 'host'" },
	{ "hostdependencies", "{'host':['a']}",
		"hostdependencies: parameter 'host' must be a word or a number" },
	{ "hostdependencies", "{'host':'nobody'}", "unknown host 'nobody'" },
	{ "hostdependencies", "{'host':'a','depth':'deep'}", "depth 'deep' is not a number" },
	{ "hostdependencies", "{'host':'a','direction':'left'}",
		"direction 'left' is not one of both|up|down" },
	{ "hostdependencies", "{'host':'a','direction':'u'}",
		"direction 'u' is not one of both|up|down" },
	{ "findip", "{'ip':'10.0.0.256'}", "ip '10.0.0.256' is not an IP address" },
	{ "findmac", "{'mac':'10:20'}", "mac '10:20' is not a MAC address" },
	{ "impact", "{'node':'sw9:p1'}", "unknown node 'sw9:p1'" },
	{ "allips", "{'as_of':'yesterday'}",
		"as_of 'yesterday' is not a time (2026-11-22T19:20:00Z, 2026-11-22, -2h, now)" },
};

static void test_wrong_questions(void **state)
{
	struct estate e;

	(void)state;
	estate_new(&e);
	estate_host(&e, 1, "a", NULL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		json_t *rows;

		assert_int_equal(
			estate_try(&e, "default", wrong[i].name, wrong[i].params, &rows), -EINVAL);
		assert_string_equal(e.error, wrong[i].error);
		json_decref(rows);
	}
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_without_unit),
		cmocka_unit_test(test_moved_cable),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_changes_of_status),
		cmocka_unit_test(test_tenants),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_wrong_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
