/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_BEAT_H
#define WIRE_BEAT_H
/*
 * BEAT, the heartbeat between two neighbours, and the question and answer between the CMA and an
 * agent (edge 0). Authenticated by a keyed BLAKE2b-128 of all before it, under the key of the edge,
 * which both ends have; never encrypted, and without a counter, so there is no nonce that a reboot
 * could repeat. What proves that a beat is fresh is its echo: the challenge of a beat of ours that
 * was sent lately.
 */
#include <stdbool.h>

#include "wire/packet.h"
#include "wire/seal.h"

enum { BEAT_KEY = SEAL_KEY, BEAT_EDGE_CMA = 0 };

/* SO_MARK of the socket from which the CMA asks: a nanoprobe on its host takes no notice of it. */
enum { BEAT_MARK = 0x85 };

/* In state: */
enum {
	BEAT_HIGH = 1, /* from the high end of the edge: nobody's own beat can be sent back to it */
	BEAT_ASKS = 2, /* answer at once (edge 0) */
	BEAT_STARTED = 4, /* the sender has not heard this edge since it started: echo is 0 */
};

/* In flags of HELD: */
enum { HELD_REFLECTS = 1 }; /* the kernel answers ECHO */

/* How an end of an edge sees the other one. */
enum sight {
	SIGHT_HEARD,   /* well */
	SIGHT_SILENT,  /* k beats missed */
	SIGHT_REFUSED, /* its host says that nobody listens there (ICMP port unreachable) */
	SIGHT_ONE_WAY, /* its beats come, but echo nothing of ours that is fresh: it does not hear
			  us */
	SIGHT_COUNT,
};

struct beat {
	uint32_t edge;
	uint64_t challenge, echo;
	uint8_t health; /* lateness of the sender of late, in units of 100 ms */
	uint8_t state;
	uint16_t lost; /* share of our beats that it misses, 65535 is all */
};

void beat_encode(
	const struct beat *beat, const uint8_t key[BEAT_KEY], uint8_t datagram[PACKET_BEAT_SIZE]);
/* Which edge a datagram claims: nothing is proven yet. -EPROTO when it is no BEAT. */
int beat_claims(struct span datagram, uint32_t *edge);
/* -EPROTO: no BEAT; -EBADMSG: not genuine. */
int beat_decode(struct span datagram, const uint8_t key[BEAT_KEY], struct beat *beat);

/* The CMA's: keys follow from its ring secret, so that a host that starts again gets the same. */
void beat_edge_key(const uint8_t secret[SEAL_KEY], uint32_t edge, uint8_t key[BEAT_KEY]);
void beat_probe_key(
	const uint8_t secret[SEAL_KEY], const uint8_t agent[SEAL_KEY], uint8_t key[BEAT_KEY]);

#endif
