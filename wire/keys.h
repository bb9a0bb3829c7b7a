/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_KEYS_H
#define WIRE_KEYS_H
/*
 * Static keys as files, as text, and what is derived from them. A key file is the 32 bytes of the
 * X25519 secret, mode 0600, made once and never overwritten.
 */
#include "wire/noise.h"

enum {
	KEYS_TEXT_SIZE = 44,	    /* a public key in base64url, with its NUL */
	KEYS_FINGERPRINT_SIZE = 40, /* with its NUL */
};

/*
 * Reads path in the directory dir. -ENOENT: there is none; -EPERM: others than its owner could
 * read or write it, or it belongs to another user; -EINVAL: it is no regular file of 32 bytes;
 * else -errno.
 */
int keys_load(int dir, const char *path, struct key_pair *pair);
/*
 * The same from a directory of systemd's credentials: that guards them, and shows a file to the
 * user of the service by an access list, so its owner and group do not count.
 */
int keys_load_credential(int dir, const char *path, struct key_pair *pair);
/* Makes a new pair; the file appears whole or not at all. -EEXIST when there is one already. */
int keys_create(int dir, const char *path, struct key_pair *pair);
/* What is there, else a new one. */
int keys_load_or_create(int dir, const char *path, struct key_pair *pair);
/* The pair of a secret: from seal_random, or from a seed in tests. */
void keys_from_secret(struct key_pair *pair, const uint8_t secret[SEAL_KEY]);

/* base64url without padding (RFC 4648 5); to_size is at least KEYS_BASE64_SIZE(size). */
#define KEYS_BASE64_SIZE(size) (((size)*4 + 2) / 3 + 1)
void keys_base64(struct span bytes, char *to, size_t to_size);
/* Exactly size bytes, in the one way to write them; -EINVAL. */
int keys_parse_base64(struct span text, void *to, size_t size);
void keys_text(const uint8_t public[SEAL_KEY], char to[KEYS_TEXT_SIZE]);
int keys_parse(const char *text, uint8_t public[SEAL_KEY]);
/* What people compare: 128 bits of a hash as "1f2e-3d4c-..." (8 groups of 4 hex digits). */
void keys_fingerprint(const uint8_t public[SEAL_KEY], char to[KEYS_FINGERPRINT_SIZE]);

/*
 * What takes the place of a token's secret between an agent without a token and the CMA whose key
 * it was given: both derive it from the product of their static keys. -EBADMSG: peer is no good
 * public key.
 */
int keys_asking_secret(
	const struct key_pair *self, const uint8_t peer[SEAL_KEY], uint8_t secret[SEAL_KEY]);
/* The psk of an agent after it enrolled with a token; both ends derive and keep it. */
void keys_agent_psk(
	const uint8_t token_secret[SEAL_KEY], const uint8_t agent[SEAL_KEY], uint8_t psk[SEAL_KEY]);

#endif
