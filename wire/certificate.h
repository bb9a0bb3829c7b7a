/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_CERTIFICATE_H
#define WIRE_CERTIFICATE_H
/*
 * A certificate says which key the CMA has from now on. It is signed with the root key, which never
 * is at the CMA: whoever takes the CMA over cannot move the agents to a key of his own. 104 bytes:
 * u32 version (1), u32 serial, X25519 public key 32, Ed25519 signature 64 over "np1 cma key" and
 * all before it (wire/sign.h).
 */
#include "wire/keys.h"
#include "wire/sign.h"

enum {
	CERTIFICATE_SIZE = 104,
	CERTIFICATE_TEXT_SIZE = KEYS_BASE64_SIZE(CERTIFICATE_SIZE),
};

struct certificate {
	uint32_t serial; /* from 1; of two certificates the one with the greater serial holds */
	uint8_t key[SEAL_KEY];
};

void certificate_sign(const struct certificate *certificate, const struct sign_pair *root,
	uint8_t to[CERTIFICATE_SIZE]);
/*
 * Reads it when root signed it. -EPROTONOSUPPORT: another version; -EINVAL: no serial; -EACCES: not
 * signed by root.
 */
int certificate_open(const uint8_t bytes[CERTIFICATE_SIZE], const uint8_t root[SIGN_KEY],
	struct certificate *certificate);

/* Reads one of our own, whose signature was looked at when it came. Errors as above but -EACCES. */
int certificate_peek(const uint8_t bytes[CERTIFICATE_SIZE], struct certificate *certificate);

/* base64url. */
void certificate_text(const uint8_t bytes[CERTIFICATE_SIZE], char to[CERTIFICATE_TEXT_SIZE]);
int certificate_parse(const char *text, uint8_t bytes[CERTIFICATE_SIZE]);

#endif
