// SPDX-License-Identifier: Apache-2.0
/* What the store keeps of tokens and agents, as the hub gets it at the start of the CMA. */
#include "tests/unit/estate.h"

#include "cma/enlist.h"

struct listed {
	struct hub_token tokens[4];
	struct hub_agent agents[4];
	size_t token_count, agent_count;
};

static int take_token(void *context, const struct graph_token *token)
{
	struct listed *listed = context;

	enlist_token(token, &listed->tokens[listed->token_count++]);
	return 0;
}

static int take_agent(void *context, const struct graph_agent *agent)
{
	struct listed *listed = context;

	enlist_agent(agent, &listed->agents[listed->agent_count++]);
	return 0;
}

/* An agent may come again with any token of its own tenant, and with no other. */
static void test_tenants(void **state)
{
	struct graph_token fresh = { .tenant = "red" };
	struct listed listed = { .token_count = 0 };
	struct hub_token token;
	struct estate e;

	(void)state;
	estate_new(&e);
	estate_enrol(&e, "red", 1);
	estate_enrol(&e, "blue", 2);
	assert_int_equal(graph_tokens(e.graph, take_token, &listed), 0);
	assert_int_equal(graph_agents(e.graph, take_agent, &listed), 0);
	assert_int_equal(listed.token_count, 2);
	assert_int_equal(listed.agent_count, 2);
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 2; j++)
			assert_int_equal(listed.tokens[i].tenant == listed.agents[j].tenant,
				listed.tokens[i].id[0] == listed.agents[j].key[0]);
	enlist_token(&fresh, &token);
	assert_int_equal(token.tenant, listed.agents[0].tenant);
	estate_remove(&e);
}

static void test_uses(void **state)
{
	static const struct {
		int64_t uses, made;
		uint32_t left;
	} cases[] = { { 0, 7, UINT32_MAX }, { 3, 1, 2 }, { 3, 3, 0 }, { 1, 2, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct graph_token token = { .uses = cases[i].uses, .uses_made = cases[i].made };
		struct hub_token known;

		enlist_token(&token, &known);
		assert_int_equal(known.uses, cases[i].left);
	}
}

/* A revoked one is answered as one that has expired, and lets nobody in. */
static void test_revoked(void **state)
{
	struct graph_token token = { .expires_ms = INT64_MAX, .revoked = true };
	struct hub_token known;

	(void)state;
	enlist_token(&token, &known);
	assert_int_equal(known.uses, 0);
	assert_int_equal(known.expires_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tenants),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
