/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_EDGE_H
#define AGENT_WATCH_EDGE_H
/*
 * Inside of agent/watch.h: who talks to whom. An edge is one fact, made at first sight and dropped
 * when it was not seen for long, however short the connections are.
 */
#include "agent/watch_listen.h"
#include "base/addr.h"

/* How many facts one (process or service, direction, port) has. */
struct fan {
	UT_hash_handle hh;
	uint64_t id; /* hash of what they have in common */
	uint32_t peers, networks, rests, refs;
};

/*
 * A peer, its network, all the rest of one address of ours, or of all of them: a service on "any"
 * may be reached at thousands of addresses (AnyIP).
 */
enum fold { FOLD_NONE, FOLD_NETWORK, FOLD_ALL, FOLD_ANYWHERE };

/* What client and inbound have in common. */
struct edge {
	struct place place; /* the service: theirs, or ours */
	struct fan *fan;
	uint32_t seen_s;
	uint8_t fold;
};

enum client_state { CLIENT_OK, CLIENT_REFUSED, CLIENT_TIMEOUT, CLIENT_UNREACHABLE, CLIENT_FAILED };

struct client {
	struct thing thing;
	struct edge edge;
	struct program *program;
	TAILQ_ENTRY(client) next; /* while it waits */
	struct instant changed;	  /* when its state was told last */
	struct instant until;	  /* its state is kept back */
	uint8_t state, told_state;
	bool waits, succeeded, failed;
};
TAILQ_HEAD(client_queue, client);

struct inbound {
	struct thing thing;
	struct edge edge;
	uint8_t peer[16];
	LIST_ENTRY(inbound) next; /* of its listen, or of the loose */
	struct listen *listen;
	struct owners *owners; /* NULL: not known */
};

/* The key of an edge is before (or wide, for FOLD_ANYWHERE), the address, after. */
struct edge_name {
	enum section section;
	bool port_follows; /* IPv6 then stands in brackets */
	char before[NAMING_PROCESS_SIZE + ADDR_TEXT_SIZE];
	char wide[NAMING_PROCESS_SIZE + ADDR_TEXT_SIZE]; /* what all of its group start with */
	char after[NAMING_NETNS_SIZE + 16];
	char key[WATCH_KEY_SIZE];
};

/*
 * The fact for ip, or for the network it is folded into; NULL when there is none yet: ip and *fold
 * are then changed to what the new one shall be, and name->key is its key. *fold says what it shall
 * be folded into at least.
 */
struct thing *watch_edge_find(
	struct watch *watch, struct edge_name *name, uint8_t ip[16], enum fold *fold);
/* Fills a new edge, and counts it in the group that wide and after make. */
void watch_edge_init(struct watch *watch, struct edge *edge, const struct edge_name *name,
	const struct place *place, enum fold fold);
void watch_edge_end(struct watch *watch, struct edge *edge);
/* Sets addr or peer (what), and folded and peers when it is a network. */
void watch_edge_to_json(enum fold fold, const uint8_t ip[16], const char *what, json_t *value);

/* program talks to place, of which the netns is borrowed; outcome as in struct event_edge. */
void client_see(struct watch *watch, struct instant now, struct program *program,
	const struct place *place, uint32_t outcome);
/* A program is called otherwise now. */
void client_replace(struct watch *watch, struct program *before, struct program *after);
json_t *client_json(const struct client *client);
/* Tells states that were kept back. */
void client_tick(struct watch *watch, struct instant now);
void client_drop(struct watch *watch, struct client *client);

/* peer talks to place; server is who does it where no listener is known (NULL: nobody). */
void inbound_see(struct watch *watch, struct instant now, const struct place *place,
	const uint8_t peer[16], struct program *server);
json_t *inbound_json(const struct inbound *inbound);
/* A listener came, has other owners, goes. */
void inbound_attach(struct watch *watch, struct listen *listen);
void inbound_reown(struct watch *watch, struct listen *listen);
void inbound_detach(struct watch *watch, struct listen *listen);
/* After a snapshot: tells what has no listener. */
void inbound_settle(struct watch *watch, struct instant now);
void inbound_drop(struct watch *watch, struct inbound *inbound);

#endif
