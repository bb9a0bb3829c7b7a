/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_KEYRING_H
#define CMA_KEYRING_H
/*
 * The keys of the CMA, in its state directory (each 32 bytes, mode 0600):
 *	cma.key		the X25519 secret that proves the CMA to agents
 *	key.next	what takes its place
 *	certificate	says that the key in force is key.next, signed by the root key
 *			(wire/certificate.h): while both are there, both keys are answered
 *	reset.key	makes the tokens that end lost sessions; never told, never replaced
 * Each step is one file that appears or is renamed, so a crash leaves the one or the other state.
 * If systemd has a credential cma.key, that is used, and so is its key.next: neither is ever
 * written to disk, and whoever keeps the credentials makes and renames them.
 */
#include "wire/certificate.h"
#include "wire/keys.h"

struct keyring {
	int dir;
	int credentials;     /* -1 unless the keys are credentials */
	struct key_pair key; /* in force */
	struct key_pair old; /* answered too, with has_old */
	bool has_old;
	struct key_pair next; /* made, not in force yet; with has_next */
	bool has_next;
	bool has_root; /* the public half of the root key */
	uint8_t root[SIGN_KEY];
	uint32_t serial; /* of certificate; 0: there is none */
	uint8_t certificate[CERTIFICATE_SIZE];
	uint8_t reset_key[SEAL_KEY];
};

enum { KEYRING_ERROR_SIZE = 512 };

/*
 * Opens what is there and makes what is not. credentials: a directory, or NULL; root: base64url, or
 * NULL. -errno with error, for a person, set. End it with keyring_close in either case.
 */
int keyring_open(struct keyring *ring, const char *directory, const char *credentials,
	const char *root, char error[KEYRING_ERROR_SIZE]);
/* Wipes the keys. */
void keyring_close(struct keyring *ring);

/*
 * Makes key.next, or finds the one that is there. -EBUSY: an old one has not been retired;
 * -ENOTSUP: there is no such credential, and the key in force is one; -errno.
 */
int keyring_prepare(struct keyring *ring);
/*
 * key.next is in force from now on, the key so far is old. -ENOKEY: no root key to look at it
 * with; -EBUSY: an old one has not been retired; -ENOENT: it is not for key.next; -EALREADY: its
 * serial is not greater than the last; else as certificate_open, -errno.
 */
int keyring_rotate(struct keyring *ring, const uint8_t certificate[CERTIFICATE_SIZE]);
/*
 * Wipes the old key. 1: it was a credential, and comes back with the next start unless key.next
 * has taken its place by then. -ENODATA: there is none; -errno.
 */
int keyring_retire(struct keyring *ring);

#endif
