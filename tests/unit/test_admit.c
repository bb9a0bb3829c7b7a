// SPDX-License-Identifier: Apache-2.0
/* What operators decide: tokens and agents revoked, agents approved; and how queries show it. */
#include "tests/unit/estate.h"

#include <errno.h>

#include "cma/graph/admit.h"
#include "wire/keys.h"

#define T0 "2023-11-14T22:13:20.000Z" /* ESTATE_START */
#define T1 "2023-11-14T22:13:21.000Z"
#define T2 "2023-11-14T22:13:22.000Z"

/* Both in a transaction of their own. */
static int admit(struct estate *e, const char *tenant, uint8_t key, const uint8_t *psk)
{
	uint8_t public_key[GRAPH_KEY];
	int64_t agent;
	int err;

	memset(public_key, key, sizeof(public_key));
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	err = graph_admit(e->graph, tenant, public_key, psk, &agent);
	assert_int_equal(graph_commit(e->graph), 0);
	return err;
}

static int revoke(struct estate *e, const char *tenant, uint8_t key)
{
	uint8_t public_key[GRAPH_KEY];
	int err;

	memset(public_key, key, sizeof(public_key));
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	err = graph_revoke(e->graph, tenant, public_key);
	assert_int_equal(graph_commit(e->graph), 0);
	return err;
}

static void set_status(struct estate *e, int64_t agent, const char *status)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_status(e->graph, agent, status), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

struct found {
	size_t count, revoked;
	uint8_t psk; /* first byte */
};

static int note(void *context, const struct graph_agent *agent)
{
	struct found *found = context;

	found->count++;
	found->revoked += agent->revoked;
	found->psk = agent->psk[0];
	return 0;
}

static struct found agents(struct estate *e)
{
	struct found found = { .count = 0 };

	assert_int_equal(graph_agents(e->graph, note, &found), 0);
	return found;
}

/* "state since" of each agent. */
static char *states(struct estate *e, const char *tenant)
{
	char *text = text_copy("");
	json_t *rows, *row;
	size_t i;

	assert_int_equal(estate_try(e, tenant, "agents", NULL, &rows), 0);
	json_array_foreach (rows, i, row) {
		char *before autofree = text;

		text = text_format("%s%s%s %s", before, i ? ", " : "", json_get_text(row, "state"),
			json_get_text(row, "since"));
	}
	json_decref(rows);
	return text;
}

#define assert_states(e, tenant, expected)                \
	do {                                              \
		char *got__ autofree = states(e, tenant); \
		assert_string_equal(got__, expected);     \
	} while (0)

/* What it said before it was revoked, and that had no effect yet, has none. */
static void test_revoked_message(void **state)
{
	struct graph_message message = { .incarnation = 1, .stream = STREAM_STATE, .sequence = 9 };
	struct graph_result result;
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	assert_int_equal(revoke(&e, "default", 1), 0);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(graph_apply(e.graph, web, &message, &result), -EACCES);
	graph_rollback(e.graph);
	estate_remove(&e);
}

/* Nothing that the agent's last packets lead to makes it "up" again, and what it told stays. */
static void test_revoke(void **state)
{
	struct estate e;
	int64_t web;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	e.now += 1000;
	assert_int_equal(revoke(&e, "other", 1), -ENOENT);
	assert_int_equal(revoke(&e, "default", 2), -ENOENT);
	assert_int_equal(revoke(&e, "default", 1), 0);
	e.now += 1000;
	assert_int_equal(revoke(&e, "default", 1), 0);
	set_status(&e, web, "up");
	assert_states(&e, "default", "revoked " T1);
	assert_int_equal(agents(&e).revoked, 1);
	estate_expect(&e, "allips", NULL,
		"[{'host':'web','ifname':'eth0','ip':'10.0.0.1','mac':'02:00:00:00:00:01'}]");
	estate_close(&e);
	estate_open(&e);
	assert_int_equal(agents(&e).revoked, 1);
	assert_int_equal(admit(&e, "default", 1, NULL), 0);
	assert_int_equal(agents(&e).revoked, 0);
	assert_states(&e, "default", "left " T2);
	set_status(&e, web, "up");
	assert_states(&e, "default", "up " T2);
	estate_remove(&e);
}

static void test_admit(void **state)
{
	const uint8_t psk[GRAPH_KEY] = { 7 }, other[GRAPH_KEY] = { 9 };
	struct estate e;

	(void)state;
	estate_new(&e);
	assert_int_equal(admit(&e, "red", 1, NULL), -ENOENT);
	assert_int_equal(agents(&e).count, 0);
	assert_int_equal(admit(&e, "two words", 1, psk), -EINVAL);
	assert_int_equal(admit(&e, "red", 1, psk), 0);
	assert_int_equal(agents(&e).count, 1);
	assert_int_equal(agents(&e).psk, 7);
	assert_states(&e, "red", "left " T0);
	assert_int_equal(admit(&e, "red", 1, NULL), 0);
	assert_int_equal(agents(&e).psk, 7);
	assert_int_equal(admit(&e, "red", 1, other), 0);
	assert_int_equal(agents(&e).psk, 9);
	assert_int_equal(admit(&e, "blue", 1, psk), -EEXIST);
	assert_int_equal(agents(&e).psk, 9);
	estate_remove(&e);
}

static int revoke_token(struct estate *e, const char *tenant, uint8_t id)
{
	const uint8_t bytes[GRAPH_TOKEN_ID] = { id };
	int err;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	err = graph_token_revoke(e->graph, tenant, bytes);
	assert_int_equal(graph_commit(e->graph), 0);
	return err;
}

static void add_token(struct estate *e, uint8_t id, int64_t uses, int64_t expires_ms)
{
	struct graph_token token = { .tenant = "red", .uses = uses, .expires_ms = expires_ms };

	token.id[0] = id;
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_token_create(e->graph, &token), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

static void test_tokens(void **state)
{
	const uint8_t key[GRAPH_KEY] = { 1 }, id[GRAPH_TOKEN_ID] = { 3 };
	struct estate e;
	int64_t agent;
	json_t *rows;
	char *text autofree = NULL;

	(void)state;
	estate_new(&e);
	add_token(&e, 1, 0, INT64_MAX / 2);
	add_token(&e, 2, 5, 1);
	add_token(&e, 3, 1, INT64_MAX / 2);
	add_token(&e, 4, 2, INT64_MAX / 2);
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(graph_enrol(e.graph, id, key, key, &agent), 0);
	assert_int_equal(graph_commit(e.graph), 0);
	assert_int_equal(revoke_token(&e, "blue", 4), -ENOENT);
	assert_int_equal(revoke_token(&e, "red", 5), -ENOENT);
	assert_int_equal(revoke_token(&e, "red", 4), 0);
	assert_int_equal(revoke_token(&e, "red", 4), 0);
	estate_enrol(&e, "blue", 9);
	assert_int_equal(estate_try(&e, "red", "tokens", NULL, &rows), 0);
	for (size_t i = 0; i < json_array_size(rows); i++)
		json_object_del(json_array_get(rows, i), "expires");
	text = json_dumps(rows, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text,
		"[{\"created\":\"" T0 "\",\"id\":\"0100000000000000\",\"state\":\"good\","
		"\"tenant\":\"red\",\"uses_left\":null},"
		"{\"created\":\"" T0 "\",\"id\":\"0200000000000000\",\"state\":\"expired\","
		"\"tenant\":\"red\",\"uses_left\":5},"
		"{\"created\":\"" T0 "\",\"id\":\"0300000000000000\",\"state\":\"used up\","
		"\"tenant\":\"red\",\"uses_left\":0},"
		"{\"created\":\"" T0 "\",\"id\":\"0400000000000000\",\"state\":\"revoked\","
		"\"tenant\":\"red\",\"uses_left\":2}]");
	json_decref(rows);
	estate_remove(&e);
}

/* The whole answer; one agent by each of its names; where and when its last session was. */
static void test_agents(void **state)
{
	static const char *const names[] = { "web", "cd07-ce56-659d-d239-fa59-2ced-9fb2-a327",
		"0101010101010101010101010101010101010101010101010101010101010101" };
	struct estate e;
	int64_t web;
	json_t *rows;

	(void)state;
	estate_new(&e);
	web = estate_host(&e, 1, "web", NULL);
	estate_host(&e, 2, "db", NULL);
	assert_int_equal(graph_begin(e.graph, e.now + 1000), 0);
	assert_int_equal(graph_session(e.graph, web, "10.0.0.1:99", 5), 0);
	assert_int_equal(graph_commit(e.graph), 0);
	estate_expect(&e, "agents", "{'agent':'web'}",
		"[{'address':'10.0.0.1:99','fingerprint':'cd07-ce56-659d-d239-fa59-2ced-9fb2-a327',"
		"'host':'web','incarnation':'0000000000000001',"
		"'key':'0101010101010101010101010101010101010101010101010101010101010101',"
		"'session':'" T1 "','since':'" T0 "','state':'up','tenant':'default'}]");
	for (size_t i = 0; i < 3; i++) {
		char *params autofree = text_format("{'agent':'%s'}", names[i]);

		assert_int_equal(estate_try(&e, "default", "agents", params, &rows), 0);
		assert_int_equal(json_array_size(rows), 1);
		assert_string_equal(
			json_get_text(json_array_get(rows, 0), "address"), "10.0.0.1:99");
		json_decref(rows);
	}
	assert_int_equal(estate_try(&e, "default", "agents", NULL, &rows), 0);
	assert_int_equal(json_array_size(rows), 2);
	assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "session")));
	json_decref(rows);
	estate_remove(&e);
}

static void assert_only_one(struct estate *e, const char *query, const char *params)
{
	json_t *rows autojson = NULL;

	assert_int_equal(estate_try(e, "default", query, params, &rows), 0);
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(json_get_text(json_array_get(rows, 0), "host"), "one");
}

/* A host says itself how it is called: it must not be taken for another by that. */
static void test_name_of_another(void **state)
{
	uint8_t public_key[GRAPH_KEY];
	char fingerprint[KEYS_FINGERPRINT_SIZE], key[2 * GRAPH_KEY + 1];
	const char *const names[] = { fingerprint, key };
	char *params autofree = NULL;
	struct estate e;

	(void)state;
	estate_new(&e);
	memset(public_key, 1, sizeof(public_key));
	keys_fingerprint(public_key, fingerprint);
	text_hex(public_key, sizeof(public_key), key);
	estate_host(&e, 1, "one", NULL);
	for (uint8_t i = 0; i < 2; i++) {
		char *agent autofree = text_format("{'agent':'%s'}", names[i]);

		estate_host(&e, (uint8_t)(2 + i), names[i], NULL);
		assert_only_one(&e, "agents", agent);
	}
	params = text_format("{'host':'%s'}", key);
	assert_only_one(&e, "commandtarget", params);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_revoked_message),
		cmocka_unit_test(test_admit),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_agents),
		cmocka_unit_test(test_name_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
