// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "wire/seal.h"

static void from_hex(const char *text, void *to)
{
	assert_int_equal(text_parse_hex(text, to, strlen(text) / 2), 0);
}

static void assert_hex(const void *data, size_t size, const char *expect)
{
	char text[512];

	assert_true(2 * size < sizeof(text));
	text_hex(data, size, text);
	assert_string_equal(text, expect);
}

/* Expected value from OpenSSL, for the nonce 00000000 0706050403020100. */
static void test_aead(void **state)
{
	uint8_t key[32], sealed[64], plain[64];
	struct span header = SPAN_TEXT("head");

	(void)state;
	for (int i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	seal_encrypt(key, 0x0001020304050607, header, SPAN_TEXT("hello, world"), sealed);
	assert_hex(sealed, 28, "4e55933fd9e793917a32d203dbf53cd6bdc7b6826c74520f1f51a722");
	assert_int_equal(seal_decrypt(key, 0x0001020304050607, header, SPAN(sealed, 28), plain), 0);
	assert_memory_equal(plain, "hello, world", 12);

	assert_int_equal(seal_decrypt(key, 1, header, SPAN(sealed, 28), plain), -EBADMSG);
	assert_int_equal(
		seal_decrypt(key, 0x0001020304050607, SPAN_TEXT("Head"), SPAN(sealed, 28), plain),
		-EBADMSG);
	for (size_t size = 0; size < 28; size++)
		assert_int_equal(
			seal_decrypt(key, 0x0001020304050607, header, SPAN(sealed, size), plain),
			-EBADMSG);
	for (int bit = 0; bit < 28 * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
			seal_decrypt(key, 0x0001020304050607, header, SPAN(sealed, 28), plain),
			-EBADMSG);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_aead_in_place(void **state)
{
	uint8_t key[32] = { 1 }, buffer[48] = "in place";

	(void)state;
	seal_encrypt(key, 7, SPAN(NULL, 0), SPAN(buffer, 9), buffer);
	assert_string_not_equal((char *)buffer, "in place");
	assert_int_equal(seal_decrypt(key, 7, SPAN(NULL, 0), SPAN(buffer, 25), buffer), 0);
	assert_string_equal((char *)buffer, "in place");
}

/* Expected values from Python's hashlib. */
static void test_hash(void **state)
{
	uint8_t key[32], out[32];

	(void)state;
	memset(key, 0x42, sizeof(key));
	seal_hash(NULL, "np1 mac1", SPAN_TEXT("data"), out, 32);
	assert_hex(out, 32, "470319cf542e55aa3647d7cc6e5ba6359337b72268aa2f026db3e5111b5851e5");
	seal_hash(key, "np1 mac1", SPAN_TEXT("data"), out, 32);
	assert_hex(out, 32, "94949b333136890f1c7ae96d6566e84257a6a67bf8668e1c75ece724ff500f83");
	seal_mac(key, SPAN_TEXT("data"), out);
	assert_hex(out, 16, "7fd944da4216d0764333bbd03be71033");
	seal_sha256(SPAN_TEXT("a"), SPAN_TEXT("bc"), out); /* FIPS 180-2: "abc" */
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 5869 test case 1 needs info; Noise has none, so: expected values from Python's hmac. */
static void test_hkdf(void **state)
{
	uint8_t key[32], out[3][32];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	seal_hkdf(key, SPAN_TEXT("input"), out, 3);
	assert_hex(out[0], 32, "fba5aa9c54ca987116e885acd99d09eedd8afd5fe2c52b97e8ec5d41ff4cd7a3");
	assert_hex(out[1], 32, "d6df249841e0a22f9377b0ddfb6dc2ece285777ea7699d03eb624f74a2998551");
	assert_hex(out[2], 32, "822268bc4c8c5e285154952a61545d682b72a49e24f5de6f5865126f4496e35d");
}

/* RFC 7748 6.1 */
static void test_exchange(void **state)
{
	static const char *const low_order[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	};
	uint8_t bob[32], public[32], alice[32], shared[32];

	(void)state;
	from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", bob);
	from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", alice);
	seal_public(bob, public);
	assert_hex(public, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	assert_int_equal(seal_exchange(bob, alice, shared), 0);
	assert_hex(shared, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	for (size_t i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++) {
		from_hex(low_order[i], alice);
		assert_int_equal(seal_exchange(bob, alice, shared), -EBADMSG);
	}
}

/* Expected value from the reference algorithm of the SipHash paper, in Python. */
static void test_fact_hash(void **state)
{
	struct fact fact = { SECTION_LISTEN, SPAN_TEXT("tcp 10.0.0.1:80"),
		SPAN_TEXT("{\"port\":80}") };
	uint8_t agent[32], key[16];
	uint64_t hash;

	(void)state;
	for (int i = 0; i < 32; i++)
		agent[i] = (uint8_t)i;
	seal_fact_key(agent, key);
	assert_hex(key, 16, "cb2f5160fc1f7e05a55ef49d340b48da");
	hash = seal_fact_hash(key, &fact);
	assert_int_equal(hash, 0xbe3cfbb15a80eeb1);
	fact.section = SECTION_CLIENT;
	assert_int_not_equal(seal_fact_hash(key, &fact), hash);
	/* A byte that moves from the key to the value makes another fact. */
	fact = (struct fact){ SECTION_LISTEN, SPAN_TEXT("tcp 10.0.0.1:8"),
		SPAN_TEXT("0{\"port\":80}") };
	assert_int_not_equal(seal_fact_hash(key, &fact), hash);
}

static void test_equal_and_wipe(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	seal_random(a, sizeof(a));
	seal_random(b, sizeof(b));
	assert_false(seal_equal(a, b, sizeof(a)));
	memcpy(b, a, sizeof(b));
	assert_true(seal_equal(a, b, sizeof(a)));
	b[31] ^= 1;
	assert_false(seal_equal(a, b, sizeof(a)));
	seal_wipe(a, sizeof(a));
	memset(b, 0, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aead),
		cmocka_unit_test(test_aead_in_place),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_fact_hash),
		cmocka_unit_test(test_equal_and_wipe),
	};

	if (seal_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
