/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_STATE_H
#define CMA_HUB_STATE_H
/*
 * The inside of the hub, for hub.c (roster, events, commits), hub_call.c and hub_data.c. A known
 * agent is a peer; while it has a session also a channel; while something of its stream is
 * unfinished or to be acknowledged also an active. So a silent agent costs the first two.
 */
#include <sys/queue.h>

#include "cma/gate.h"
#include "cma/hub.h"
#include "cma/hub_command.h"
#include "cma/hub_counters.h"
#include "cma/table.h"
#include "wire/pack.h"
#include "wire/receiver.h"
#include "wire/session.h"
#include "wire/welcome.h"

enum {
	HUB_CALLS_MAX = 1 << 16,	   /* handshakes that wait for the agent's first DATA, */
	HUB_CALLS_KEY_MAX = 3,		   /* of one key: recorded INITs of its own are others */
	HUB_REPLIES_MAX = 4096,		   /* answers that wait to be sent */
	HUB_UNFINISHED_MAX = 64 << 20,	   /* bytes of unfinished messages of all agents */
	HUB_UNCOMMITTED_MAX = 256 << 20,   /* bytes of messages handed out, of all agents */
	HUB_UNCOMMITTED_PEER_MAX = 8 << 20 /* and of one */
};

struct peer {
	struct table_link by_key, by_id;
	struct hub_agent known;
	struct channel *channel; /* the proven session; NULL */
	struct active *active;	 /* NULL */
};

struct channel {
	struct table_link by_index;
	struct peer *peer; /* NULL while an unknown agent enrols */
	struct call *call; /* until it is proven; NULL */
	struct addr address;
	uint8_t token_sends; /* how often the reset token went out */
	bool left;	     /* it said BYE */
	struct session session;
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
	size_t uncommitted;	 /* bytes of messages handed out */
	struct receiver receivers[STREAM_COUNT];
};

struct known_token {
	struct table_link by_id;
	struct hub_token known;
};

struct queued_event {
	STAILQ_ENTRY(queued_event) next;
	struct hub_event event;
};

struct reply {
	STAILQ_ENTRY(reply) next;
	struct addr to;
	size_t size;
	uint8_t datagram[PACKET_RESP_SIZE];
};

TAILQ_HEAD(actives, active);
TAILQ_HEAD(turns, active);

struct hub {
	struct hub_config config;
	struct session_self self;
	struct hub_counters counters;
	struct table peers_by_key, peers_by_id, channels, tokens, calls, calls_by_mac;
	TAILQ_HEAD(calls_by_age, call) calls_by_age;
	struct gate *gate;
	struct hub_commands *commands;
	uint64_t last_id;
	size_t sessions;
	struct actives actives;
	struct turns due, later;
	STAILQ_HEAD(events, queued_event) events;
	STAILQ_HEAD(replies, reply) replies;
	size_t reply_count;
	size_t unfinished, uncommitted;
	struct pack *pack;
	struct writer scratch;
};

struct peer *hub_find_peer(const struct hub *hub, const uint8_t key[SEAL_KEY]);
struct known_token *hub_find_token(const struct hub *hub, const uint8_t id[TOKEN_ID]);
struct peer *hub_new_peer(struct hub *hub, const struct hub_agent *agent);
void hub_queue_event(struct hub *hub, const struct hub_event *event);
void hub_queue_enrol(struct hub *hub, const struct active *active);
/* kind is HUB_HERE or HUB_LEFT. */
void hub_queue_presence(struct hub *hub, enum hub_event_kind kind, const struct peer *peer);
/* Room for an answer of size bytes, or NULL when too many wait. */
uint8_t *hub_reply(struct hub *hub, const struct addr *to, size_t size);
/* Wipes the session. */
void hub_free_channel(struct hub *hub, struct channel *channel);

#endif
