/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_SERVER_H
#define CMA_SERVER_H
/*
 * The CMA as a whole. Four kinds of threads share it:
 *	the network thread	server_run: the hub, the arbiter, their UDP sockets, signals, new
 *				connections
 *	the store's thread	the one writer of the graph (store.h)
 *	a thread for each sink of alerts, and one for the rules (alert/alert.h)
 *	a thread for each connection to the control socket, with its own reader of the graph
 * The hub belongs to the network thread; others reach it through loop_ask.
 */
#include "base/config.h"
#include "base/log.h"
#include "base/privilege.h"
#include "cma/alert/alert.h"
#include "cma/control.h"
#include "cma/feed.h"
#include "cma/graph/graph.h"
#include "cma/hub.h"
#include "cma/inbound.h"
#include "cma/keyring.h"
#include "cma/stats.h"
#include "cma/store.h"
#include "cma/vigil.h"

struct loop;

struct server {
	const struct config *config;
	const struct log *log;
	const char *user_name; /* to become the user of --user; NULL: stay who we are */
	struct privilege_user user;
	struct keyring keyring; /* the network thread's */
	struct instant started;
	struct addr address; /* where the UDP socket is bound */
	bool multicast;	     /* hear the group of multicast.h there */
	struct graph *graph; /* the store's */
	struct hub *hub;     /* the network thread's */
	struct inbound *inbound;
	struct vigil *vigil; /* the network thread's */
	struct control *control;
	struct store *store;
	struct stats stats;
	struct feed *feed;
	struct loop *loop;
	struct alerts *alerts;
	struct teller_world world; /* of the alerts */
};

/*
 * Opens everything that options (main.c) name, in the order in which it can be refused without
 * having changed anything. -errno after logging why. End it with server_close in either case.
 */
int server_open(struct server *server, const struct config *config, const struct log *log);
/* Serves until SIGTERM or SIGINT, then commits what is queued and ends all threads. */
void server_run(struct server *server);
void server_close(struct server *server);

#endif
