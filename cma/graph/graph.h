/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_GRAPH_H
#define CMA_GRAPH_GRAPH_H
/*
 * The durable state of the CMA: agents, tokens, facts with their history, and the graph of nodes
 * and edges that follows from the facts (docs/schema.md). One writer, which is one thread; readers
 * are in query.h. Everything between graph_begin and graph_commit reaches the disk together or not
 * at all. A function that fails with anything but its named results leaves the transaction
 * useless: graph_rollback, then try again; graph_error says what happened.
 *
 * Times are wall-clock milliseconds since 1970. An agent is named by the id of its host node.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/stream.h"

enum {
	GRAPH_KEY = 32,
	GRAPH_TOKEN_ID = 8,
	GRAPH_TENANT_MAX = 64, /* bytes of a tenant's name, with its NUL */
	GRAPH_SCHEMA = 2,      /* PRAGMA user_version of what this program reads and writes */
	/*
	 * What one agent may have here: a message that would make it more is put into quarantine
	 * with that reason, and incident over-quota tells of it.
	 */
	GRAPH_AGENT_FACTS = 1 << 16,
	GRAPH_AGENT_BYTES = 32 << 20, /* of keys and values */
	GRAPH_AGENT_EDGES = 1 << 19,  /* that follow: few words can say many */
	GRAPH_MESSAGE_FACTS = 4096,   /* in one message: agents say much in several */
	GRAPH_MESSAGE_EDGES = 1 << 16,
	/* Of the messages in quarantine so much is kept; more are only counted. */
	GRAPH_QUARANTINE_KEPT = 64,	   /* of one agent, */
	GRAPH_QUARANTINE_CUT = 64 << 10,   /* bytes of one, */
	GRAPH_QUARANTINE_BYTES = 64 << 20, /* and of all */
};

struct graph;

struct graph_options {
	const char *directory; /* the state directory; it must exist */
	const char *vfs;       /* name of a registered SQLite VFS; NULL: the system's */
	int64_t cache_kib;     /* page cache of the writer; 0: GRAPH_CACHE_KIB */
	int64_t agent_facts, agent_bytes, agent_edges, quarantine_bytes; /* 0: as above */
};

/*
 * Opens or makes DIRECTORY/graph.db and locks the directory. -EWOULDBLOCK: another process has it;
 * -EOVERFLOW: it was written by a newer version; -EUCLEAN: it is damaged; else -errno. On failure
 * error (may be NULL) tells for people, naming the file. End it with graph_close (NULL is fine),
 * which rolls an open transaction back.
 */
int graph_open(
	const struct graph_options *options, struct graph **graph, char *error, size_t error_size);
void graph_close(struct graph *g);
const char *graph_error(const struct graph *g); /* of the last call; valid until the next */

/* The time of the last change, 0: none. No transaction may be given an earlier one. */
int graph_latest(struct graph *g, int64_t *at_ms);
/* All up to the commit happens at now_ms; graph_commit returns when it is on the disk. */
int graph_begin(struct graph *g, int64_t now_ms);
int graph_commit(struct graph *g);
void graph_rollback(struct graph *g);
/* Moves WAL pages to the database: for idle moments. Never waits for readers. */
int graph_checkpoint(struct graph *g);

/* Counts up and syncs, its own transaction: before the socket opens. */
int graph_epoch_bump(struct graph *g, uint64_t *epoch);
uint64_t graph_epoch(const struct graph *g);

enum graph_verdict {
	GRAPH_APPLIED,
	GRAPH_DUPLICATE,   /* acted on before: no effect */
	GRAPH_QUARANTINED, /* cannot be acted on: kept with the reason, counted, no effect */
};

struct graph_result {
	enum graph_verdict verdict;
	uint64_t durable[STREAM_COUNT]; /* now the last acted on; below, what acks must repeat */
	uint64_t digest_sequence;
	uint16_t want;
	bool moved;	  /* its addresses, or what it is plugged into: see place.h */
	char reason[128]; /* when quarantined */
};

/* A whole message as it came: where in which stream of an agent's process, and its bytes. */
struct graph_message {
	uint64_t incarnation;
	enum stream stream;
	uint64_t first;	   /* sequence of its first fragment, and */
	uint64_t sequence; /* of its last one */
	struct span bytes; /* wire/messages.def */
};

/*
 * Acts on a message: its effect, its sequence and what the answer must hold become durable in the
 * same commit. A new incarnation starts both streams at 1. -ENOENT: no such agent;
 * -EACCES: it is revoked; -EILSEQ: what came before it in its stream had no effect.
 */
int graph_apply(struct graph *g, int64_t agent, const struct graph_message *message,
	struct graph_result *result);

#endif
