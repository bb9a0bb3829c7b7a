/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H
/*
 * Who this nanoprobe is and whom it tells: the state directory.
 *	version		the layout of the directory; a newer one than ours is refused
 *	lock		held while a nanoprobe runs
 *	key		32 bytes, the X25519 secret of this host
 *	machine		a hash of its machine-id(5), lest a clone use the key (agent/machine.h)
 *	enrolment	whom it tells (agent/enrolment.h), once enrolled
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/enrolment.h"
#include "wire/certificate.h"
#include "wire/token.h"

/* What the options say; NULL where they say nothing. */
struct identity_config {
	const char *state_dir;
	const char *machine_id; /* the path of machine-id(5); NULL: it is not checked */
	bool accept_machine_id; /* another one than the key was made under is the same host */
	/*
	 * A directory of systemd's credentials. If there is a nanoprobe.key in it, that is the key
	 * of this host, which then is never written to disk; and nanoprobe.token is the token
	 * unless an option says another.
	 */
	const char *credentials;
	const char *token;
	const char *cma_key;  /* instead of a token: ask the CMA with this key to be let in */
	const char *root_key; /* the CMA's root key, when no token says it */
	/*
	 * ADDR:PORT instead of the one that token or enrolment name; "multicast", which is also
	 * what happens when none is named: ask for the CMA with that key on the links of this host.
	 */
	const char *cma;
};

struct identity {
	int dir;
	int lock;
	struct key_pair key;
	struct enrolment enrolment; /* psk is set only when enrolled */
	bool has_token;		    /* may enrol: the two at the end are set */
	bool asks;     /* may enrol without one: the id is 0, the secret keys_asking_secret */
	bool enrolled; /* an earlier run enrolled */
	uint8_t token_id[TOKEN_ID];
	uint8_t token_secret[SEAL_KEY];
};

/*
 * Makes or opens the directory, which must belong to us alone. -errno with error, for a person,
 * set. End it with identity_close.
 */
int identity_open(struct identity *identity, const struct identity_config *config, char *error,
	size_t error_size);
/* Wipes the secrets and lets the directory go. */
void identity_close(struct identity *identity);

/* The CMA has us on disk: keeps what proves us from now on, without the token. -errno. */
int identity_keep(struct identity *identity);
/*
 * The CMA has another key from now on. Keeps it when our root key signed it and it is newer than
 * what we have. -ENOKEY: we have no root key, or are not enrolled; -EALREADY: not newer; else as
 * certificate_open, or -errno.
 */
int identity_new_key(struct identity *identity, const uint8_t certificate[CERTIFICATE_SIZE]);

#endif
