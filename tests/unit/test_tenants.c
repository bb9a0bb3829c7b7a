// SPDX-License-Identifier: Apache-2.0
/*
 * Two runs that differ only in what the other tenant does: everything that tenant "ours" can ask is
 * the same to the byte. In one run "theirs" is not there; in the others it does anything that the
 * store can be asked to, with addresses, names, switches and keys like ours. TENANTS_SEED and
 * TENANTS_CALLS repeat a run or make it longer.
 */
#include "tests/unit/estate.h"

#include <errno.h>
#include <stdlib.h>

#include "cma/graph/admit.h"
#include "cma/graph/command.h"
#include "cma/graph/incident.h"
#include "cma/graph/maintenance.h"
#include "cma/graph/ring.h"
#include "tests/sim/random.h"

enum {
	CALLS = 30000,
	HOSTS = 4,
	TOKENS = 8,
	STEP_MS = 50,
	BATCH = 500,
	ASK_EVERY = 10000,
	EDGES = 8
};

/* One tenant, as it acts. */
struct side {
	const char *tenant;
	uint8_t first_key; /* of its HOSTS */
	struct random random;
	int64_t agents[HOSTS];
	uint64_t sequence[HOSTS];
	uint64_t incarnation[HOSTS];
	uint64_t count;
};

struct world {
	struct estate e;
	struct side ours, theirs;
	bool alone;
	struct writer seen;
};

static bool in_percent(struct side *side, unsigned percent)
{
	return random_percent(&side->random, percent);
}

static uint64_t below(struct side *side, uint64_t limit)
{
	return random_below(&side->random, limit);
}

/*
 * Whether it names what is ours. Only theirs does: that a key belongs to some tenant is something
 * that whoever knows the key can find out.
 */
static bool is_foreign(const struct world *world, struct side *side, unsigned percent)
{
	return side == &world->theirs && in_percent(side, percent);
}

/* The host's number is in its name, so both tenants have hosts of the same names and addresses. */
static void pack_fact(struct side *side, struct writer *w, size_t host)
{
	unsigned n = (unsigned)below(side, 6), port = 80 + (unsigned)below(side, 4);
	bool gone = in_percent(side, 25);
	char *key autofree = NULL, *value autofree = NULL;
	enum section section = SECTION_HOST;

	switch (below(side, 8)) {
	case 0:
		key = text_copy("os");
		value = text_format("{'nodename':'h%zu','Description':'Debian %u'}", host, n);
		break;
	case 1:
		section = SECTION_ADDRESS;
		key = text_format("eth0 10.0.0.%u/24", n);
		value = text_format("{'addr':'10.0.0.%u','ifname':'eth0','prefix':24}", n);
		break;
	case 2:
		section = SECTION_LINK;
		key = text_copy("eth0");
		value = text_format("{'ifname':'eth0','mac':'02:00:00:00:00:%02x'}", n);
		break;
	case 3:
		section = SECTION_LLDP;
		key = text_format("eth0 LLDP sw p%u", n);
		value = text_format("{'chassis_id':'sw','port_id':'p%u','ifname':'eth0',"
				    "'sysname':'sw1','sysdescr':'of %s'}",
			n, side->tenant);
		break;
	case 4:
		section = SECTION_LISTEN;
		key = text_format("tcp 0.0.0.0:%u", port);
		value = text_format(
			"{'addr':'0.0.0.0','port':%u,'process':['p:%u'],'proto':'tcp'}", port, n);
		break;
	case 5:
		section = SECTION_CLIENT;
		key = text_format("c:%u tcp 10.0.0.%u:%u", n, n, port);
		value = text_format("{'addr':'10.0.0.%u','port':%u,'process':'c:%u','proto':'tcp'}",
			n, port, n);
		break;
	case 6:
		section = SECTION_NEIGHBOUR;
		key = text_format("eth0 10.0.0.%u", n);
		value = text_format(
			"{'ifname':'eth0','ip':'10.0.0.%u','mac':'02:00:00:00:00:%02x'}", n, n);
		break;
	default:
		section = SECTION_PROCESS;
		key = text_format("p:%u", n);
		value = text_format("{'exe':'/usr/bin/%s','user':'u%u'}", side->tenant, n);
		break;
	}
	estate_pack(w, section, key, gone ? NULL : value);
}

/* A message of one of its hosts: facts, a digest that differs, a range, a loss, or nonsense. */
static void tell(struct world *world, struct side *side)
{
	struct writer facts cleanup(writer_free) = writer_growing(1 << 16);
	struct writer w cleanup(writer_free) = writer_growing(1 << 16);
	struct message message = { .kind = MESSAGE_CHANGES };
	size_t host = below(side, HOSTS);
	int err;

	if (in_percent(side, 1)) {
		side->incarnation[host]++;
		side->sequence[host] = 0;
	}
	for (uint64_t i = below(side, 4) + 1; i; i--)
		pack_fact(side, &facts, host);
	message.changes.facts = writer_span(&facts);
	switch (below(side, 20)) {
	case 0:
		message = (struct message){ .kind = MESSAGE_DIGEST,
			.digest = { below(side, 3), below(side, 5), { 1, 2, 3 } } };
		break;
	case 1:
		message = (struct message){ .kind = MESSAGE_RANGE,
			.range = { .section = (uint8_t)below(side, SECTION_COUNT) } };
		break;
	case 2:
		message = (struct message){ .kind = MESSAGE_LOST, .lost = { below(side, 9), 4 } };
		break;
	case 3:
		message.changes.facts = SPAN_TEXT("no facts");
		break;
	case 4:
		/* Of any edge, also one of the other tenant. */
		message = (struct message){ .kind = MESSAGE_SIGHT,
			.sight = { .edge = (uint32_t)below(side, 2 * EDGES) + 1,
				.sight = (uint8_t)below(side, SIGHT_COUNT + 1) } };
		break;
	default:
		break;
	}
	message_encode(&w, &message);
	if (!side->agents[host])
		return;
	err = estate_apply(&world->e, side->agents[host], side->incarnation[host],
		++side->sequence[host], writer_span(&w));
	assert_true(!err || err == -EACCES); /* it may have been revoked */
}

static void key_of(const struct side *side, size_t host, uint8_t key[GRAPH_KEY])
{
	memset(key, side->first_key + (int)host, GRAPH_KEY);
}

static struct graph_token token_of(const struct side *side, uint64_t number)
{
	struct graph_token token = { .expires_ms = INT64_MAX };

	token.id[0] = side->first_key;
	token.id[1] = (uint8_t)number;
	snprintf(token.tenant, sizeof(token.tenant), "%s", side->tenant);
	return token;
}

/* Its own host, or a key of ours. */
static void admit(struct world *world, struct side *side, const struct side *other)
{
	const struct graph_token token = token_of(side, below(side, TOKENS));
	bool foreign = is_foreign(world, side, 10);
	size_t host = below(side, HOSTS);
	uint8_t key[GRAPH_KEY], psk[GRAPH_KEY] = { 1 };
	struct graph *g = world->e.graph;
	int64_t agent = 0;
	int err = 0;

	key_of(foreign ? other : side, host, key);
	switch (below(side, 4)) {
	case 0:
		err = graph_token_create(g, &token);
		break;
	case 1:
		err = graph_token_revoke(g, side->tenant, token_of(other, 0).id);
		if (in_percent(side, 30))
			graph_token_revoke(g, side->tenant, token.id);
		break;
	case 2:
		err = graph_admit(g, side->tenant, key, psk, &agent);
		break;
	default:
		err = graph_revoke(g, side->tenant, key);
		break;
	}
	assert_true(!err || err == -EEXIST || err == -ENOENT);
	if (agent && !foreign)
		side->agents[host] = agent;
}

static void trouble(struct world *world, struct side *side)
{
	static const char *const kinds[] = { "duplicate-key", "store-restored", "events-lost" };
	struct graph *g = world->e.graph;
	size_t host = below(side, HOSTS);
	int64_t tenant, id, at;
	int err;

	if (graph_tenant(g, side->tenant, &tenant) || !side->agents[host])
		return;
	if (in_percent(side, 60)) {
		err = graph_incident_open(
			g, tenant, kinds[below(side, 3)], side->agents[host], "it is", &id);
		assert_int_equal(err, 0);
		assert_int_equal(graph_incident_host(g, id, side->agents[host]), 0);
		return;
	}
	/* By number as operators do, and by a row that may be the other tenant's. */
	at = (int64_t)below(side, side->count / 100 + 5);
	if (!graph_incident_numbered(g, tenant, at, &id))
		graph_incident_clear(g, tenant, id);
	if (side == &world->theirs)
		for (at = 1; at < 30; at++)
			assert_true(graph_incident_clear(g, tenant, at) <= 0);
}

/* A command for a host of its own, or for one of ours; and what came of one. */
static void command(struct world *world, struct side *side, const struct side *other)
{
	uint8_t memory[WARRANT_MAX], seed[SIGN_SEED] = { side->first_key };
	struct writer w = writer_over(memory, sizeof(memory));
	struct warrant warrant = { .tenant = SPAN_TEXT(side->tenant),
		.name = SPAN_TEXT("resync"),
		.not_after_ms = (uint64_t)world->e.now + 60000 };
	bool foreign = is_foreign(world, side, 20);
	size_t host = below(side, HOSTS);
	struct sign_pair pair;
	int64_t found = 0;
	int err;

	warrant.id[0] = side->first_key;
	memcpy(warrant.id + 1, &side->count, sizeof(side->count));
	warrant.incarnation = side->incarnation[host];
	key_of(foreign ? other : side, host, warrant.agent);
	sign_from_seed(&pair, seed);
	assert_int_equal(warrant_sign(&warrant, &pair, &w), 0);
	err = graph_command_add(world->e.graph, writer_span(&w), &found);
	if (foreign)
		assert_int_equal(err, -ENOENT);
	else
		assert_true(!err || found == side->agents[host] || err == -ENOENT);
	if (!err && in_percent(side, 50))
		graph_command_expire(world->e.graph, warrant.id, in_percent(side, 50));
}

/* Each tenant has EDGES numbers: an edge comes, at times one to a host of ours, or goes. */
static void ring(struct world *world, struct side *side, const struct side *other)
{
	bool foreign = is_foreign(world, side, 20), gone = in_percent(side, 40);
	const struct graph_ring_edge edge = {
		.edge = (uint32_t)below(side, EDGES) + 1 + (side == &world->theirs ? EDGES : 0),
		.low = side->agents[below(side, HOSTS)],
		.high = (foreign ? other : side)->agents[below(side, HOSTS)],
	};
	int err = gone ? graph_ring_remove(world->e.graph, edge.edge)
		       : graph_ring_add(world->e.graph, &edge);

	assert_int_equal(err, !gone && (foreign || !edge.low || !edge.high) ? -ENOENT : 0);
}

/* Of a host, for a while or until it is over; or of what is none of theirs. */
static void maintain(struct world *world, struct side *side, const struct side *other)
{
	bool foreign = is_foreign(world, side, 30);
	struct graph_maintenance m = {
		.node = (foreign ? other : side)->agents[below(side, HOSTS)],
		.until_ms = in_percent(side, 50) ? GRAPH_NO_END : world->e.now + 1,
		.operator= "root",
		.note = side->tenant,
	};
	int err = graph_tenant(world->e.graph, side->tenant, &m.tenant);

	if (!err)
		err = in_percent(side, 60)
			? graph_maintenance_on(world->e.graph, &m)
			: graph_maintenance_off(world->e.graph, m.tenant, m.node, m.operator);
	assert_true(err == -ENOENT || (!err && !foreign));
}

static void fare(struct world *world, struct side *side, size_t host)
{
	static const char *const words[] = { "up", "left", "down", "unreachable", "hung", "gone" };

	if (side->agents[host])
		graph_status(world->e.graph, side->agents[host], words[below(side, 6)]);
}

static void act(struct world *world, struct side *side, const struct side *other)
{
	uint64_t what = below(side, 100);

	side->count++;
	if (what < 85)
		tell(world, side);
	else if (what < 90)
		admit(world, side, other);
	else if (what < 95)
		trouble(world, side);
	else if (what < 96)
		command(world, side, other);
	else if (what < 97)
		ring(world, side, other);
	else if (what < 98)
		maintain(world, side, other);
	else
		fare(world, side, what % HOSTS);
}

/* The answer, or the complaint, as text. */
static void ask(struct world *world, const char *query, const char *params)
{
	json_t *rows autojson = NULL;
	char *text autofree = NULL, *line autofree = NULL;
	int err;

	/* A query ends after 10 s, whoever else keeps the machine busy. */
	do {
		json_decref(rows);
		err = estate_try(&world->e, world->ours.tenant, query, params, &rows);
	} while (err == -ETIME);
	text = json_text(rows);
	line = text_format("%s %s: %d %s %s\n", query, params ? params : "", err,
		err ? world->e.error : "", text);

	put_span(&world->seen, SPAN_TEXT(line));
	assert_false(world->seen.failed);
}

/* Every query, about what we have, what only they have, and what nobody has. */
static void ask_all(struct world *world)
{
	static const char *const plain[] = { "agents", "allipports", "allips", "allservers",
		"allswitchports", "changes", "commands", "crashed", "down", "downservices",
		"events", "incidents", "maintenance", "nodecount", "orphans", "ring", "shutdown",
		"status", "tokens", "unknownips" };
	static const char *const of_host[] = { "history", "hostdependencies", "hostipports",
		"hostswitchports", "impact", "explain", "changes", "commands", "ring" };
	static const char *const of_node[] = { "10.0.0.0", "10.0.0.5", "sw1", "sw1:p1", "sw1:p5",
		"h1/p:1", "02:00:00:00:00:01", "10.0.0.1:80", "nowhere" };
	static const char *const hosts[] = { "h0", "h1", "h3", "theirs-only", "nobody" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		ask(world, plain[i], NULL);
		ask(world, plain[i], "{'as_of':'-1m'}");
	}
	ask(world, "incidents", "{'all':'yes'}");
	ask(world, "maintenance", "{'all':'yes'}");
	ask(world, "events", "{'after':'2','limit':'5'}");
	ask(world, "incidenthosts", "{'incident':'1'}");
	ask(world, "orphans", "{'days':'0'}");
	for (size_t h = 0; h < sizeof(hosts) / sizeof(hosts[0]); h++) {
		for (size_t i = 0; i < sizeof(of_host) / sizeof(of_host[0]); i++) {
			bool node = !strcmp(of_host[i], "impact") || !strcmp(of_host[i], "explain");
			char *params autofree =
				text_format("{'%s':'%s'}", node ? "node" : "host", hosts[h]);

			ask(world, of_host[i], params);
		}
	}
	for (size_t n = 0; n < sizeof(of_node) / sizeof(of_node[0]); n++) {
		char *node autofree = text_format("{'node':'%s'}", of_node[n]);
		char *ip autofree = text_format("{'ip':'%s'}", of_node[n]);
		char *mac autofree = text_format("{'mac':'%s'}", of_node[n]);

		ask(world, "explain", node);
		ask(world, "impact", node);
		ask(world, "findip", ip);
		ask(world, "findmac", mac);
	}
}

static void begin_side(struct world *world, struct side *side)
{
	for (size_t host = 0; host < HOSTS; host++) {
		side->incarnation[host] = 1 + host;
		side->agents[host] = estate_enrol(
			&world->e, side->tenant, (uint8_t)(side->first_key + (int)host));
	}
}

static void run(struct world *world, uint64_t ours, uint64_t theirs, unsigned calls)
{
	*world = (struct world){
		.ours = { .tenant = "ours", .first_key = 10, .random = { ours } },
		.theirs = { .tenant = "theirs", .first_key = 100, .random = { theirs } },
		.alone = !theirs,
		.seen = writer_growing(256 << 20),
	};
	estate_new(&world->e);
	if (!world->alone)
		begin_side(world, &world->theirs);
	begin_side(world, &world->ours);
	if (!world->alone)
		estate_tell(&world->e, world->theirs.agents[2], SECTION_HOST, "os",
			"{'nodename':'theirs-only'}");
	world->theirs.sequence[2] = world->e.sequence;
	for (unsigned i = 0; i < calls; i++) {
		if (i % BATCH == 0)
			assert_int_equal(graph_begin(world->e.graph, world->e.now += STEP_MS), 0);
		if (!world->alone)
			act(world, &world->theirs, &world->ours);
		if (i % 4 == 0)
			act(world, &world->ours, &world->theirs);
		if (i % BATCH == BATCH - 1) {
			assert_int_equal(graph_maintenance_expired(world->e.graph), 0);
			assert_int_equal(graph_commit(world->e.graph), 0);
		}
		if (i % ASK_EVERY == ASK_EVERY - 1)
			ask_all(world);
	}
}

static void end(struct world *world)
{
	writer_free(&world->seen);
	estate_remove(&world->e);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* The first line in which the two differ. */
static void compare(const struct writer *one, const struct writer *other)
{
	size_t size = one->size < other->size ? one->size : other->size, line = 0, at = 0;

	while (at < size && one->data[at] == other->data[at]) {
		at++;
		if (one->data[at - 1] == '\n')
			line = at;
	}
	if (at == one->size && at == other->size)
		return;
	fail_msg("they differ:\n%.*s\n%.*s", (int)strcspn((char *)one->data + line, "\n"),
		one->data + line, (int)strcspn((char *)other->data + line, "\n"),
		other->data + line);
}

static void test_store(void **state)
{
	uint64_t seed = number_of("TENANTS_SEED", 1);
	unsigned calls = (unsigned)number_of("TENANTS_CALLS", CALLS);
	struct world alone, one, other;

	(void)state;
	print_message("TENANTS_SEED=%llu TENANTS_CALLS=%u\n", (unsigned long long)seed, calls);
	run(&alone, seed, 0, calls);
	run(&one, seed, seed + 1, calls);
	compare(&alone.seen, &one.seen);
	run(&other, seed, seed + 2, calls);
	compare(&one.seen, &other.seen);
	print_message("%zu bytes of answers\n", alone.seen.size);
	assert_true(alone.seen.size > 100000);
	end(&alone);
	end(&one);
	end(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
