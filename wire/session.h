/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SESSION_H
#define WIRE_SESSION_H
/*
 * From two static keys to sealed datagrams. The agent calls, the CMA answers:
 *
 *	agent					CMA
 *	session_call      -- INIT 160 -->	session_heard, session_hear_hello
 *	session_answered  <-- RESP 108 --	session_answer
 *	session_seal      -- DATA ------->	session_open: only now is the agent proven
 *	session_open      <-- DATA -------	session_seal
 *
 * Nothing here stores a session or chooses an index; a failed call changes nothing. The header of
 * INIT is the Noise prologue, so it cannot be changed on the way. Ephemeral secrets are arguments:
 * 32 random bytes, never used twice.
 */
#include "base/instant.h"
#include "wire/noise.h"
#include "wire/packet.h"
#include "wire/replay.h"

enum { SESSION_REKEY_PACKETS = 1 << 20, SESSION_REKEY_HOURS = 24 };
enum { SESSION_TOKEN = 16, SESSION_TOKEN_ID = 8 }; /* bytes: of a stateless reset, to enrol */

/* What follows from our own key once: wipe it at the end. */
struct session_self {
	struct key_pair key;
	uint8_t mac1_key[SEAL_KEY];
	uint8_t reset_key[SEAL_KEY];
};
void session_self_init(struct session_self *self, const struct key_pair *key);

/* What the agent says in INIT; it can be replayed, so it is a hint until the first DATA. */
struct session_hello {
	uint64_t incarnation;
	bool restarted; /* the CMA had lost something of the incarnation before: that is in epoch */
	bool enrol;	/* the psk is the secret of this token, or of none (session_asks) */
	uint8_t token_id[SESSION_TOKEN_ID]; /* with enrol, and */
	uint64_t tenant;		    /* with enrol: a hint, 0 if none */
	uint64_t epoch, seq;		    /* else: what the CMA acknowledged last, 0 if nothing */
};

/* The agent has no token (its id is all zeros): it asks to be approved. */
bool session_asks(const struct session_hello *hello);

/* What the CMA says in RESP. */
struct session_welcome {
	uint64_t epoch;
	uint32_t flags;
	uint32_t credit; /* fragments that may be under way */
};

struct session {
	uint8_t send_key[SEAL_KEY], receive_key[SEAL_KEY];
	uint32_t local, remote; /* index that we gave it; that the peer gave it */
	struct instant since;
	uint64_t confirmed : 1; /* the peer has shown that it has the keys */
	uint64_t sent : 63;	/* packets sealed: the next counter */
	struct replay replay;
};

/* Either end of a call under way: wipe it (seal_wipe) when it is answered or given up. */
struct session_call {
	struct noise noise;
	uint32_t local;
};

struct session_heard {
	struct noise noise; /* .peer is the caller's static key */
	uint32_t remote;
	struct session_hello hello;
};

/* -EBADMSG: peer is no usable public key. */
int session_call(struct session_call *call, const struct session_self *self,
	const uint8_t peer[SEAL_KEY], const uint8_t ephemeral[SEAL_KEY], uint32_t local,
	const struct session_hello *hello, uint8_t datagram[PACKET_INIT_SIZE]);
/* p is a RESP. -ENOENT: it answers another call; -EBADMSG: not genuine, or the psk differs. */
int session_answered(const struct session_call *call, const struct session_self *self,
	const uint8_t psk[SEAL_KEY], const struct packet *p, struct instant now,
	struct session *session, struct session_welcome *welcome);

/* Does mac1 of p, an INIT or RESP, show that the sender knows our key? Costs little. */
bool session_is_for(const struct session_self *self, const struct packet *p);
/* p is an INIT. -EACCES: mac1 is wrong (whoever sent it does not know us); -EBADMSG. */
int session_heard(
	struct session_heard *heard, const struct session_self *self, const struct packet *p);
/* Reads hello. shared: the product of both static keys if it is at hand, else NULL. -EBADMSG. */
int session_hear_hello(struct session_heard *heard, const struct session_self *self,
	const uint8_t *shared, const struct packet *p);
/* The session is not confirmed: keep an older one until this one is. -EBADMSG. */
int session_answer(const struct session_heard *heard, const uint8_t psk[SEAL_KEY],
	const uint8_t ephemeral[SEAL_KEY], uint32_t local, const struct session_welcome *welcome,
	struct instant now, uint8_t datagram[PACKET_RESP_SIZE], struct session *session);

/*
 * Appends a DATA packet. -ENOTCONN: not confirmed yet; -EMSGSIZE: more than PACKET_DATA_MAX;
 * -ENOKEY: used up, call again; -ENOBUFS: no room in to.
 */
int session_seal(struct session *session, struct span plain, struct writer *to);
/*
 * p is a DATA for session->local; to has room for PACKET_DATA_MAX, plain borrows from it.
 * -EALREADY: a replay or too old; -EBADMSG: not genuine.
 */
int session_open(struct session *session, const struct packet *p, uint8_t *to, struct span *plain);
/* Time for a new call (24 h, 2^20 packets). */
bool session_is_old(const struct session *session, struct instant now);
void session_wipe(struct session *session);

/* What ends the session of our index although we lost it: told to the peer inside the session. */
void session_reset_token(
	const struct session_self *self, uint32_t index, uint8_t token[SESSION_TOKEN]);
/* The UNKNOWN that answers a DATA for an index that we do not have. */
void session_reset(const struct session_self *self, const struct packet *data,
	uint8_t datagram[PACKET_UNKNOWN_SIZE]);
/* Is p a genuine UNKNOWN for this session, whose token we were given? */
bool session_is_reset(
	const struct session *session, const uint8_t token[SESSION_TOKEN], const struct packet *p);

#endif
