/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_WATCH_LISTEN_H
#define AGENT_WATCH_LISTEN_H
/*
 * Inside of agent/watch.h: sockets that take connections or datagrams, who holds them, and the
 * addresses they make. One address may have many sockets (SO_REUSEPORT), one socket many holders
 * (prefork), and the one who made it need not be the one who serves (socket activation).
 */
#include "agent/watch_task.h"

/* One end of a connection. */
struct place {
	uint8_t ip[16];
	struct netns *netns;
	uint16_t port;
	uint8_t protocol; /* IPPROTO_; 0: unix */
};

struct holder {
	struct task *task;
	uint32_t generation;
};

struct sock {
	UT_hash_handle hh;
	TAILQ_ENTRY(sock) next; /* of its listen, or of those held */
	uint64_t cookie;
	struct place place;
	char *path;	       /* unix only; abstract names start with '@' */
	struct listen *listen; /* NULL while it is held */
	struct instant until;  /* held */
	struct holder *holders;
	uint32_t holder_count, generation, misses;
	struct program *starter; /* ended early; who has the socket next is what it became */
	bool dual;
	bool unheld; /* no process has a descriptor of it */
};
TAILQ_HEAD(sock_queue, sock);

struct inbound;
LIST_HEAD(inbound_list, inbound);

struct listen {
	struct thing thing;
	struct sock_queue socks;
	struct inbound_list inbound; /* who connected to it */
	struct owners *owners;
	bool dual, activated;
};

/* Room for any key, and for the name of any protocol. */
enum { WATCH_KEY_SIZE = FACT_KEY_MAX, PLACE_PROTOCOL_SIZE = 16 };

/* "tcp", "udp", ... */
void place_protocol(uint8_t protocol, char *to);
/* Sets addr (if asked), port, proto and netns. */
void place_to_json(const struct place *place, bool with_addr, json_t *value);

/* The address that takes what peer sends to place: itself, else the wildcard. NULL: none. */
struct listen *listen_match(struct watch *watch, const struct place *place);
json_t *listen_json(const struct listen *listen);

/* A row of the snapshot about a socket that takes connections. */
void listen_row(
	struct watch *watch, struct instant now, const struct event_row *row, const char *path);
/* After a snapshot: tells new ones; after a whole one, ends what it did not find. */
void listen_sweep(struct watch *watch, struct instant now, bool whole);
/* A process is gone, or another program: updates what it holds. */
void listen_task_gone(struct watch *watch, struct instant now, struct task *task);
void listen_task_changed(struct watch *watch, const struct task *task);
/* Tells held sockets that lived long enough. */
void listen_tick(struct watch *watch, struct instant now);
void listen_free_all(struct watch *watch);

#endif
