/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_EVENT_H
#define CMA_HUB_EVENT_H
/* What the hub and the store know of tokens and agents, and what the hub tells the store. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "wire/noise.h"
#include "wire/stream.h"
#include "wire/token.h"

/* What the store keeps of a token and of an agent. */
struct hub_token {
	uint8_t id[TOKEN_ID];
	uint8_t secret[SEAL_KEY];
	uint32_t tenant;    /* any number, the same for all of one tenant */
	uint32_t uses;	    /* agents that may yet enrol with it */
	int64_t expires_ms; /* wall time */
};

struct hub_agent {
	uint64_t id; /* not 0; the hub names those that enrol */
	uint8_t key[SEAL_KEY];
	uint8_t psk[SEAL_KEY];
	uint32_t tenant;
	uint16_t want; /* sections that the last digest asked for and that are not here yet */
	bool revoked;
	uint64_t want_digest;		/* sequence of that digest */
	uint64_t incarnation;		/* that was heard last, */
	uint64_t durable[STREAM_COUNT]; /* and how much of its streams is committed */
};

enum hub_event_kind {
	/* An agent proved a token: store it (new id, or new psk of a known one), use the token. */
	HUB_ENROL,
	/* Act on bytes, a message (wire/message.h), unless that sequence was committed before. */
	HUB_MESSAGE,
	HUB_HERE, /* a session was proven: the host is up */
	HUB_LEFT, /* it said goodbye */
	/* Its session comes back that another incarnation had replaced: two use one key. */
	HUB_DUPLICATE_KEY,
	HUB_ROLLED_BACK, /* it was told of more than the store has: that is an older one */
	/* A command expired, and there is no result; bytes are its warrant: it could not be sent,
	 */
	HUB_UNREACHED,
	HUB_UNANSWERED, /* or it was. These six only tell: nothing is acknowledged for them */
};

struct hub_event {
	enum hub_event_kind kind;
	struct hub_agent agent; /* HUB_ENROL */
	uint8_t token[TOKEN_ID];
	uint64_t id; /* of the agent, but for HUB_ENROL */
	uint64_t incarnation;
	enum stream stream;
	uint64_t first;	     /* sequence of its first fragment, and */
	uint64_t sequence;   /* of its last one: what to commit with it */
	uint8_t *bytes;	     /* owned: hub_event_free. As received when it could not be inflated, */
	size_t size;	     /* which the store finds out and quarantines, like any bad message */
	struct addr address; /* with the first and those about sessions: where its session is, */
	uint64_t session;    /* index at the CMA << 32 | index at the agent */
	struct addr other;   /* HUB_DUPLICATE_KEY: of the session before; zero: not known */
};

#endif
