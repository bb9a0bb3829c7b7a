/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_STATE_H
#define CMA_HUB_STATE_H
/* The inside of the hub, for hub.c (roster, events, commits) and all hub_*.c. */
#include "cma/gate.h"
#include "cma/hub.h"
#include "cma/hub_command.h"
#include "cma/hub_counters.h"
#include "cma/hub_key.h"
#include "cma/hub_peer.h"
#include "cma/hub_ring.h"
#include "cma/pending.h"
#include "cma/pool.h"
#include "wire/pack.h"
#include "wire/welcome.h"

enum {
	HUB_CALLS_MAX = 1 << 16,	    /* handshakes that wait for the agent's first DATA, */
	HUB_CALLS_KEY_MAX = 3,		    /* of one key: recorded INITs of its own are others */
	HUB_REPLIES_MAX = 4096,		    /* answers that wait to be sent; for one to */
	HUB_CHEAP_MAX = 256,		    /* who proved nothing there must be fewer */
	HUB_UNFINISHED_MAX = 64 << 20,	    /* bytes of unfinished messages of all agents */
	HUB_UNCOMMITTED_MAX = 256 << 20,    /* bytes of messages handed out, of all agents */
	HUB_UNCOMMITTED_PEER_MAX = 8 << 20, /* and of one; */
	HUB_MESSAGE_COST = 2 << 10,	    /* a message counts as so many at least, */
	HUB_MESSAGES_PEER_MAX = HUB_UNCOMMITTED_PEER_MAX / HUB_MESSAGE_COST,
	HUB_REPLACED_MAX = 1 << 16 /* a power of two */
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
	struct addr to;
	uint8_t size, datagram[PACKET_RESP_SIZE];
};

TAILQ_HEAD(actives, active);
TAILQ_HEAD(turns, active);

struct hub {
	struct hub_config config;
	struct session_self self, old; /* the key in force; before it, with has_old */
	bool has_old;
	uint8_t generation;		       /* of the key in force, counted from the start */
	uint8_t certificate[CERTIFICATE_SIZE]; /* of the key in force, unless generation is 0 */
	struct hub_counters counters;
	struct table peers_by_key, peers_by_id, channels, tokens, calls, calls_by_mac;
	TAILQ_HEAD(calls_by_age, call) calls_by_age;
	uint8_t retry_nonce[16];     /* the first bytes of each, drawn once; then the number, */
	uint64_t retries;	     /* counted up */
	struct pool peers, sessions; /* of struct peer, of struct channel */
	struct gate *gate;
	struct pending *pending;
	uint64_t *replaced; /* the last incarnations that another one replaced; 0: none */
	struct hub_commands *commands;
	struct hub_rings *rings;
	struct table sleepers; /* hub_wake.c: agents without a session */
	struct pool sleeper_pool;
	uint64_t last_id;
	uint64_t token_uses; /* that are left, of all tokens */
	size_t session_count;
	struct actives actives;
	struct turns due, later;
	STAILQ_HEAD(events, queued_event) events;
	struct reply *replies; /* a ring */
	unsigned reply_first, reply_count;
	size_t unfinished, uncommitted;
	struct pack *pack;
	struct writer scratch;
};

struct peer *hub_find_peer(const struct hub *hub, const uint8_t key[SEAL_KEY]);
struct peer *hub_find_id(const struct hub *hub, uint64_t id);
struct known_token *hub_find_token(const struct hub *hub, const uint8_t id[TOKEN_ID]);
struct peer *hub_new_peer(struct hub *hub, const struct hub_agent *agent);
void hub_queue_event(struct hub *hub, const struct hub_event *event);
void hub_queue_enrol(struct hub *hub, const struct active *active);
/* Room for an answer of size bytes, or NULL when too many wait. */
uint8_t *hub_reply(struct hub *hub, const struct addr *to, size_t size);
/* Wipes the session. */
void hub_free_channel(struct hub *hub, struct channel *channel);

#endif
