// SPDX-License-Identifier: Apache-2.0
/* What each rule finds, and what it must not. */
#include "tests/unit/estate.h"

enum { MINUTE_MS = 60000 };

/* Asks rules instead of queries; their times are told from now on. */
static void use_rules(struct estate *e)
{
	queries_close(e->queries);
	assert_int_equal(queries_open_set("rules", e->directory, NULL, &e->queries, e->error,
				 sizeof(e->error)),
		0);
}

/* The texts that a rule finds at e->now, between commas; each row names a node of ours. */
static char *found(struct estate *e, const char *rule)
{
	char *text = text_copy("");
	json_t *rows, *row;
	size_t i;

	assert_int_equal(estate_try(e, "default", rule, NULL, &rows), 0);
	json_array_foreach (rows, i, row) {
		char *before autofree = text;

		assert_true(json_integer_value(json_object_get(row, "node")) > 0);
		text = text_format("%s%s%s", before, i ? ", " : "", json_get_text(row, "text"));
	}
	json_decref(rows);
	return text;
}

#define assert_found(e, rule, expected)                   \
	do {                                              \
		char *text__ autofree = found((e), rule); \
		assert_string_equal(text__, expected);    \
	} while (0)

static void cable(struct estate *e, int64_t host, const char *ifname, const char *sw)
{
	char *key autofree = text_format("%s LLDP %s p-%s", ifname, sw, ifname);
	char *value autofree = text_format(
		"{'ifname':'%s','protocol':'LLDP','chassis_id':'%s','chassis_id_type':'local',"
		"'sysname':'%s','port_id':'p-%s','port_id_type':'ifname'}",
		ifname, sw, sw, ifname);

	estate_tell(e, host, SECTION_LLDP, key, value);
}

static void test_bond(void **state)
{
	struct estate e;
	int64_t host;

	(void)state;
	estate_new(&e);
	host = estate_host(&e, 1, "web", NULL);
	estate_tell(&e, host, SECTION_LINK, "bond0", "{'ifname':'bond0','kind':'bond'}");
	estate_tell(&e, host, SECTION_LINK, "eth1", "{'ifname':'eth1','master':'bond0'}");
	estate_tell(&e, host, SECTION_LINK, "eth2", "{'ifname':'eth2','master':'bond0'}");
	use_rules(&e);
	cable(&e, host, "eth1", "sw1");
	e.now += 11 * MINUTE_MS;
	assert_found(&e, "bond-one-switch", "");
	cable(&e, host, "eth2", "sw1");
	assert_found(&e, "bond-one-switch", "");
	e.now += 11 * MINUTE_MS;
	assert_found(&e, "bond-one-switch", "web: all 2 links of bond0 end at switch sw1");
	estate_tell(&e, host, SECTION_LLDP, "eth2 LLDP sw1 p-eth2", NULL);
	assert_found(&e, "bond-one-switch", "");
	cable(&e, host, "eth2", "sw2");
	e.now += 11 * MINUTE_MS;
	assert_found(&e, "bond-one-switch", "");
	estate_remove(&e);
}

static void test_half_duplex(void **state)
{
	struct estate e;
	int64_t host;

	(void)state;
	estate_new(&e);
	host = estate_host(&e, 1, "web", NULL);
	use_rules(&e);
	estate_tell(&e, host, SECTION_LINK, "eth1",
		"{'ifname':'eth1','carrier':true,'duplex':'full','speed':1000}");
	e.now += 11 * MINUTE_MS;
	assert_found(&e, "half-duplex", "");
	estate_tell(&e, host, SECTION_LINK, "eth1",
		"{'ifname':'eth1','carrier':true,'duplex':'half','speed':100}");
	assert_found(&e, "half-duplex", "");
	e.now += 11 * MINUTE_MS;
	assert_found(&e, "half-duplex", "web: eth1 runs at half duplex at 100 Mb/s");
	estate_tell(&e, host, SECTION_LINK, "eth1",
		"{'ifname':'eth1','carrier':false,'duplex':'half'}");
	e.now += 11 * MINUTE_MS;
	assert_found(&e, "half-duplex", "");
	estate_remove(&e);
}

static void client(struct estate *e, int64_t host, const char *state)
{
	char *value autofree = text_format(
		"{'process':'psql:1','proto':'tcp','addr':'10.0.0.1','port':5432,'state':'%s'}",
		state);

	estate_tell(e, host, SECTION_CLIENT, "psql:1 tcp 10.0.0.1:5432", value);
}

static void set_status(struct estate *e, int64_t host, const char *status)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_status(e->graph, host, status), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

static void test_service_gone(void **state)
{
	static const char text[] = "db: nobody serves tcp 10.0.0.1:5432 any more, "
				   "and clients are turned away";
	struct estate e;
	int64_t db, web;

	(void)state;
	estate_new(&e);
	db = estate_host(&e, 1, "db", NULL);
	web = estate_host(&e, 2, "web", NULL);
	set_status(&e, db, "up");
	estate_service(&e, db, "postgres", 5432);
	estate_client(&e, web, "psql", "10.0.0.1", 5432, true);
	use_rules(&e);
	e.now += MINUTE_MS;
	client(&e, web, "ok");
	assert_found(&e, "service-gone", "");
	e.now += MINUTE_MS;
	estate_tell(&e, db, SECTION_LISTEN, "tcp 0.0.0.0:5432", NULL);
	e.now += 2 * MINUTE_MS;
	assert_found(&e, "service-gone", ""); /* nobody has tried */
	client(&e, web, "refused");
	assert_found(&e, "service-gone", text);
	set_status(&e, db, "down");
	assert_found(&e, "service-gone", ""); /* that has an incident of its own */
	set_status(&e, db, "up");
	assert_found(&e, "service-gone", text);
	estate_service(&e, db, "postgres", 5432);
	assert_found(&e, "service-gone", "");
	e.now += 2 * MINUTE_MS;
	estate_tell(&e, db, SECTION_LISTEN, "tcp 0.0.0.0:5432", NULL);
	client(&e, web, "ok");
	e.now += 2 * MINUTE_MS;
	client(&e, web, "timeout");
	assert_found(&e, "service-gone", text);
	e.now += (int64_t)24 * 60 * MINUTE_MS;
	assert_found(&e, "service-gone", "");
	estate_remove(&e);
}

/* Whatever a rule is, its form is that of all. */
static void test_form(void **state)
{
	const struct query *rule;
	struct estate e;
	size_t i;

	(void)state;
	estate_new(&e);
	use_rules(&e);
	for (i = 0; (rule = queries_at(e.queries, i)) != NULL; i++) {
		assert_null(rule->broken);
		assert_non_null(rule->severity);
		assert_int_equal(rule->param_count, 0);
		assert_found(&e, rule->name, "");
	}
	assert_true(i >= 3);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bond),
		cmocka_unit_test(test_half_duplex),
		cmocka_unit_test(test_service_gone),
		cmocka_unit_test(test_form),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
