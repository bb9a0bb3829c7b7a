/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_ENROLMENT_H
#define AGENT_ENROLMENT_H
/*
 * Whom this nanoprobe tells and what proves each to the other, kept in the file "enrolment" of the
 * state directory (mode 0600):
 *	{"cma": "ADDR:PORT", "cma_key": "...", "pinned": "...", "psk": "...",
 *	 "root": "...", "serial": n}
 * Keys are base64url (wire/keys.h). "root" and "serial" are there only with a pinned root key.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "wire/seal.h"

enum { ENROLMENT_FILE_MAX = 4096 };

struct enrolment {
	struct addr cma;
	uint8_t cma_key[SEAL_KEY]; /* the CMA's public key in force */
	uint8_t pinned[SEAL_KEY];  /* the one that a person gave us; cma_key until it is rotated */
	uint8_t psk[SEAL_KEY];
	bool has_root;
	uint8_t root[SEAL_KEY]; /* Ed25519: signs the next cma_key (wire/certificate.h) */
	uint32_t serial;	/* of the certificate of cma_key; 0: it is the pinned one */
};

/*
 * Reads it; 1 when there is one, 0 when not, else -errno with what is wrong, for a person, in why
 * (the file is not named there). Wipe it after use.
 */
int enrolment_load(int dir, struct enrolment *enrolment, char *why, size_t why_size);
/* Replaces the file: the old or the new one is there after a crash. -errno. */
int enrolment_keep(int dir, const struct enrolment *enrolment);

#endif
