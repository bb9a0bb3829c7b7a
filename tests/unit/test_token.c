// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/token.h"

#define KEY    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define ID     "AQIDBAUGBwg"
#define SECRET "__________________________________________8"

static struct token sample(const char *address)
{
	struct token token = { .id = { 1, 2, 3, 4, 5, 6, 7, 8 } };

	assert_int_equal(addr_parse(address, &token.cma), 0);
	for (int i = 0; i < 32; i++)
		token.cma_public[i] = (uint8_t)i;
	memset(token.secret, 0xff, 32);
	return token;
}

static void test_round_trip(void **state)
{
	static const char *const addresses[] = { "10.0.0.1:1984", "[2001:db8::1]:65535",
		"[fe80::1]:1", "255.255.255.255:65535",
		"[1111:2222:3333:4444:5555:6666:7777:8888]:65535" };
	char text[TOKEN_TEXT_SIZE], expect[TOKEN_TEXT_SIZE + 64];
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct token token = sample(addresses[i]), back;

		token_text(&token, text);
		snprintf(expect, sizeof(expect), "np1:%s:" KEY ":" ID ":" SECRET, addresses[i]);
		assert_string_equal(text, expect);
		assert_int_equal(token_parse(text, &back, &why), 0);
		assert_null(why);
		assert_memory_equal(&back.cma, &token.cma, sizeof(back.cma));
		assert_memory_equal(back.cma_public, token.cma_public, 32);
		assert_memory_equal(back.id, token.id, 8);
		assert_memory_equal(back.secret, token.secret, 32);
	}
}

static void test_root_key(void **state)
{
	static const char expect[] = "np1:[2001:db8::1]:7:" KEY ":" ID ":" SECRET ":" KEY;
	struct token token = sample("[2001:db8::1]:7"), back;
	char text[TOKEN_TEXT_SIZE];
	const char *why;

	(void)state;
	token.has_root = true;
	memcpy(token.root, token.cma_public, sizeof(token.root));
	token_text(&token, text);
	assert_string_equal(text, expect);
	assert_int_equal(token_parse(text, &back, &why), 0);
	assert_true(back.has_root);
	assert_memory_equal(back.root, token.root, 32);
	assert_memory_equal(back.secret, token.secret, 32);
	token.has_root = false;
	token_text(&token, text);
	assert_int_equal(token_parse(text, &back, &why), 0);
	assert_false(back.has_root);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "starts with" },
		{ "np2:10.0.0.1:1984:" KEY ":" ID ":" SECRET, "starts with" },
		{ " np1:10.0.0.1:1984:" KEY ":" ID ":" SECRET, "starts with" },
		{ "np1", "starts with" },
		{ "np1:", "parts" },
		{ "np1::::", "parts" },
		{ "np1:" KEY ":" ID ":" SECRET, "parts" },
		{ "np1:10.0.0.1:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:10.0.0.1:0:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:10.0.0.1:01984:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:10.0.0.1:65536:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:10.0.0.1:-1:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:cma.example:1984:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:2001:db8::1:1984:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:[2001:DB8::1]:1984:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:[10.0.0.1]:1984:" KEY ":" ID ":" SECRET, "address" },
		{ "np1:10.0.0.1:1984:" KEY "A:" ID ":" SECRET, "public key" },
		{ "np1:10.0.0.1:1984:" KEY "=:" ID ":" SECRET, "public key" },
		{ "np1:10.0.0.1:1984:AAAA:" ID ":" SECRET, "public key" },
		{ "np1:10.0.0.1:1984:" KEY ":AQIDBAUGBw:" SECRET, "id" },
		{ "np1:10.0.0.1:1984:" KEY ":AQIDBAUGBwg=:" SECRET, "id" },
		{ "np1:10.0.0.1:1984:" KEY "::" SECRET, "id" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":", "secret" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":" SECRET " ", "secret" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":" SECRET "\n", "secret" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":_________________________________________/8",
			"secret" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":" SECRET ":", "root" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":" SECRET ":" KEY "A", "root" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":" SECRET ":" KEY ":", "address" },
		{ "np1:10.0.0.1:1984:" KEY ":" ID ":" SECRET ":" KEY ":" KEY, "address" },
		{ "np1:10.0.0.1:1984:" ID ":" ID ":" SECRET ":" KEY, "public key" },
	};
	struct token token;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (token_parse(cases[i].text, &token, &why) != -EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(why, cases[i].why))
			fail_msg("%s: '%s' does not name '%s'", cases[i].text, why, cases[i].why);
	}
}

/* Every prefix is refused, and so is something that goes on for ever. */
static void test_lengths(void **state)
{
	static char huge[1 << 16];
	char text[TOKEN_TEXT_SIZE];
	struct token token = sample("10.0.0.1:1984"), back;
	const char *why;

	(void)state;
	token_text(&token, text);
	for (size_t size = strlen(text); size-- > 0;) {
		text[size] = '\0';
		assert_int_equal(token_parse(text, &back, &why), -EINVAL);
		assert_non_null(why);
	}
	memset(huge, 'A', sizeof(huge) - 1);
	memcpy(huge, "np1:", 4);
	assert_int_equal(token_parse(huge, &back, &why), -EINVAL);
	memset(huge, ':', sizeof(huge) - 1);
	memcpy(huge, "np1:", 4);
	assert_int_equal(token_parse(huge, &back, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_root_key),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
	};

	if (seal_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
