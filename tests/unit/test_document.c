// SPDX-License-Identifier: Apache-2.0
/* The document and the report of --once, from a table of facts made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/document.h"
#include "agent/report.h"
#include "agent/table.h"

static const struct {
	enum section section;
	const char *key, *value;
} facts[] = {
	{ SECTION_HOST, "os",
		"{\"nodename\":\"web1\",\"Description\":\"Debian 12\",\"kernel-release\":\"6.1.0\"}" },
	{ SECTION_HOST, "cpu", "{\"count\":2,\"model name\":\"Xeon\"}" },
	{ SECTION_HOST, "memory", "{\"MemTotal\":2097152}" },
	{ SECTION_PROCESS, "nginx:0badcafe",
		"{\"exe\":\"/usr/sbin/nginx\",\"cmdline\":[\"nginx\"],\"uid\":33,\"user\":\"www-data\","
		"\"unit\":\"nginx.service\"}" },
	{ SECTION_PROCESS, "named:11112222", "{\"exe\":\"/usr/sbin/named\",\"user\":\"bind\"}" },
	{ SECTION_LISTEN, "tcp [::]:80",
		"{\"proto\":\"tcp\",\"addr\":\"::\",\"port\":80,\"dual\":true,"
		"\"process\":[\"nginx:0badcafe\"]}" },
	{ SECTION_LISTEN, "tcp 10.0.0.1:53",
		"{\"proto\":\"tcp\",\"addr\":\"10.0.0.1\",\"port\":53,\"process\":[\"named:11112222\"]}" },
	{ SECTION_LISTEN, "udp 10.0.0.1:53",
		"{\"proto\":\"udp\",\"addr\":\"10.0.0.1\",\"port\":53,\"process\":[\"named:11112222\"]}" },
	{ SECTION_LISTEN, "udp 10.0.0.1:53 blue",
		"{\"proto\":\"udp\",\"addr\":\"10.0.0.1\",\"port\":53,\"netns\":\"blue\","
		"\"process\":[\"named:11112222\"]}" },
	{ SECTION_LISTEN, "unix /run/x.sock",
		"{\"proto\":\"unix\",\"addr\":\"/run/x.sock\",\"port\":0,\"process\":[]}" },
	{ SECTION_CLIENT, "nginx:0badcafe tcp 10.0.0.2:5432",
		"{\"process\":\"nginx:0badcafe\",\"proto\":\"tcp\",\"addr\":\"10.0.0.2\",\"port\":5432,"
		"\"state\":\"refused\"}" },
	{ SECTION_LINK, "eth0",
		"{\"ifname\":\"eth0\",\"mac\":\"02:00:00:00:00:01\",\"operstate\":\"up\"}" },
	{ SECTION_ADDRESS, "eth0 10.0.0.1/24",
		"{\"ifname\":\"eth0\",\"addr\":\"10.0.0.1\",\"prefix\":24,\"scope\":\"global\"}" },
	{ SECTION_ADDRESS, "eth0 2001:db8::1/64",
		"{\"ifname\":\"eth0\",\"addr\":\"2001:db8::1\",\"prefix\":64,\"scope\":\"global\"}" },
	{ SECTION_NEIGHBOUR, "eth0 10.0.0.9",
		"{\"ifname\":\"eth0\",\"ip\":\"10.0.0.9\",\"mac\":\"02:00:00:00:00:09\"}" },
	{ SECTION_ROUTE, "default via 10.0.0.254 dev eth0",
		"{\"dst\":\"default\",\"gateway\":\"10.0.0.254\",\"ifname\":\"eth0\"}" },
	{ SECTION_LLDP, "eth0 LLDP 02:00:00:00:00:fe ge-0/0/1",
		"{\"ifname\":\"eth0\",\"protocol\":\"LLDP\",\"chassis_id\":\"02:00:00:00:00:fe\","
		"\"sysname\":\"sw1\",\"port_id\":\"ge-0/0/1\",\"port_descr\":\"to\\u001b[31mweb1\"}" },
	{ SECTION_COVERAGE, "tcp", "{\"state\":\"complete\"}" },
	{ SECTION_COVERAGE, "lldp",
		"{\"state\":\"unavailable\",\"why\":\"lldpd is not running\"}" },
};

static struct tracker *make_tracker(void)
{
	static const uint8_t no_key[16];
	struct tracker *tracker = tracker_new(no_key);

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		struct fact fact = { facts[i].section, SPAN_TEXT(facts[i].key),
			SPAN_TEXT(facts[i].value) };

		tracker_apply(tracker, &fact);
	}
	return tracker;
}

static const char expected_document[] =
	"{\"host\":{\"nodename\":\"web1\",\"Description\":\"Debian 12\",\"kernel-release\":\"6.1.0\","
	"\"cpu\":{\"count\":2,\"model name\":\"Xeon\"},\"memory\":{\"MemTotal\":2097152}},"
	"\"processes\":{\"nginx:0badcafe\":{\"exe\":\"/usr/sbin/nginx\",\"cmdline\":[\"nginx\"],"
	"\"uid\":33,\"user\":\"www-data\",\"unit\":\"nginx.service\",\"listenaddrs\":{\"[::]:80\":"
	"{\"proto\":\"tcp\",\"addr\":\"::\",\"port\":80,\"dual\":true}},\"clientaddrs\":"
	"{\"10.0.0.2:5432\":{\"proto\":\"tcp\",\"addr\":\"10.0.0.2\",\"port\":5432,\"state\":"
	"\"refused\"}}},\"named:11112222\":{\"exe\":\"/usr/sbin/named\",\"user\":\"bind\","
	"\"listenaddrs\":{\"10.0.0.1:53\":{\"proto\":\"tcp\",\"addr\":\"10.0.0.1\",\"port\":53},"
	"\"10.0.0.1:53/udp\":{\"proto\":\"udp\",\"addr\":\"10.0.0.1\",\"port\":53},"
	"\"10.0.0.1:53/udp blue\":{\"proto\":\"udp\",\"addr\":\"10.0.0.1\",\"port\":53,\"netns\":"
	"\"blue\"}}}},\"unattributed\":{\"listenaddrs\":{\"/run/x.sock\":{\"proto\":\"unix\","
	"\"addr\":\"/run/x.sock\",\"port\":0}}},\"links\":{\"eth0\":{\"ifname\":\"eth0\",\"mac\":"
	"\"02:00:00:00:00:01\",\"operstate\":\"up\",\"addresses\":[\"10.0.0.1/24\","
	"\"2001:db8::1/64\"],\"routes\":[\"default via 10.0.0.254\"]}},\"neighbours\":[{\"ifname\":\"eth0\",\"ip\":\"10.0.0.9\",\"mac\":"
	"\"02:00:00:00:00:09\"}],\"lldp\":[{\"ifname\":\"eth0\",\"protocol\":\"LLDP\",\"chassis_id\":"
	"\"02:00:00:00:00:fe\",\"sysname\":\"sw1\",\"port_id\":\"ge-0/0/1\",\"port_descr\":"
	"\"to\\u001b[31mweb1\"}],\"coverage\":{\"tcp\":{\"state\":\"complete\"},\"lldp\":{\"state\":"
	"\"unavailable\",\"why\":\"lldpd is not running\"}}}";

static void test_document_has_the_seeds_shape(void **state)
{
	struct tracker *tracker = make_tracker();
	json_t *document autojson = document_of(tracker), *expected autojson = NULL;
	char *got autofree = json_text(document);
	char error[128];

	(void)state;
	expected = json_parse(SPAN_TEXT(expected_document), 1 << 16, error, sizeof(error));
	if (!expected)
		fail_msg("%s", error);
	if (!json_equal(document, expected)) {
		fprintf(stderr, "%s\n", got);
		fail();
	}
	tracker_free(tracker);
}

static const char expected_report[] =
	"web1: Debian 12, kernel 6.1.0, 2 x Xeon, 2048 MiB\n"
	"\n"
	"LISTENING\n"
	"PROTO  ADDRESS               PROCESS         USER      UNIT           NETNS\n"
	"tcp    10.0.0.1:53           named:11112222  bind                     \n"
	"udp    10.0.0.1:53/udp       named:11112222  bind                     \n"
	"udp    10.0.0.1:53/udp blue  named:11112222  bind                     blue\n"
	"tcp    [::]:80               nginx:0badcafe  www-data  nginx.service  \n"
	"unix   /run/x.sock           ?                                        \n"
	"\n"
	"CONNECTED\n"
	"PROTO  TO             PROCESS         USER      UNIT           STATE\n"
	"tcp    10.0.0.2:5432  nginx:0badcafe  www-data  nginx.service  refused\n"
	"\n"
	"LINKS\n"
	"LINK  STATE  MAC                ADDRESSES\n"
	"eth0  up     02:00:00:00:00:01  10.0.0.1/24 2001:db8::1/64\n"
	"\n"
	"SWITCH PORTS\n"
	"LINK  SWITCH  PORT      DESCRIPTION  PROTOCOL\n"
	"eth0  sw1     ge-0/0/1  to?[31mweb1  LLDP\n"
	"\n"
	"NOT SEEN COMPLETELY\n"
	"FEATURE  STATE        WHY\n"
	"lldp     unavailable  lldpd is not running\n";

static void test_report_is_aligned_and_harmless(void **state)
{
	struct tracker *tracker = make_tracker();
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	report_print(tracker, to);
	fclose(to);
	assert_string_equal(text, expected_report);
	free(text);
	tracker_free(tracker);
}

static void test_table_counts_characters(void **state)
{
	static const char *const headings[] = { "A", "B" };
	static const char *const row[] = { "häß", "x" };
	struct table table;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	table_init(&table, headings, 2);
	table_print(&table, to);
	table_add(&table, row);
	table_print(&table, to);
	table_free(&table);
	fclose(to);
	assert_string_equal(text, "A    B\nhäß  x\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document_has_the_seeds_shape),
		cmocka_unit_test(test_report_is_aligned_and_harmless),
		cmocka_unit_test(test_table_counts_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
