// SPDX-License-Identifier: Apache-2.0
/* What one fact says: as lines "src kind dst", a node written as owner/kind:key. */
#include "cma/graph/derive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void node_text(const struct derived *d, int node, char *to, size_t size)
{
	char owner[256] = "";

	if (node == DERIVE_HOST || node == DERIVE_TENANT) {
		snprintf(to, size, node == DERIVE_HOST ? "H" : "T");
		return;
	}
	node_text(d, d->nodes[node].owner, owner, sizeof(owner));
	snprintf(to, size, "%s/%s:%s", owner, d->nodes[node].kind, d->nodes[node].key);
}

/* Edges and addresses as text, one per line. */
static char *derived_text(const struct derived *d)
{
	char *text = text_copy("");

	for (size_t i = 0; i < d->edge_count; i++) {
		char *before autofree = text;
		char src[300], dst[300];

		node_text(d, d->edges[i].src, src, sizeof(src));
		node_text(d, d->edges[i].dst, dst, sizeof(dst));
		text = text_format("%s%s %s %s\n", before, src, d->edges[i].kind, dst);
	}
	for (size_t i = 0; i < d->locals.count; i++) {
		char *before autofree = text;

		text = text_format("%slocal '%s' %s\n", before, d->locals.items[i].netns,
			d->locals.items[i].ip);
	}
	return text;
}

static const struct {
	enum section section;
	const char *key;
	const char *value;
	const char *expected;
} cases[] = {
	{ SECTION_LINK, "eth0", "{'ifname':'eth0','mac':'52:54:00:AA:00:01'}",
		"H nic H/nic:eth0\nH/nic:eth0 mac T/mac:52:54:00:aa:00:01\n" },
	{ SECTION_LINK, "lo", "{'ifname':'lo','mac':'00:00:00:00:00:00'}", "H nic H/nic:lo\n" },
	{ SECTION_ADDRESS, "k", "{'addr':'10.1.2.3','ifname':'eth0','prefix':20}",
		"H nic H/nic:eth0\nH/nic:eth0 address T/ip:10.1.2.3\n"
		"T/ip:10.1.2.3 subnet T/subnet:10.1.0.0/20\nlocal '' 10.1.2.3\n" },
	{ SECTION_ADDRESS, "k", "{'addr':'2001:db8::5','ifname':'eth0','prefix':64}",
		"H nic H/nic:eth0\nH/nic:eth0 address T/ip:2001:db8::5\n"
		"T/ip:2001:db8::5 subnet T/subnet:2001:db8::/64\nlocal '' 2001:db8::5\n" },
	{ SECTION_ADDRESS, "k", "{'addr':'fe80::1','ifname':'eth0','prefix':64}",
		"H nic H/nic:eth0\nH/nic:eth0 address T/ip:fe80::1\n" },
	{ SECTION_ADDRESS, "k", "{'addr':'127.0.0.1','ifname':'lo','prefix':8}",
		"H nic H/nic:lo\n" },
	{ SECTION_ADDRESS, "k", "{'addr':'127.0.1.1','ifname':'lo','prefix':8}",
		"H nic H/nic:lo\nlocal '' 127.0.1.1\n" },
	{ SECTION_NEIGHBOUR, "k", "{'ifname':'eth0','ip':'10.0.0.9','mac':'5254.00aa.0009'}",
		"H/nic:eth0 sees T/ip:10.0.0.9\n"
		"T/ip:10.0.0.9 neighbour T/mac:52:54:00:aa:00:09\n" },
	{ SECTION_NEIGHBOUR, "k", "{'ifname':'eth0','ip':'224.0.0.1','mac':'01:00:5e:00:00:01'}",
		"" },
	{ SECTION_LLDP, "k",
		"{'ifname':'eth0','protocol':'LLDP','chassis_id':'52-54-00-BB-00-01',"
		"'port_id':'ge-0/0/1'}",
		"H/nic:eth0 wired T/switch:52:54:00:bb:00:01/switchport:ge-0/0/1\n" },
	{ SECTION_LLDP, "k", "{'ifname':'eth0','chassis_id':'core-1','port_id':'0011.2233.4455'}",
		"H/nic:eth0 wired T/switch:core-1/switchport:00:11:22:33:44:55\n" },
	{ SECTION_LLDP, "k", "{'ifname':'eth0','chassis_id':'core-1'}", "" },
	{ SECTION_PROCESS, "nginx:1", "{'exe':'/usr/sbin/nginx','unit':'nginx.service'}",
		"H runs H/process:nginx:1\nH/process:nginx:1 unit H/unit:nginx.service\n" },
	{ SECTION_PROCESS, "a:1", "{'container':'c0ffee'}",
		"H runs H/process:a:1\nH/process:a:1 container H/container:c0ffee\n" },
	{ SECTION_LISTEN, "k",
		"{'proto':'tcp','addr':'10.0.0.1','port':80,'process':['a:1','b:2']}",
		"H/process:a:1 serves T/ip:10.0.0.1/endpoint:tcp 80\n"
		"H/process:b:2 serves T/ip:10.0.0.1/endpoint:tcp 80\n" },
	{ SECTION_LISTEN, "k", "{'proto':'tcp','addr':'0.0.0.0','port':80,'process':['a:1']}",
		"H/process:a:1 serves H/endpoint:tcp 127.0.0.1:80\n"
		"H/process:a:1 serves T/ip:10.0.0.1/endpoint:tcp 80\n"
		"H/process:a:1 serves H/endpoint:tcp 127.0.1.1:80\n" },
	{ SECTION_LISTEN, "k", "{'proto':'udp','addr':'::','port':53,'process':['a:1']}",
		"H/process:a:1 serves H/endpoint:udp [::1]:53\n"
		"H/process:a:1 serves T/ip:2001:db8::1/endpoint:udp 53\n" },
	{ SECTION_LISTEN, "k",
		"{'proto':'tcp','addr':'::','dual':true,'port':22,'process':['a:1']}",
		"H/process:a:1 serves H/endpoint:tcp 127.0.0.1:22\n"
		"H/process:a:1 serves T/ip:10.0.0.1/endpoint:tcp 22\n"
		"H/process:a:1 serves H/endpoint:tcp 127.0.1.1:22\n"
		"H/process:a:1 serves H/endpoint:tcp [::1]:22\n"
		"H/process:a:1 serves T/ip:2001:db8::1/endpoint:tcp 22\n" },
	{ SECTION_LISTEN, "k",
		"{'proto':'tcp','addr':'0.0.0.0','port':80,'process':['a:1'],'netns':'blue'}",
		"H/process:a:1 serves H/endpoint:tcp 127.0.0.1:80 blue\n"
		"H/process:a:1 serves T/ip:172.17.0.2/endpoint:tcp 80\n" },
	{ SECTION_LISTEN, "k", "{'proto':'unix','addr':'/run/x','port':0,'process':['a:1']}",
		"H/process:a:1 serves H/endpoint:unix /run/x\n" },
	{ SECTION_LISTEN, "k", "{'proto':'tcp','addr':'10.0.0.1','port':80}", "" },
	{ SECTION_CLIENT, "k", "{'process':'c:1','proto':'tcp','addr':'10.0.0.2','port':5432}",
		"H/process:c:1 uses T/ip:10.0.0.2/endpoint:tcp 5432\n" },
	{ SECTION_CLIENT, "k", "{'process':'c:1','proto':'tcp','addr':'127.0.0.1','port':80}",
		"H/process:c:1 uses H/endpoint:tcp 127.0.0.1:80\n" },
	{ SECTION_CLIENT, "k", "{'process':'c:1','proto':'udp','addr':'224.0.0.251','port':5353}",
		"H/process:c:1 uses H/endpoint:udp 224.0.0.251:5353\n" },
	{ SECTION_CLIENT, "k", "{'process':'c:1','proto':'tcp','addr':'fe80::7','port':80}",
		"H/process:c:1 uses H/endpoint:tcp [fe80::7]:80\n" },
	{ SECTION_CLIENT, "k",
		"{'process':'c:1','proto':'tcp','addr':'10.9.0.0/24','port':443,'folded':true}",
		"H/process:c:1 uses T/subnet:10.9.0.0/24/endpoint:tcp 443\n" },
	{ SECTION_INBOUND, "k",
		"{'process':['a:1'],'proto':'tcp','addr':'10.0.0.1','port':80,'peer':'10.9.9.9'}",
		"T/ip:10.9.9.9 calls T/ip:10.0.0.1/endpoint:tcp 80\nlocal '' 10.0.0.1\n" },
	{ SECTION_INBOUND, "k",
		"{'process':['a:1'],'proto':'tcp','addr':'127.0.0.1','port':80,"
		"'peer':'127.0.0.1'}",
		"" },
	{ SECTION_INBOUND, "k",
		"{'proto':'tcp','addr':'172.17.0.3','port':80,'peer':'10.9.9.9','netns':'red'}",
		"T/ip:10.9.9.9 calls T/ip:172.17.0.3/endpoint:tcp 80\n"
		"local 'red' 172.17.0.3\n" },
	{ SECTION_ROUTE, "k", "{'dst':'default','gateway':'10.0.0.254'}", "" },
	{ SECTION_ADDRESS, "k", "{'addr':'10.1.2.3','ifname':'eth0','prefix':33}",
		"H nic H/nic:eth0\nH/nic:eth0 address T/ip:10.1.2.3\nlocal '' 10.1.2.3\n" },
	{ SECTION_CLIENT, "k", "{'process':'c:1','proto':'unix','addr':'/run/x','netns':'blue'}",
		"H/process:c:1 uses H/endpoint:unix /run/x blue\n" },
	{ SECTION_INBOUND, "k", "{'proto':'tcp','addr':'here','port':1,'peer':'10.0.0.9'}", "" },
	{ SECTION_COVERAGE, "tcp", "{'state':'complete'}", "" },
	/* Wrong types say nothing. */
	{ SECTION_LISTEN, "k", "{'proto':7,'addr':[],'port':'x','process':{}}", "" },
	{ SECTION_CLIENT, "k", "{'process':['c:1'],'addr':null}", "" },
	{ SECTION_ADDRESS, "k", "{'addr':'10.0.0.300','ifname':'eth0'}", "" },
	{ SECTION_LINK, "k", "{'ifname':5,'mac':6}", "" },
};

static json_t *parse(const char *text)
{
	char *copy autofree = text_copy(text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return json_parse(SPAN_TEXT(copy), 4096, NULL, 0);
}

static void test_rules(void **state)
{
	struct derive_locals locals cleanup(derive_locals_free) = { 0 };

	(void)state;
	derive_locals_add(&locals, "", "10.0.0.1");
	derive_locals_add(&locals, "", "127.0.1.1");
	derive_locals_add(&locals, "", "2001:db8::1");
	derive_locals_add(&locals, "blue", "172.17.0.2");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *value autojson = parse(cases[i].value);
		struct derived d cleanup(derived_free) = { 0 };
		char *text autofree = NULL;

		assert_non_null(value);
		d = derive(cases[i].section, cases[i].key, value, &locals);
		text = derived_text(&d);
		if (strcmp(text, cases[i].expected) != 0)
			fail_msg("%s\nsays\n%snot\n%s", cases[i].value, text, cases[i].expected);
	}
}

static void test_names(void **state)
{
	const struct derive_locals none = { 0 };
	json_t *os autojson = parse("{'nodename':'web1'}");
	json_t *lldp autojson = parse("{'ifname':'eth0','chassis_id':'00:00:00:00:00:0a',"
				      "'sysname':'rack-7','port_id':'1'}");
	struct derived host = derive(SECTION_HOST, "os", os, &none);
	struct derived wired = derive(SECTION_LLDP, "k", lldp, &none);

	(void)state;
	assert_string_equal(host.host_label, "web1");
	assert_string_equal(wired.nodes[0].kind, "switch");
	assert_string_equal(wired.nodes[0].label, "rack-7");
	derived_free(&host);
	derived_free(&wired);
}

static void test_mac(void **state)
{
	static const char *const forms[] = { "00:1b:2C:3d:4e:5F", "00-1B-2C-3D-4E-5F",
		"001b.2c3d.4e5f", "001B2C3D4E5F", "001b2c-3d4e5f" };

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char *mac autofree = derive_mac(forms[i]);

		assert_string_equal(mac, "00:1b:2c:3d:4e:5f");
	}
	for (size_t i = 0; i < 4; i++) {
		static const char *const others[] = { "ge-0/0/1", "00:1b:2c", "", ":::" };
		char *same autofree = derive_mac(others[i]);

		assert_string_equal(same, others[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
