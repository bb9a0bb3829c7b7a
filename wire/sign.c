// SPDX-License-Identifier: Apache-2.0
#include "wire/sign.h"

#include <sodium.h>
#include <string.h>

#include "base/alloc.h"

void sign_from_seed(struct sign_pair *pair, const uint8_t seed[SIGN_SEED])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	memcpy(pair->seed, seed, SIGN_SEED);
	crypto_sign_seed_keypair(pair->public, secret, seed);
	sodium_memzero(secret, sizeof(secret));
}

/* The label with its NUL, then the data; the caller frees. */
static uint8_t *labelled(const char *label, struct span data, size_t *size)
{
	size_t label_size = strlen(label) + 1;
	uint8_t *bytes = mem_alloc(label_size + data.size, 1);

	memcpy(bytes, label, label_size);
	if (data.size)
		memcpy(bytes + label_size, data.data, data.size);
	*size = label_size + data.size;
	return bytes;
}

void sign_make(const struct sign_pair *pair, const char *label, struct span data,
	uint8_t signature[SIGN_SIZE])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES], public[SIGN_KEY];
	size_t size;
	uint8_t *bytes autofree = labelled(label, data, &size);

	crypto_sign_seed_keypair(public, secret, pair->seed);
	crypto_sign_detached(signature, NULL, bytes, size, secret);
	sodium_memzero(secret, sizeof(secret));
}

bool sign_is_good(const uint8_t public[SIGN_KEY], const char *label, struct span data,
	const uint8_t signature[SIGN_SIZE])
{
	size_t size;
	uint8_t *bytes autofree = labelled(label, data, &size);

	return !crypto_sign_verify_detached(signature, bytes, size, public);
}
