/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SEAL_H
#define WIRE_SEAL_H
/*
 * The cryptographic primitives, each a function of its arguments. Chosen in docs/protocol.md; all
 * from libsodium, which only this file, keys.c, noise.c and sign.c include. Call seal_init once per
 * process before anything else here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/fact.h"

enum { SEAL_KEY = 32, SEAL_TAG = 16, SEAL_MAC = 16, SEAL_NONCE = 24, SEAL_FACT_KEY = 16 };

/* 0, or -ENOSYS when the library cannot start (no source of randomness). */
int seal_init(void);
void seal_random(void *to, size_t size);
/* The same, for who takes randomness as an argument; owner is not used. */
void seal_draw(void *owner, void *to, size_t size);
/* Zeroes memory in a way that the compiler keeps. */
void seal_wipe(void *secret, size_t size);
/* In a time that does not depend on the content. */
bool seal_equal(const void *a, const void *b, size_t size);

/*
 * ChaCha20-Poly1305 (RFC 8439), the nonce being 4 zero bytes and a 64-bit counter (Noise 12.3).
 * One key never sees one counter twice. to has room for plain.size + SEAL_TAG and may be
 * plain.data.
 */
void seal_encrypt(const uint8_t key[SEAL_KEY], uint64_t counter, struct span header,
	struct span plain, uint8_t *to);
/* to has room for sealed.size - SEAL_TAG. -EBADMSG when it is not what was sealed, or shorter. */
int seal_decrypt(const uint8_t key[SEAL_KEY], uint64_t counter, struct span header,
	struct span sealed, uint8_t *to);

/*
 * XChaCha20-Poly1305, for keys that more than one sender may use: the nonce is 24 bytes, of
 * which most are drawn at random. Otherwise as above.
 */
void seal_encrypt_drawn(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE],
	struct span header, struct span plain, uint8_t *to);
int seal_decrypt_drawn(const uint8_t key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE],
	struct span header, struct span sealed, uint8_t *to);

/*
 * BLAKE2b of label and data; size is 16 to 64 bytes; key may be NULL. The label says what for, so
 * that no two uses share a value.
 */
void seal_hash(
	const uint8_t key[SEAL_KEY], const char *label, struct span data, void *to, size_t size);
/* BLAKE2b-128 keyed: a message authentication code. */
void seal_mac(const uint8_t key[SEAL_KEY], struct span data, uint8_t mac[SEAL_MAC]);

/* SHA-256 of a then b, and Noise's HKDF (Noise 4.3): count is 2 or 3 keys of 32 bytes. */
void seal_sha256(struct span a, struct span b, uint8_t hash[32]);
void seal_hkdf(const uint8_t key[SEAL_KEY], struct span input, uint8_t out[][32], int count);

/* X25519. -EBADMSG for a public key of low order (the product would be no secret). */
int seal_exchange(
	const uint8_t secret[SEAL_KEY], const uint8_t public[SEAL_KEY], uint8_t shared[SEAL_KEY]);
void seal_public(const uint8_t secret[SEAL_KEY], uint8_t public[SEAL_KEY]);

/*
 * Section digests: the sum mod 2^64 of the hashes of a section's facts. The key comes from the
 * agent's public key, so that nobody can prepare two tables with one digest for another host.
 */
void seal_fact_key(const uint8_t agent_public[SEAL_KEY], uint8_t key[SEAL_FACT_KEY]);
/* SipHash-2-4 of section | key | 0 | value. */
uint64_t seal_fact_hash(const uint8_t key[SEAL_FACT_KEY], const struct fact *fact);

#endif
