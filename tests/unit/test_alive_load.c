// SPDX-License-Identifier: Apache-2.0
/* What the arbiter knows at the start, of all that the store has. */
#include "tests/unit/estate.h"

#include "cma/alive/alive_state.h"
#include "cma/alive/member.h"
#include "cma/alive_load.h"
#include "cma/enlist.h"
#include "cma/graph/admit.h"
#include "cma/graph/incident.h"
#include "cma/graph/ring.h"

static const uint8_t *no_key(void *owner, uint64_t id)
{
	(void)owner;
	(void)id;
	return NULL;
}

static void no_random(void *owner, void *to, size_t size)
{
	(void)owner;
	memset(to, 1, size);
}

/* It has not started: all that it knows is what it was told. */
static struct alive *load(struct estate *e)
{
	struct alive_config config = {
		.degree = 2, .interval_ms = 1000, .public_key = no_key, .random = no_random
	};
	struct alive *alive;

	assert_int_equal(alive_load_config(e->graph, &config), 0);
	alive = alive_new(&config);
	assert_int_equal(alive_load(e->graph, alive), 0);
	return alive;
}

static const struct agent *agent_of(const struct alive *alive, int64_t id)
{
	const struct agent *agent = member_find(alive, (uint64_t)id);

	assert_non_null(agent);
	return agent;
}

static void begin(struct estate *e)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
}

static void commit(struct estate *e)
{
	assert_int_equal(graph_commit(e->graph), 0);
}

static void test_config(void **state)
{
	struct alive_config config = { 0 }, again = { 0 };
	struct graph_ring_edge edge = { .edge = 41 };
	struct estate e;

	(void)state;
	estate_new(&e);
	assert_int_equal(alive_load_config(e.graph, &config), 0);
	assert_int_equal(config.next_edge, 1);
	edge.low = estate_enrol(&e, "default", 1);
	edge.high = estate_enrol(&e, "default", 2);
	begin(&e);
	assert_int_equal(graph_ring_add(e.graph, &edge), 0);
	assert_int_equal(graph_ring_remove(e.graph, 41), 0);
	commit(&e);
	assert_int_equal(alive_load_config(e.graph, &again), 0);
	assert_int_equal(again.next_edge, 42);
	assert_memory_equal(config.secret, again.secret, sizeof(config.secret));
	estate_remove(&e);
}

static void test_agents(void **state)
{
	uint8_t third[GRAPH_KEY];
	const struct message digest = { .kind = MESSAGE_DIGEST, .digest.boot = 0xb007 };
	struct alive *alive;
	const struct agent *agent;
	struct estate e;
	int64_t a, b, c, d;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", "p1");
	b = estate_host(&e, 2, "b", NULL);
	c = estate_enrol(&e, "default", 3);
	d = estate_enrol(&e, "other", 4);
	memset(third, 3, sizeof(third));
	estate_send(&e, a, &digest);
	begin(&e);
	assert_int_equal(graph_session(e.graph, a, "10.0.0.1:1984", 1), 0);
	assert_int_equal(graph_beat(e.graph, a, 1985), 0);
	assert_int_equal(graph_session(e.graph, b, "10.0.0.2:1984", 1), 0);
	assert_int_equal(graph_status(e.graph, b, "unreachable"), 0);
	assert_int_equal(graph_revoke(e.graph, "default", third), 0);
	commit(&e);
	alive = load(&e);
	assert_int_equal(alive->count, 4);

	agent = agent_of(alive, a);
	assert_int_equal(agent->status, ALIVE_UP);
	assert_int_equal(agent->tenant, enlist_tenant("default"));
	assert_true(agent->boot == 0xb007);
	assert_true(agent->incarnation == 1);
	assert_int_equal(agent->address.port, 1985);
	assert_int_equal(agent->address.ip[15], 1);
	assert_int_equal(agent->links, 1);

	agent = agent_of(alive, b);
	assert_int_equal(agent->status, ALIVE_UNREACHABLE);
	assert_int_equal(agent->address.port, 0);
	assert_int_equal(agent->links, 0);
	assert_non_null(agent->domain);

	agent = agent_of(alive, c);
	assert_int_equal(agent->status, ALIVE_REVOKED);
	assert_int_equal(agent->address.port, 0);
	assert_int_equal(agent_of(alive, d)->tenant, enlist_tenant("other"));
	alive_free(alive);
	estate_remove(&e);
}

static void test_edges(void **state)
{
	struct graph_ring_edge edge = { .edge = 7, .layer = 1 };
	struct alive *alive;
	struct estate e;

	(void)state;
	estate_new(&e);
	edge.low = estate_enrol(&e, "default", 1);
	edge.high = estate_enrol(&e, "default", 2);
	begin(&e);
	assert_int_equal(graph_ring_add(e.graph, &edge), 0);
	assert_int_equal(graph_ring_sees(e.graph, edge.high, 7, SIGHT_REFUSED), 0);
	commit(&e);
	alive = load(&e);
	assert_int_equal(alive->loaded_count, 1);
	assert_int_equal(alive->loaded[0].edge, 7);
	assert_int_equal(alive->loaded[0].layer, 1);
	assert_true(alive->loaded[0].low == (uint64_t)edge.low);
	assert_true(alive->loaded[0].high == (uint64_t)edge.high);
	assert_int_equal(alive->loaded[0].low_sees, SIGHT_HEARD);
	assert_int_equal(alive->loaded[0].high_sees, SIGHT_REFUSED);
	alive_free(alive);
	estate_remove(&e);
}

static void test_incidents(void **state)
{
	struct alive *alive;
	struct alive_incident name = { .cause = ALIVE_CAUSE_ONE_WAY };
	int64_t a, b, tenant, other, id;
	struct estate e;

	(void)state;
	estate_new(&e);
	a = estate_enrol(&e, "default", 1);
	b = estate_enrol(&e, "default", 2);
	estate_enrol(&e, "other", 3);
	assert_int_equal(graph_tenant(e.graph, "default", &tenant), 0);
	assert_int_equal(graph_tenant(e.graph, "other", &other), 0);
	begin(&e);
	assert_int_equal(graph_incident_open(e.graph, tenant, "host", a, "x", &id), 0);
	assert_int_equal(graph_incident_clear(e.graph, tenant, id), 0);
	assert_int_equal(graph_incident_open(e.graph, tenant, "duplicate-key", a, "x", &id), 0);
	assert_int_equal(graph_incident_open(e.graph, tenant, "cma-isolated", tenant, "x", &id), 0);
	assert_int_equal(graph_incident_open(e.graph, other, "cma-isolated", other, "x", &id), 0);
	assert_int_equal(graph_incident_tell(e.graph,
				 &(struct graph_cause){ tenant, "one-way", a, b }, "x", &id),
		0);
	assert_int_equal(graph_incident_host(e.graph, id, a), 0);
	assert_int_equal(graph_incident_host(e.graph, id, b), 0);
	assert_int_equal(graph_incident_host_end(e.graph, id, a), 0);
	commit(&e);
	alive = load(&e);
	assert_int_equal(alive->faults.count, 2);
	assert_non_null(alive->isolated);
	assert_non_null(
		fault_find(alive, &(struct alive_incident){ .cause = ALIVE_CAUSE_ISOLATED }));
	name.tenant = enlist_tenant("default");
	name.node = (uint64_t)a;
	name.other = (uint64_t)b;
	assert_non_null(fault_find(alive, &name));
	assert_null(agent_of(alive, a)->inquiry);
	assert_non_null(agent_of(alive, b)->inquiry);
	alive_free(alive);
	estate_remove(&e);
}

/* Nobody can say any more that a host fails. */
static void test_off(void **state)
{
	struct graph_ring_edge edge = { .edge = 7 };
	int64_t a, b, c, tenant, id;
	struct estate e;

	(void)state;
	estate_new(&e);
	a = edge.low = estate_host(&e, 1, "a", NULL);
	b = edge.high = estate_host(&e, 2, "b", NULL);
	c = estate_host(&e, 3, "c", NULL);
	assert_int_equal(graph_tenant(e.graph, "default", &tenant), 0);
	begin(&e);
	assert_int_equal(graph_ring_add(e.graph, &edge), 0);
	assert_int_equal(graph_status(e.graph, a, "down"), 0);
	assert_int_equal(graph_status(e.graph, b, "hung"), 0);
	assert_int_equal(graph_status(e.graph, c, "left"), 0);
	assert_int_equal(graph_incident_open(e.graph, tenant, "host", a, "x", &id), 0);
	assert_int_equal(graph_incident_open(e.graph, tenant, "over-quota", a, "x", &id), 0);
	commit(&e);
	assert_int_equal(alive_load_off(e.graph, e.now += 1000), 0);
	assert_int_equal(alive_load_off(e.graph, e.now += 1000), 0);
	estate_expect(&e, "down", NULL, "[]");
	estate_expect(&e, "ring", NULL, "[]");
	estate_expect(&e, "shutdown", NULL, "[{'host':'c','since':'2023-11-14T22:13:20.000Z'}]");
	assert_int_equal(estate_sql(&e,
				 "SELECT count(*) FROM host_status WHERE status = 'up'"
				 " AND gone = 9223372036854775807"),
		2);
	assert_int_equal(graph_incident_find(e.graph, tenant, "host", a, &id), 0);
	assert_int_equal(graph_incident_find(e.graph, tenant, "over-quota", a, &id), 1);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_agents),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_incidents),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
