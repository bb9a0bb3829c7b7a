/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_LOOP_H
#define CMA_LOOP_H
/*
 * The network thread: datagrams go to the hub, its events to the store, what became durable back
 * to the hub, and its answers out again. Owner of libev.
 */
struct loop;
struct server;

struct loop *loop_new(struct server *server);
void loop_free(struct loop *loop);
/* Until SIGTERM or SIGINT. */
void loop_run(struct loop *loop);
/* After the store has stopped: tells the hub what was committed last and sends its answers. */
void loop_finish(struct loop *loop);

/* From any thread: the store has results (struct store_config wants this type). */
void loop_wake(void *loop);
/*
 * From any other thread: runs fn on the network thread and waits until it has run. -ESHUTDOWN when
 * the CMA is ending.
 */
int loop_ask(struct loop *loop, void (*fn)(struct server *server, void *argument), void *argument);

#endif
