// SPDX-License-Identifier: Apache-2.0
#include "wire/noise.h"

#include <errno.h>
#include <string.h>

static const char protocol_name[] = "Noise_IKpsk2_25519_ChaChaPoly_SHA256";

static void mix_hash(struct noise *n, struct span data)
{
	seal_sha256(SPAN(n->hash, 32), data, n->hash);
}

static void mix_key(struct noise *n, const uint8_t input[32])
{
	uint8_t out[2][32];

	seal_hkdf(n->chain, SPAN(input, 32), out, 2);
	memcpy(n->chain, out[0], 32);
	memcpy(n->key, out[1], 32);
	seal_wipe(out, sizeof(out));
}

static void mix_key_and_hash(struct noise *n, const uint8_t psk[32])
{
	uint8_t out[3][32];

	seal_hkdf(n->chain, SPAN(psk, 32), out, 3);
	memcpy(n->chain, out[0], 32);
	mix_hash(n, SPAN(out[1], 32));
	memcpy(n->key, out[2], 32);
	seal_wipe(out, sizeof(out));
}

/* The token "e" of a psk pattern: the key is mixed in too (Noise 9.2). */
static void mix_ephemeral(struct noise *n, const uint8_t public[32])
{
	mix_hash(n, SPAN(public, 32));
	mix_key(n, public);
}

static int mix_exchange(struct noise *n, const uint8_t secret[32], const uint8_t public[32])
{
	uint8_t shared[32];
	int err = seal_exchange(secret, public, shared);

	if (!err)
		mix_key(n, shared);
	seal_wipe(shared, sizeof(shared));
	return err;
}

static void encrypt_and_hash(struct noise *n, struct span plain, uint8_t *to)
{
	seal_encrypt(n->key, 0, SPAN(n->hash, 32), plain, to);
	mix_hash(n, SPAN(to, plain.size + SEAL_TAG));
}

static int decrypt_and_hash(struct noise *n, struct span sealed, uint8_t *to)
{
	int err = seal_decrypt(n->key, 0, SPAN(n->hash, 32), sealed, to);

	if (!err)
		mix_hash(n, sealed);
	return err;
}

/* Initialize() and the pre-message: both sides know the responder's static key. */
static void start(struct noise *n, struct span prologue, const uint8_t responder[32])
{
	*n = (struct noise){ .key = { 0 } };
	seal_sha256(SPAN_TEXT(protocol_name), SPAN(NULL, 0), n->hash);
	memcpy(n->chain, n->hash, 32);
	mix_hash(n, prologue);
	mix_hash(n, SPAN(responder, 32));
}

/* Takes over what was done on a copy if it went well; the copy's secrets do not stay behind. */
static int settle(struct noise *n, struct noise *next, int err)
{
	if (!err)
		*n = *next;
	seal_wipe(next, sizeof(*next));
	return err;
}

int noise_write_init(struct noise *n, struct span prologue, const struct key_pair *self,
	const uint8_t peer[SEAL_KEY], const uint8_t ephemeral[SEAL_KEY], struct span payload,
	uint8_t *message)
{
	struct noise next;
	int err;

	start(&next, prologue, peer);
	memcpy(next.peer, peer, 32);
	memcpy(next.ephemeral, ephemeral, 32);
	seal_public(ephemeral, message);
	mix_ephemeral(&next, message);
	err = mix_exchange(&next, ephemeral, peer);
	if (!err) {
		encrypt_and_hash(&next, SPAN(self->public, 32), message + SEAL_KEY);
		err = mix_exchange(&next, self->secret, peer);
	}
	if (!err)
		encrypt_and_hash(&next, payload, message + NOISE_STATIC);
	return settle(n, &next, err);
}

int noise_read_static(
	struct noise *n, struct span prologue, const struct key_pair *self, struct span message)
{
	struct reader r = reader_of(message);
	struct noise next;
	struct span sealed;
	int err;

	start(&next, prologue, self->public);
	get_bytes(&r, next.peer_ephemeral, 32);
	sealed = get_span(&r, SEAL_KEY + SEAL_TAG);
	mix_ephemeral(&next, next.peer_ephemeral);
	err = mix_exchange(&next, self->secret, next.peer_ephemeral);
	if (!err)
		err = decrypt_and_hash(&next, sealed, next.peer);
	return settle(n, &next, err);
}

int noise_read_init(struct noise *n, const struct key_pair *self, const uint8_t *shared,
	struct span message, uint8_t *payload)
{
	struct reader r = reader_of(message);
	struct noise next = *n;
	int err = 0;

	get_span(&r, NOISE_STATIC);
	if (shared)
		mix_key(&next, shared);
	else
		err = mix_exchange(&next, self->secret, n->peer);
	if (!err)
		err = decrypt_and_hash(&next, get_rest(&r), payload);
	return settle(n, &next, err);
}

int noise_write_resp(struct noise *n, const uint8_t psk[SEAL_KEY],
	const uint8_t ephemeral[SEAL_KEY], struct span payload, uint8_t *message)
{
	struct noise next = *n;
	int err;

	seal_public(ephemeral, message);
	mix_ephemeral(&next, message);
	err = mix_exchange(&next, ephemeral, n->peer_ephemeral);
	if (!err)
		err = mix_exchange(&next, ephemeral, n->peer);
	if (!err) {
		mix_key_and_hash(&next, psk);
		encrypt_and_hash(&next, payload, message + SEAL_KEY);
	}
	return settle(n, &next, err);
}

int noise_read_resp(struct noise *n, const struct key_pair *self, const uint8_t psk[SEAL_KEY],
	struct span message, uint8_t *payload)
{
	struct reader r = reader_of(message);
	struct noise next = *n;
	int err;

	get_bytes(&r, next.peer_ephemeral, 32);
	mix_ephemeral(&next, next.peer_ephemeral);
	err = mix_exchange(&next, n->ephemeral, next.peer_ephemeral);
	if (!err)
		err = mix_exchange(&next, self->secret, next.peer_ephemeral);
	if (!err) {
		mix_key_and_hash(&next, psk);
		err = decrypt_and_hash(&next, get_rest(&r), payload);
	}
	return settle(n, &next, err);
}

void noise_split(const struct noise *n, uint8_t forward[SEAL_KEY], uint8_t back[SEAL_KEY])
{
	uint8_t out[2][32];

	seal_hkdf(n->chain, SPAN(NULL, 0), out, 2);
	memcpy(forward, out[0], 32);
	memcpy(back, out[1], 32);
	seal_wipe(out, sizeof(out));
}
