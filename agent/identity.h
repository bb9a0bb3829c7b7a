/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H
/*
 * Who this nanoprobe is and whom it tells: the state directory.
 *	version		the layout of the directory; a newer one than ours is refused
 *	lock		held while a nanoprobe runs
 *	key		32 bytes, the X25519 secret of this host
 *	enrolment	{"cma": "ADDR:PORT", "cma_key": "...", "psk": "..."}, once enrolled
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "wire/keys.h"
#include "wire/token.h"

struct identity {
	int dir;
	int lock;
	struct key_pair key;
	struct addr cma;
	uint8_t cma_public[SEAL_KEY];
	bool has_token; /* may enrol: the next two are set */
	uint8_t token_id[TOKEN_ID];
	uint8_t token_secret[SEAL_KEY];
	bool enrolled; /* an earlier run enrolled: psk is set */
	uint8_t psk[SEAL_KEY];
};

/*
 * Makes or opens the directory, which must belong to us alone. token and cma (ADDR:PORT, instead
 * of the one that the token or the enrolment names) may be NULL. -errno with error, for a person,
 * set. End it with identity_close.
 */
int identity_open(struct identity *identity, const char *state_dir, const char *token,
	const char *cma, char *error, size_t error_size);
/* Wipes the secrets and lets the directory go. */
void identity_close(struct identity *identity);

/* The CMA has us on disk: keeps what proves us from now on, without the token. -errno. */
int identity_keep(const struct identity *identity);

#endif
