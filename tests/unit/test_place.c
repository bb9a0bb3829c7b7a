// SPDX-License-Identifier: Apache-2.0
/* Where a host is plugged in, of what it told. */
#include "tests/unit/estate.h"

#include <errno.h>

#include "cma/graph/admit.h"
#include "cma/graph/place.h"

static struct alive_place place_of(struct estate *e, int64_t agent)
{
	struct alive_place place;

	assert_int_equal(graph_place(e->graph, agent, &place), 0);
	return place;
}

static void plug(struct estate *e, int64_t agent, const char *ifname, const char *protocol,
	const char *chassis, const char *port)
{
	char *key autofree = text_format("%s %s %s %s", ifname, protocol, chassis, port);
	char *value autofree =
		text_format("{'chassis_id':'%s','ifname':'%s','port_id':'%s','protocol':'%s'}",
			chassis, ifname, port, protocol);

	estate_tell(e, agent, SECTION_LLDP, key, value);
	assert_true(e->result.moved);
}

static uint64_t node(struct estate *e, const char *kind, const char *key)
{
	char *sql autofree =
		text_format("SELECT id FROM node WHERE kind = '%s' AND key = '%s'", kind, key);

	return (uint64_t)estate_sql(e, sql);
}

static void test_links(void **state)
{
	struct alive_place place;
	struct estate e;
	int64_t a;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	assert_int_equal(place_of(&e, a).links, 0);
	plug(&e, a, "eth1", "LLDP", "sw2", "p7");
	plug(&e, a, "eth0", "LLDP", "sw1", "p1");
	/* The same cable, as another protocol tells of it. */
	plug(&e, a, "eth0", "CDP", "sw1", "p1");
	place = place_of(&e, a);
	assert_int_equal(place.links, 2);
	assert_true(place.link[0].port < place.link[1].port);
	assert_true(place.link[0].sw == node(&e, "switch", "sw2"));
	assert_true(place.link[0].port == node(&e, "switchport", "p7"));
	assert_true(place.link[1].sw == node(&e, "switch", "sw1"));
	assert_true(place.link[1].port == node(&e, "switchport", "p1"));
	assert_true(place.subnet == 0);

	/* A cable that goes, and comes back to the same port. */
	estate_tell(&e, a, SECTION_LLDP, "eth1 LLDP sw2 p7", NULL);
	assert_true(e.result.moved);
	assert_int_equal(place_of(&e, a).links, 1);
	plug(&e, a, "eth1", "LLDP", "sw2", "p7");
	assert_true(place_of(&e, a).link[0].port == place.link[0].port);

	/* Of many the first, in an order that does not change. */
	for (unsigned i = 0; i < 6; i++) {
		char port[2] = { (char)('a' + i), '\0' };

		plug(&e, a, port, "LLDP", "sw3", port);
	}
	assert_int_equal(place_of(&e, a).links, ALIVE_LINKS);
	assert_true(place_of(&e, a).link[1].port == place.link[1].port);
	estate_remove(&e);
}

static void be_at(struct estate *e, int64_t agent, const char *address)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_session(e->graph, agent, address, 1), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

/* Without LLDP the subnet of the address that it calls from. */
static void test_subnet(void **state)
{
	struct estate e;
	int64_t a, b;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	b = estate_host(&e, 2, "b", NULL);
	assert_true(place_of(&e, a).subnet == 0);
	be_at(&e, a, "10.0.0.1:1984");
	assert_true(place_of(&e, a).subnet == node(&e, "subnet", "10.0.0.0/24"));
	/* Behind a translation of addresses: it has none of that name. */
	be_at(&e, b, "192.0.2.9:40000");
	assert_true(place_of(&e, b).subnet == 0);
	/* What another host says of that address does not count for it. */
	be_at(&e, b, "10.0.0.1:1984");
	assert_true(place_of(&e, b).subnet == 0);
	estate_tell(&e, b, SECTION_ADDRESS, "eth1 2001:db8::5/64",
		"{'addr':'2001:db8::5','ifname':'eth1','prefix':64}");
	assert_true(e.result.moved);
	be_at(&e, b, "[2001:db8::5]:1984");
	assert_true(place_of(&e, b).subnet == node(&e, "subnet", "2001:db8::/64"));
	/* A switch says it better. */
	plug(&e, b, "eth1", "LLDP", "sw1", "p1");
	assert_int_equal(place_of(&e, b).links, 1);
	assert_true(place_of(&e, b).subnet == 0);
	estate_remove(&e);
}

/* Only what can change it is told as such. */
static void test_moved(void **state)
{
	struct alive_place place;
	struct estate e;
	int64_t a;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", "p1");
	assert_true(e.result.moved);
	estate_service(&e, a, "nginx", 80);
	assert_false(e.result.moved);
	estate_tell(&e, a, SECTION_HOST, "os", "{'nodename':'b'}");
	assert_false(e.result.moved);
	/* The same again. */
	estate_tell(&e, a, SECTION_ADDRESS, "eth0 10.0.0.1/24",
		"{'addr':'10.0.0.1','ifname':'eth0','prefix':24}");
	assert_false(e.result.moved);
	estate_tell(&e, a, SECTION_ADDRESS, "eth0 10.0.0.1/24", NULL);
	assert_true(e.result.moved);
	assert_int_equal(graph_place(e.graph, 12345, &place), -ENOENT);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_subnet),
		cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
