/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_PEER_H
#define CMA_HUB_PEER_H
/*
 * What the hub keeps of one agent. A known agent is a peer; while it has a session also a channel;
 * while something of its streams is unfinished or to be acknowledged also an active. So a silent
 * agent costs the first two, which are of a million at most: their order leaves no gaps.
 */
#include <assert.h>
#include <sys/queue.h>

#include "cma/hub_event.h"
#include "cma/table.h"
#include "wire/receiver.h"
#include "wire/session.h"

struct peer {
	struct table_link by_key, by_id;
	struct hub_agent known;
	struct channel *channel;  /* the proven session; NULL */
	struct active *active;	  /* NULL */
	uint8_t shared[SEAL_KEY]; /* the product of our key and its, once needed; zeroes before */
};

struct channel {
	struct table_link by_index;
	union {
		struct peer *peer; /* whose session it is, once that is proven */
		struct call *call; /* until then */
	};
	struct session session;
	struct addr address;
	bool proven : 1;
	bool left : 1;	     /* it said BYE */
	uint8_t token_sends; /* how often the reset token went out */
	uint8_t generation;  /* of our key that it was begun under */
	uint8_t key_sends;   /* how often a newer one was told */
};

/* What is only needed between RESP and the first DATA. */
struct call {
	struct table_link by_key, by_mac;
	TAILQ_ENTRY(call) neighbour; /* by age */
	struct channel *channel;
	struct instant since;
	uint8_t key[SEAL_KEY];
	struct session_hello hello;
	uint8_t mac1[PACKET_MAC]; /* of the INIT: the same again gets the same answer */
	uint8_t resp[PACKET_RESP_SIZE];
};

struct active {
	struct peer *peer;
	TAILQ_ENTRY(active) neighbour; /* in actives, longest quiet first */
	TAILQ_ENTRY(active) turn;      /* in due or later */
	enum { ACK_NONE, ACK_LATER, ACK_DUE } ack;
	struct instant ack_at;	 /* with ACK_LATER */
	unsigned arrived;	 /* fragments since the last acknowledgement */
	uint8_t to_tell;	 /* bit n: the next one is of stream n, too */
	bool repeated;		 /* a duplicate came: the last one may have been lost */
	bool enrolling;		 /* HUB_ENROL is not committed, */
	uint8_t token[TOKEN_ID]; /* with this token */
	unsigned presence;	 /* HUB_HERE and HUB_LEFT that are not committed */
	bool rolled_back;	 /* HUB_ROLLED_BACK is not, maybe */
	size_t uncommitted;	 /* bytes of messages handed out */
	struct receiver receivers[STREAM_COUNT];
};

/* With the places in three tables: the most that a silent agent may cost is 400. */
static_assert(sizeof(struct peer) + sizeof(struct channel) + 3 * sizeof(void *) <= 396, "memory");

#endif
