// SPDX-License-Identifier: Apache-2.0
/* The list of agents that wait to be approved: bounded for all and for each source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cma/pending.h"
#include "wire/keys.h"

enum { NOW = 1000000 };

static void key_of(unsigned int number, uint8_t key[SEAL_KEY])
{
	memset(key, 0, SEAL_KEY);
	memcpy(key, &number, sizeof(number));
}

static bool note(struct pending *pending, int64_t now_ms, unsigned int number, const char *from)
{
	static const uint8_t secret[SEAL_KEY] = { 5 };
	uint8_t key[SEAL_KEY];
	struct addr addr;

	key_of(number, key);
	assert_int_equal(addr_parse(from, &addr), 0);
	return pending_note(pending, now_ms, key, secret, &addr);
}

static size_t count_of(struct pending *pending, int64_t now_ms)
{
	size_t count;

	pending_list(pending, now_ms, &count);
	return count;
}

static void test_life(void **state)
{
	struct pending *pending = pending_new();
	const uint8_t secret[SEAL_KEY] = { 5 };
	const struct pending_agent *agent;
	uint8_t key[SEAL_KEY], psk[SEAL_KEY];
	char text[ADDR_TEXT_SIZE];
	size_t count;

	(void)state;
	assert_true(note(pending, NOW, 1, "10.0.0.1:5"));
	assert_true(note(pending, NOW + 10, 1, "10.0.0.2:6"));
	agent = pending_list(pending, NOW + 10, &count);
	assert_int_equal(count, 1);
	assert_int_equal(agent->first_ms, NOW);
	assert_int_equal(agent->last_ms, NOW + 10);
	addr_text(&agent->address, text);
	assert_string_equal(text, "10.0.0.2:6");
	key_of(1, key);
	assert_memory_equal(agent->key, key, SEAL_KEY);
	keys_agent_psk(secret, key, psk);
	assert_memory_equal(agent->psk, psk, SEAL_KEY);
	assert_int_equal(count_of(pending, NOW + 10 + PENDING_LIFE_MS), 1);
	assert_int_equal(count_of(pending, NOW + 11 + PENDING_LIFE_MS), 0);
	assert_true(note(pending, NOW, 1, "10.0.0.1:5"));
	assert_true(note(pending, NOW, 2, "10.0.0.1:5"));
	pending_remove(pending, key);
	pending_remove(pending, key);
	agent = pending_list(pending, NOW, &count);
	assert_int_equal(count, 1);
	assert_int_equal(agent->key[0], 2);
	pending_free(pending);
}

/* One source, whatever its ports and the low half of its IPv6 addresses, does not fill it. */
static void test_sources(void **state)
{
	struct pending *pending = pending_new();
	char from[ADDR_TEXT_SIZE];
	unsigned int number = 0;

	(void)state;
	for (; number < PENDING_SOURCE_MAX; number++) {
		snprintf(from, sizeof(from), "10.0.0.1:%u", 1000 + number);
		assert_true(note(pending, NOW, number, from));
	}
	assert_false(note(pending, NOW, number++, "10.0.0.1:9"));
	assert_true(note(pending, NOW, 3, "10.0.0.1:9"));
	assert_true(note(pending, NOW, number++, "10.0.0.2:9"));
	for (unsigned int i = 0; i < PENDING_SOURCE_MAX; i++) {
		snprintf(from, sizeof(from), "[2001:db8::%x]:9", i);
		assert_true(note(pending, NOW, number++, from));
	}
	assert_false(note(pending, NOW, number++, "[2001:db8::ffff]:9"));
	assert_true(note(pending, NOW, number++, "[2001:db8:0:1::1]:9"));
	pending_free(pending);
}

/* Who is there stays; who comes is told to come again, and fits once others are gone. */
static void test_full(void **state)
{
	struct pending *pending = pending_new();
	char from[ADDR_TEXT_SIZE];

	(void)state;
	for (unsigned int i = 0; i < PENDING_MAX; i++) {
		snprintf(from, sizeof(from), "10.%u.%u.1:9", i >> 8, i & 255);
		assert_true(note(pending, NOW + i, i, from));
	}
	assert_false(note(pending, NOW + PENDING_MAX, PENDING_MAX, "192.0.2.1:9"));
	assert_int_equal(count_of(pending, NOW + PENDING_MAX), PENDING_MAX);
	assert_true(note(pending, NOW + 1 + PENDING_LIFE_MS, PENDING_MAX, "192.0.2.1:9"));
	assert_int_equal(count_of(pending, NOW + 1 + PENDING_LIFE_MS), PENDING_MAX);
	pending_free(pending);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
