// SPDX-License-Identifier: Apache-2.0
#include "wire/seal.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

int seal_init(void)
{
	return sodium_init() < 0 ? -ENOSYS : 0;
}

void seal_random(void *to, size_t size)
{
	randombytes_buf(to, size);
}

void seal_draw(void *owner, void *to, size_t size)
{
	(void)owner;
	seal_random(to, size);
}

void seal_wipe(void *secret, size_t size)
{
	sodium_memzero(secret, size);
}

bool seal_equal(const void *a, const void *b, size_t size)
{
	return !sodium_memcmp(a, b, size);
}

static void nonce_of(uint64_t counter, uint8_t nonce[12])
{
	struct writer w = writer_over(nonce, 12);

	put_u32(&w, 0);
	put_u64(&w, counter);
}

void seal_encrypt(const uint8_t key[SEAL_KEY], uint64_t counter, struct span header,
	struct span plain, uint8_t *to)
{
	uint8_t nonce[12];

	nonce_of(counter, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(
		to, NULL, plain.data, plain.size, header.data, header.size, NULL, nonce, key);
}

int seal_decrypt(const uint8_t key[SEAL_KEY], uint64_t counter, struct span header,
	struct span sealed, uint8_t *to)
{
	uint8_t nonce[12];

	if (sealed.size < SEAL_TAG)
		return -EBADMSG;
	nonce_of(counter, nonce);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(
		    to, NULL, NULL, sealed.data, sealed.size, header.data, header.size, nonce, key))
		return -EBADMSG;
	return 0;
}

void seal_encrypt_drawn(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE],
	struct span header, struct span plain, uint8_t *to)
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		to, NULL, plain.data, plain.size, header.data, header.size, NULL, nonce, key);
}

int seal_decrypt_drawn(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE],
	struct span header, struct span sealed, uint8_t *to)
{
	if (sealed.size < SEAL_TAG ||
		crypto_aead_xchacha20poly1305_ietf_decrypt(to, NULL, NULL, sealed.data, sealed.size,
			header.data, header.size, nonce, key))
		return -EBADMSG;
	return 0;
}

void seal_hash(
	const uint8_t key[SEAL_KEY], const char *label, struct span data, void *to, size_t size)
{
	crypto_generichash_state state;

	assert(size >= crypto_generichash_BYTES_MIN && size <= crypto_generichash_BYTES_MAX);
	crypto_generichash_init(&state, key, key ? SEAL_KEY : 0, size);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
	crypto_generichash_update(&state, data.data, data.size);
	crypto_generichash_final(&state, to, size);
	sodium_memzero(&state, sizeof(state));
}

void seal_mac(const uint8_t key[SEAL_KEY], struct span data, uint8_t mac[SEAL_MAC])
{
	crypto_generichash(mac, SEAL_MAC, data.data, data.size, key, SEAL_KEY);
}

void seal_sha256(struct span a, struct span b, uint8_t hash[32])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, a.data, a.size);
	crypto_hash_sha256_update(&state, b.data, b.size);
	crypto_hash_sha256_final(&state, hash);
}

void seal_hkdf(const uint8_t key[SEAL_KEY], struct span input, uint8_t out[][32], int count)
{
	crypto_auth_hmacsha256_state keyed, state;
	struct span previous = { NULL, 0 };
	uint8_t extracted[32];

	crypto_auth_hmacsha256_init(&state, key, SEAL_KEY);
	crypto_auth_hmacsha256_update(&state, input.data, input.size);
	crypto_auth_hmacsha256_final(&state, extracted);
	/* The key is the same for all outputs: hashing it in once saves a sixth of the work. */
	crypto_auth_hmacsha256_init(&keyed, extracted, sizeof(extracted));
	for (int i = 0; i < count; i++) {
		uint8_t number = (uint8_t)(i + 1);

		state = keyed;
		crypto_auth_hmacsha256_update(&state, previous.data, previous.size);
		crypto_auth_hmacsha256_update(&state, &number, 1);
		crypto_auth_hmacsha256_final(&state, out[i]);
		previous = SPAN(out[i], 32);
	}
	sodium_memzero(extracted, sizeof(extracted));
	sodium_memzero(&keyed, sizeof(keyed));
	sodium_memzero(&state, sizeof(state));
}

int seal_exchange(
	const uint8_t secret[SEAL_KEY], const uint8_t public[SEAL_KEY], uint8_t shared[SEAL_KEY])
{
	return crypto_scalarmult(shared, secret, public) ? -EBADMSG : 0;
}

void seal_public(const uint8_t secret[SEAL_KEY], uint8_t public[SEAL_KEY])
{
	crypto_scalarmult_base(public, secret);
}

void seal_fact_key(const uint8_t agent_public[SEAL_KEY], uint8_t key[SEAL_FACT_KEY])
{
	uint8_t hash[32];

	seal_hash(NULL, "", SPAN(agent_public, SEAL_KEY), hash, sizeof(hash));
	memcpy(key, hash, SEAL_FACT_KEY);
}

uint64_t seal_fact_hash(const uint8_t key[SEAL_FACT_KEY], const struct fact *fact)
{
	struct writer text = writer_growing(fact_size(fact));
	uint8_t hash[8];
	struct reader r = reader_of(SPAN(hash, sizeof(hash)));

	put_u8(&text, (uint8_t)fact->section);
	put_span(&text, fact->key);
	put_u8(&text, 0);
	put_span(&text, fact->value);
	crypto_shorthash_siphash24(hash, text.data, text.size, key);
	writer_free(&text);
	return get_u64(&r);
}
