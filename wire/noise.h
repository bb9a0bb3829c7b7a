/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_NOISE_H
#define WIRE_NOISE_H
/*
 * Noise_IKpsk2_25519_ChaChaPoly_SHA256, as in the Noise Protocol Framework, revision 34, with
 * nothing added or left out:
 *
 *	<- s				the initiator knows the responder's static key
 *	-> e, es, s, ss			noise_write_init	noise_read_static, noise_read_init
 *	<- e, ee, se, psk		noise_read_resp		noise_write_resp
 *
 * Randomness is an argument (the secret half of the ephemeral key): it must be fresh for every
 * handshake. After -errno the state is as before the call, so that a forged message does no harm.
 */
#include "wire/seal.h"

struct key_pair {
	uint8_t public[SEAL_KEY];
	uint8_t secret[SEAL_KEY];
};

/* Bytes that a handshake message has besides its payload. */
enum {
	NOISE_STATIC = SEAL_KEY + SEAL_KEY + SEAL_TAG, /* e and the sealed s of the first */
	NOISE_INIT_EXTRA = NOISE_STATIC + SEAL_TAG,
	NOISE_RESP_EXTRA = SEAL_KEY + SEAL_TAG,
};

/* One handshake in progress, of either role. Wipe it when done (seal_wipe). */
struct noise {
	uint8_t hash[32];		  /* h: of everything said so far */
	uint8_t chain[32];		  /* ck */
	uint8_t key[SEAL_KEY];		  /* k; each seals one thing, so n is always 0 */
	uint8_t ephemeral[SEAL_KEY];	  /* initiator: own secret e */
	uint8_t peer[SEAL_KEY];		  /* the other's static public key */
	uint8_t peer_ephemeral[SEAL_KEY]; /* responder: the other's e */
};

/* message has room for NOISE_INIT_EXTRA + payload.size. -EBADMSG: peer is no good public key. */
int noise_write_init(struct noise *n, struct span prologue, const struct key_pair *self,
	const uint8_t peer[SEAL_KEY], const uint8_t ephemeral[SEAL_KEY], struct span payload,
	uint8_t *message);
/*
 * Responder, first half: who is it? message is the whole first message; n->peer is set. -EBADMSG
 * when it is not meant for us. Nothing proves yet that the sender holds n->peer's secret.
 */
int noise_read_static(
	struct noise *n, struct span prologue, const struct key_pair *self, struct span message);
/*
 * Second half: payload has room for message.size - NOISE_INIT_EXTRA. shared is the product of the
 * two static keys when the caller kept it (it saves a third of the work), or NULL.
 */
int noise_read_init(struct noise *n, const struct key_pair *self, const uint8_t *shared,
	struct span message, uint8_t *payload);
/* message has room for NOISE_RESP_EXTRA + payload.size. */
int noise_write_resp(struct noise *n, const uint8_t psk[SEAL_KEY],
	const uint8_t ephemeral[SEAL_KEY], struct span payload, uint8_t *message);
/* payload has room for message.size - NOISE_RESP_EXTRA. -EBADMSG also when the psk is wrong. */
int noise_read_resp(struct noise *n, const struct key_pair *self, const uint8_t psk[SEAL_KEY],
	struct span message, uint8_t *payload);
/* The transport keys: initiator to responder, and back. n->hash is the channel binding. */
void noise_split(const struct noise *n, uint8_t forward[SEAL_KEY], uint8_t back[SEAL_KEY]);

#endif
