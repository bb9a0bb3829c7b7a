/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H
/*
 * The one string that enrols an agent: where the CMA is, which key proves it, and a secret that
 * proves the agent:
 *	np1:ADDR:PORT:CMA PUBLIC KEY:TOKEN ID:SECRET[:ROOT KEY]
 * Keys, id and secret are base64url of 32, 8 and 32 bytes; ADDR is v4 or [v6]. The root key signs
 * the later keys of the CMA (wire/certificate.h).
 */
#include "base/addr.h"
#include "wire/seal.h"

enum {
	TOKEN_ID = 8,
	TOKEN_TEXT_SIZE = 4 + ADDR_TEXT_SIZE + 1 + 43 + 1 + 11 + 1 + 43 + 1 + 43 + 1,
};

struct token {
	struct addr cma;
	uint8_t cma_public[SEAL_KEY];
	uint8_t id[TOKEN_ID];
	bool has_root;
	uint8_t root[SEAL_KEY];	  /* Ed25519 */
	uint8_t secret[SEAL_KEY]; /* the psk of the first handshake: wipe it after use */
};

void token_text(const struct token *token, char to[TOKEN_TEXT_SIZE]);
/*
 * Strict: there is one text for each token. -EINVAL with *why set to what is wrong with which
 * part (static text, never the secret).
 */
int token_parse(const char *text, struct token *token, const char **why);

#endif
