/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_VIGIL_H
#define CMA_VIGIL_H
/*
 * Keeps the arbiter (cma/alive/alive.h) going on the network thread: what the hub and the store
 * tell goes in, its questions go out from a socket of their own (cma/probe.h), its decisions to the
 * store and its lists to the hub. With heartbeats switched off there is none: then agents that come
 * are told an empty list, and all else does nothing.
 */
#include "cma/alive/alive.h"
#include "cma/hub.h"
#include "cma/probe.h"
#include "cma/store.h"

struct server;
struct vigil;

/* How things stand, for people. */
struct vigil_view {
	bool on;
	struct alive_counters alive;
	struct inbound_counters asked;
	struct probe_counters refused;
	size_t lists; /* that agents do not hold yet */
};

/* ---- the start, in this order ---- */

/* Of the options of the server and of its graph. -errno after logging why; vigil_free in either
 * case. */
int vigil_new(struct server *server, struct vigil **vigil);
void vigil_free(struct vigil *vigil); /* NULL is fine */
/* What the store knows, when the hub knows all agents. -errno (graph_error tells). */
int vigil_load(struct vigil *vigil);
/* Once server->address is known: the socket. -errno. */
int vigil_open(struct vigil *vigil);
/* Begins to judge. */
void vigil_start(struct vigil *vigil, struct instant now);

/* ---- agents ---- */

/* An operator has approved the agent of that key, or revoked it: after the hub was told. */
void vigil_admitted(struct vigil *vigil, struct instant now, const uint8_t key[SEAL_KEY]);
void vigil_revoked(struct vigil *vigil, struct instant now, const uint8_t key[SEAL_KEY]);

/* ---- the network thread's turn ---- */

/* Of hub_take, before the store gets it. */
void vigil_event(struct vigil *vigil, struct instant now, const struct hub_event *event);
/* Of store_take. */
void vigil_result(struct vigil *vigil, struct instant now, const struct store_result *result);
/*
 * Takes all that has come to the socket, and sends, keeps and tells what follows from everything
 * until now. Whoever may be late has hub_input and vigil_event take what waits before: silence is
 * judged here.
 */
void vigil_turn(struct vigil *vigil);
struct instant vigil_deadline(const struct vigil *vigil);
/* To wait for; -1: there is none. */
int vigil_fd(const struct vigil *vigil);

void vigil_look(const struct vigil *vigil, struct vigil_view *view);

#endif
