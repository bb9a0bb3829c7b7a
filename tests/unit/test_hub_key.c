// SPDX-License-Identifier: Apache-2.0
/* The CMA's key is replaced: one agent and one hub, while both keys count and afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cma/hub_key.h"
#include "tests/unit/pair.h"
#include "tests/unit/root.h"
#include "wire/keys.h"

static void rotate(struct pair *p, const struct sign_pair *root, uint32_t serial)
{
	struct certificate certificate = { .serial = serial };
	uint8_t bytes[CERTIFICATE_SIZE];

	pair_new_key(p, &p->cma_key);
	memcpy(certificate.key, p->cma_key.public, SEAL_KEY);
	certificate_sign(&certificate, root, bytes);
	hub_key_rotate(p->hub, &p->cma_key, bytes);
}

/* A change goes all the way and is acknowledged. */
static void tell_something(struct pair *p, const char *key)
{
	pair_tell(p, key, "1");
	pair_pump(p);
	pair_commit(p, 0);
	pair_pass(p, 1000);
	assert_true(uplink_status(p->uplink)->settled);
}

/* Joined under the first key, with root pinned or not. */
static void join(struct pair *p, const struct sign_pair *root)
{
	p->has_root = root;
	if (root)
		memcpy(p->root, root->public, sizeof(p->root));
	pair_new_uplink(p, false);
	pair_join(p);
}

static void test_agent_moves_and_stays_after_the_end_of_the_old_key(void **state)
{
	struct sign_pair root = root_of(1);
	struct pair *p = *state;
	uint64_t sessions;

	join(p, &root);
	sessions = uplink_status(p->uplink)->sessions;
	rotate(p, &root, 1);
	pair_assert_silent(p); /* nobody is called for it */
	tell_something(p, "a");
	assert_int_equal(uplink_status(p->uplink)->new_keys, 1);
	tell_something(p, "b"); /* which begins the session under the new key */
	assert_int_equal(uplink_status(p->uplink)->sessions, sessions + 1);
	hub_key_retire(p->hub);
	tell_something(p, "c");
	p->now = instant_add(p->now, 25 * 3600 * NS_PER_SEC);
	tell_something(p, "d");
	assert_int_equal(uplink_status(p->uplink)->sessions, sessions + 2);
	assert_int_equal(hub_counters(p->hub)->bad_mac, 0);
	assert_int_equal(uplink_status(p->uplink)->new_keys, 1);
}

static void assert_certificate_is_for(const struct pair *p, const struct sign_pair *root)
{
	struct certificate certificate;

	assert_int_equal(
		certificate_open(uplink_certificate(p->uplink), root->public, &certificate), 0);
	assert_memory_equal(certificate.key, p->cma_key.public, SEAL_KEY);
}

static void test_what_was_kept_is_the_certificate(void **state)
{
	struct sign_pair root = root_of(1);
	struct pair *p = *state;

	join(p, &root);
	rotate(p, &root, 7);
	tell_something(p, "a");
	assert_certificate_is_for(p, &root);
}

/* It slept through the change, with the old key; the old key is still answered. */
static void test_agent_that_was_away_is_let_in_and_told(void **state)
{
	struct sign_pair root = root_of(1);
	struct key_pair first;
	struct pair *p = *state;

	join(p, &root);
	first = p->cma_key;
	rotate(p, &root, 1);
	p->called = &first;
	pair_new_uplink(p, true);
	pair_pump(p);
	pair_commit(p, 0);
	assert_int_equal(uplink_status(p->uplink)->new_keys, 1);
	hub_key_retire(p->hub);
	tell_something(p, "a");
	assert_certificate_is_for(p, &root);
	assert_int_equal(hub_counters(p->hub)->bad_mac, 0);
}

/* It enrols with a token of the old key: the first ACK comes before anything of it is on disk. */
static void test_agent_that_enrols_meanwhile_is_told_when_it_has(void **state)
{
	struct sign_pair root = root_of(1);
	struct pair *p = *state;
	struct key_pair first = p->cma_key;
	struct hub_commit joined;

	p->called = &first;
	p->has_root = true;
	memcpy(p->root, root.public, sizeof(p->root));
	pair_new_uplink(p, false);
	rotate(p, &root, 1);
	pair_pump(p);
	joined = (struct hub_commit){ .id = pair_last(p)->id,
		.incarnation = pair_last(p)->incarnation };
	hub_committed(p->hub, &joined);
	pair_pump(p);
	assert_false(uplink_status(p->uplink)->enrolled);
	/* A key can only be kept with an enrolment. */
	assert_int_equal(uplink_status(p->uplink)->new_keys, 0);
	pair_commit(p, 0);
	assert_true(uplink_status(p->uplink)->enrolled);
	assert_int_equal(uplink_status(p->uplink)->new_keys, 1);
}

static void test_the_old_key_is_silence_after_its_end(void **state)
{
	struct sign_pair root = root_of(1);
	struct key_pair first;
	struct pair *p = *state;
	size_t down;

	join(p, &root);
	first = p->cma_key;
	rotate(p, &root, 1);
	hub_key_retire(p->hub);
	p->called = &first;
	pair_new_uplink(p, true);
	down = p->down;
	pair_pump(p);
	assert_int_equal(p->down, down);
	assert_int_equal(hub_counters(p->hub)->bad_mac, 1);
}

static void assert_not_moved(struct pair *p)
{
	uint64_t sessions = uplink_status(p->uplink)->sessions;

	for (char key[] = "a"; *key <= 'z'; ++*key)
		tell_something(p, key);
	assert_int_equal(uplink_status(p->uplink)->new_keys, 0);
	assert_int_equal(uplink_status(p->uplink)->sessions, sessions);
}

static void test_another_root_is_ignored(void **state)
{
	struct sign_pair root = root_of(1), other = root_of(2);

	join(*state, &root);
	rotate(*state, &other, 1);
	assert_not_moved(*state);
}

static void test_an_older_certificate_is_ignored(void **state)
{
	struct sign_pair root = root_of(1);
	struct pair *p = *state;

	p->serial = 3;
	join(p, &root);
	rotate(p, &root, 3);
	assert_not_moved(p);
}

static void test_without_a_root_key_it_stays(void **state)
{
	struct sign_pair root = root_of(1);

	join(*state, NULL);
	rotate(*state, &root, 1);
	assert_not_moved(*state);
}

/* What ends a session that the CMA lost does not change with its key. */
static void test_a_reset_from_before_counts(void **state)
{
	struct sign_pair root = root_of(1);
	struct pair *p = *state;
	struct hub_agent agent = { .id = 1, .tenant = 1 };
	struct key_pair first;

	join(p, &root);
	tell_something(p, "a");
	memcpy(agent.key, p->agent_key.public, SEAL_KEY);
	keys_agent_psk(p->token.secret, agent.key, agent.psk);
	agent.incarnation = pair_last(p)->incarnation;
	agent.durable[STREAM_STATE] = pair_last(p)->sequence;
	first = p->cma_key;
	pair_new_hub(p, 2);
	hub_add_agent(p->hub, &agent);
	rotate(p, &root, 1);
	assert_memory_not_equal(first.public, p->cma_key.public, SEAL_KEY);
	tell_something(p, "b");
	assert_int_equal(uplink_status(p->uplink)->resets, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_agent_moves_and_stays_after_the_end_of_the_old_key),
		TEST(test_what_was_kept_is_the_certificate),
		TEST(test_agent_that_was_away_is_let_in_and_told),
		TEST(test_agent_that_enrols_meanwhile_is_told_when_it_has),
		TEST(test_the_old_key_is_silence_after_its_end),
		TEST(test_another_root_is_ignored),
		TEST(test_an_older_certificate_is_ignored),
		TEST(test_without_a_root_key_it_stays),
		TEST(test_a_reset_from_before_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
