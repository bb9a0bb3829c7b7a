/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_COOKIE_H
#define WIRE_COOKIE_H
/*
 * How a busy CMA finds out, without remembering anybody, that a caller hears what is sent to its
 * address: it answers INIT by RETRY with a cookie, which only it can make, for that address and
 * port; the caller comes back with mac2, made with the cookie. As the cookie reply of WireGuard
 * (its paper, 5.4.7), with a number of milliseconds beside the cookie: when to come back.
 *
 * RETRY is sealed under the CMA's public key and bound to mac1 of the INIT that it answers, so it
 * cannot be made up by who has not seen that INIT.
 */
#include "base/addr.h"
#include "base/instant.h"
#include "wire/packet.h"
#include "wire/seal.h"

enum {
	COOKIE_SIZE = 16,
	COOKIE_LIFE_S = 120, /* of a secret, which is good for as long again; of a cookie at the
				agent */
};

/* What cookies are made from, at the CMA. Starts as zeroes; wipe it at the end. */
struct cookie_jar {
	uint8_t secret[2][SEAL_KEY]; /* the newest, and the one before */
	struct instant since;
	bool filled;
};

struct cookie_reply {
	uint8_t cookie[COOKIE_SIZE];
	uint32_t after_ms;
};

typedef void cookie_random_fn(void *owner, void *to, size_t size);

/* New secrets when it is time: call it before the next two. */
void cookie_refresh(
	struct cookie_jar *jar, struct instant now, cookie_random_fn *draw, void *owner);
/* The cookie of an address, by the newest secret. */
void cookie_make(const struct cookie_jar *jar, const struct addr *from, uint8_t to[COOKIE_SIZE]);
/* Does the INIT p from there have mac2 of one of its two cookies? */
bool cookie_is_good(const struct cookie_jar *jar, const struct addr *from, const struct packet *p);
/* The RETRY that answers the INIT p; public is the CMA's key, no nonce serves twice. */
void cookie_seal(const struct cookie_reply *reply, const uint8_t public[SEAL_KEY],
	const struct packet *p, struct span nonce, uint8_t datagram[PACKET_RETRY_SIZE]);

/* At the agent: p is a RETRY that answers init. -EBADMSG. */
int cookie_open(const uint8_t public[SEAL_KEY], const uint8_t init[PACKET_INIT_SIZE],
	const struct packet *p, struct cookie_reply *reply);
/* Fills mac2 of an INIT that is complete but for it. */
void cookie_sign(const uint8_t cookie[COOKIE_SIZE], uint8_t init[PACKET_INIT_SIZE]);

#endif
