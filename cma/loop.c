// SPDX-License-Identifier: Apache-2.0
#include "cma/loop.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "cma/drops.h"
#include "cma/multicast.h"
#include "cma/server.h"
#include "wire/keys.h"

enum {
	LOOP_RECEIVE_BATCHES = 8, /* of datagrams, before the hub's answers are sent */
	LOOP_LATE_BATCHES = 1024, /* when the timer fires later than this: we were stopped */
	LOOP_LATE_MS = 100,
	LOOP_CALLS = 16, /* handshakes answered, some 3 ms, before datagrams again */
	/* Datagrams wait in the kernel while so many messages wait for the disk. */
	LOOP_BACKLOG_MAX = 65536,
	LOOP_ERROR_PAUSE_S = 10, /* between two complaints about the store */
	LOOP_JOIN_S = 30,
	LOOP_LOOK_S = 1,	/* from a datagram to a look at what was dropped, and */
	LOOP_DROP_PAUSE_S = 60, /* between two lines about one reason */
};

/* A question of another thread, on that thread's stack. */
struct call {
	STAILQ_ENTRY(call) entry;
	void (*fn)(struct server *server, void *argument);
	void *argument;
	bool done;
};

struct loop {
	struct server *server;
	struct ev_loop *ev;
	ev_io datagrams, connections, answers;
	ev_timer timer, look; /* the hub's deadline; at what was dropped */
	ev_timer join;	      /* the multicast group, on interfaces that came since */
	ev_async woken;
	ev_signal terminate, interrupt;
	struct instant due;	   /* when timer should fire */
	struct instant arrived;	   /* of the datagrams being taken */
	struct instant complained; /* about the store */
	uint64_t told[DROPS_MAX];  /* counts, by reason */
	struct instant told_at[DROPS_MAX];
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t answered;
	STAILQ_HEAD(, call) calls;
	bool closed;
};

static void on_datagram(void *owner, const struct addr *from, struct span datagram)
{
	struct loop *loop = owner;

	hub_input(loop->server->hub, loop->arrived, wall_now_ms(), from, datagram);
}

static void complain(struct loop *loop, const char *what)
{
	struct instant now = instant_now();

	if (loop->complained.ns &&
		instant_sub(now, loop->complained) < LOOP_ERROR_PAUSE_S * NS_PER_SEC)
		return;
	loop->complained = now;
	log_error(loop->server->log, "cannot commit, agents will send again: %s", what);
}

static void tell_joined(struct loop *loop, const struct store_result *result)
{
	char fingerprint[KEYS_FINGERPRINT_SIZE];

	keys_fingerprint(result->key, fingerprint);
	log_info(loop->server->log, "a nanoprobe joined: %s", fingerprint);
}

static void take_results(struct loop *loop)
{
	struct server *server = loop->server;
	struct store_result result;

	while (store_take(server->store, &result)) {
		vigil_result(server->vigil, instant_now(), &result);
		switch (result.kind) {
		case STORE_COMMITTED:
			if (result.joined)
				tell_joined(loop, &result);
			hub_told(server->hub, result.commit.id, result.told);
			if (!result.acted)
				break;
			log_debug(server->log,
				"host %" PRIu64 ": committed up to %" PRIu64 ", urgent %" PRIu64,
				result.commit.id, result.commit.durable[STREAM_STATE],
				result.commit.durable[STREAM_URGENT]);
			hub_committed(server->hub, &result.commit);
			break;
		case STORE_PLACED:
			break;
		case STORE_FAILED:
			complain(loop, result.error);
			hub_rolled_back(server->hub);
			break;
		}
	}
}

/* INSTANT_NEVER stops the timer. */
static void arm_at(struct loop *loop, ev_timer *timer, struct instant at)
{
	int64_t wait = instant_sub(at, instant_now());

	ev_timer_stop(loop->ev, timer);
	if (at.ns == INSTANT_NEVER.ns)
		return;
	ev_now_update(loop->ev);
	ev_timer_set(timer, wait > 0 ? (double)wait / (double)NS_PER_SEC : 0, 0);
	ev_timer_start(loop->ev, timer);
}

/* One line for each reason that counted up; what was told just now is told again later. */
static void tell_drops(struct loop *loop)
{
	struct server *server = loop->server;
	struct instant now = instant_now(), next = INSTANT_NEVER;
	struct drop drops[DROPS_MAX];
	struct vigil_view vigil;
	size_t count;

	vigil_look(server->vigil, &vigil);
	count = drops_list(
		hub_counters(server->hub), inbound_counters(server->inbound), &vigil, drops);

	for (size_t i = 0; i < count; i++) {
		struct instant again =
			instant_add(loop->told_at[i], LOOP_DROP_PAUSE_S * NS_PER_SEC);

		if (drops[i].count == loop->told[i])
			continue;
		if (loop->told[i] && instant_before(now, again)) {
			next = instant_first(next, again);
			continue;
		}
		log_warn(server->log, "%s (%" PRIu64 " times)", drops[i].text,
			drops[i].count - loop->told[i]);
		loop->told[i] = drops[i].count;
		loop->told_at[i] = now;
	}
	arm_at(loop, &loop->look, next);
}

static void send_answers(struct loop *loop)
{
	struct server *server = loop->server;
	struct instant now = instant_now();
	struct addr to;
	size_t size;

	while ((size = hub_output(server->hub, now, &to, inbound_room(server->inbound))))
		inbound_send(server->inbound, &to, size);
	inbound_flush(server->inbound);
}

static void throttle(struct loop *loop)
{
	if (store_backlog(loop->server->store) < LOOP_BACKLOG_MAX)
		ev_io_start(loop->ev, &loop->datagrams);
	else
		ev_io_stop(loop->ev, &loop->datagrams);
}

static struct instant next_deadline(const struct server *server)
{
	return instant_first(hub_deadline(server->hub), vigil_deadline(server->vigil));
}

/* After anything that the hub was told. */
static void turn(struct loop *loop)
{
	struct server *server = loop->server;
	struct hub_event event;

	take_results(loop);
	for (int i = 0; i < LOOP_CALLS && hub_work(server->hub, instant_now()); i++)
		continue;
	while (hub_take(server->hub, &event)) {
		vigil_event(server->vigil, instant_now(), &event);
		store_push(server->store, loop->arrived, &event);
	}
	vigil_turn(server->vigil);
	send_answers(loop);
	throttle(loop);
	loop->due = next_deadline(server);
	arm_at(loop, &loop->timer, loop->due);
	if (!ev_is_active(&loop->look) ||
		ev_timer_remaining(loop->ev, &loop->look) > (double)LOOP_LOOK_S)
		arm_at(loop, &loop->look, instant_add(instant_now(), LOOP_LOOK_S * NS_PER_SEC));
}

static void receive(struct loop *loop, int batches)
{
	loop->arrived = instant_now();
	for (int i = 0; i < batches; i++) {
		if (!inbound_receive(loop->server->inbound, on_datagram, loop))
			break;
	}
}

static void datagrams_ready(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct loop *loop = watcher->data;

	(void)ev;
	(void)events;
	receive(loop, LOOP_RECEIVE_BATCHES);
	turn(loop);
}

static void answers_ready(struct ev_loop *ev, ev_io *watcher, int events)
{
	(void)ev;
	(void)events;
	turn(watcher->data);
}

static void join_due(struct ev_loop *ev, ev_timer *watcher, int events)
{
	struct loop *loop = watcher->data;
	unsigned int joined = multicast_join(inbound_fd(loop->server->inbound));

	(void)ev;
	(void)events;
	if (joined)
		log_debug(loop->server->log,
			"hears nanoprobes that call " MULTICAST_GROUP " on %u more interfaces",
			joined);
}

static void connection_ready(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct loop *loop = watcher->data;

	(void)ev;
	(void)events;
	control_accept(loop->server->control);
}

/*
 * libev runs timers before what has become readable: after we were stopped for a while, what agents
 * said meanwhile would count as silence.
 */
static void deadline_passed(struct ev_loop *ev, ev_timer *watcher, int events)
{
	struct loop *loop = watcher->data;
	bool late = instant_sub(instant_now(), loop->due) > LOOP_LATE_MS * NS_PER_MS;

	(void)ev;
	(void)events;
	receive(loop, late ? LOOP_LATE_BATCHES : LOOP_RECEIVE_BATCHES);
	turn(loop);
}

static void look_due(struct ev_loop *ev, ev_timer *watcher, int events)
{
	(void)ev;
	(void)events;
	tell_drops(watcher->data);
}

static void answer_calls(struct loop *loop)
{
	struct call *call;

	pthread_mutex_lock(&loop->lock);
	while ((call = STAILQ_FIRST(&loop->calls)) != NULL) {
		STAILQ_REMOVE_HEAD(&loop->calls, entry);
		pthread_mutex_unlock(&loop->lock);
		call->fn(loop->server, call->argument);
		pthread_mutex_lock(&loop->lock);
		call->done = true;
		pthread_cond_broadcast(&loop->answered);
	}
	pthread_mutex_unlock(&loop->lock);
}

static void was_woken(struct ev_loop *ev, ev_async *watcher, int events)
{
	(void)ev;
	(void)events;
	answer_calls(watcher->data);
	turn(watcher->data);
}

static void signal_came(struct ev_loop *ev, ev_signal *watcher, int events)
{
	(void)watcher;
	(void)events;
	ev_break(ev, EVBREAK_ALL);
}

struct loop *loop_new(struct server *server)
{
	struct loop *loop = mem_alloc(1, sizeof(*loop));

	loop->server = server;
	loop->ev = ev_loop_new(EVFLAG_AUTO);
	if (!loop->ev)
		mem_exhausted();
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->answered, NULL);
	STAILQ_INIT(&loop->calls);
	ev_async_init(&loop->woken, was_woken);
	ev_timer_init(&loop->timer, deadline_passed, 0, 0);
	ev_timer_init(&loop->look, look_due, 0, 0);
	loop->woken.data = loop->timer.data = loop->look.data = loop;
	/* From now on: the store may wake us before the loop runs. */
	ev_async_start(loop->ev, &loop->woken);
	return loop;
}

void loop_free(struct loop *loop)
{
	ev_loop_destroy(loop->ev);
	pthread_cond_destroy(&loop->answered);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

void loop_run(struct loop *loop)
{
	struct server *server = loop->server;

	ev_io_init(&loop->datagrams, datagrams_ready, inbound_fd(server->inbound), EV_READ);
	ev_io_init(&loop->connections, connection_ready, control_fd(server->control), EV_READ);
	ev_signal_init(&loop->terminate, signal_came, SIGTERM);
	ev_signal_init(&loop->interrupt, signal_came, SIGINT);
	loop->datagrams.data = loop->connections.data = loop;
	ev_io_start(loop->ev, &loop->datagrams);
	ev_io_start(loop->ev, &loop->connections);
	ev_signal_start(loop->ev, &loop->terminate);
	ev_signal_start(loop->ev, &loop->interrupt);
	if (server->multicast) {
		ev_timer_init(&loop->join, join_due, 0, LOOP_JOIN_S);
		loop->join.data = loop;
		ev_timer_start(loop->ev, &loop->join);
	}
	if (vigil_fd(server->vigil) >= 0) {
		ev_io_init(&loop->answers, answers_ready, vigil_fd(server->vigil), EV_READ);
		loop->answers.data = loop;
		ev_io_start(loop->ev, &loop->answers);
	}
	vigil_start(server->vigil, instant_now());
	turn(loop);
	ev_run(loop->ev, 0);
	ev_io_stop(loop->ev, &loop->datagrams);
	ev_io_stop(loop->ev, &loop->connections);
	ev_io_stop(loop->ev, &loop->answers);
}

void loop_finish(struct loop *loop)
{
	take_results(loop);
	send_answers(loop);
	answer_calls(loop);
	pthread_mutex_lock(&loop->lock);
	loop->closed = true;
	pthread_mutex_unlock(&loop->lock);
	answer_calls(loop);
}

void loop_wake(void *owner)
{
	struct loop *loop = owner;

	ev_async_send(loop->ev, &loop->woken);
}

int loop_ask(struct loop *loop, void (*fn)(struct server *server, void *argument), void *argument)
{
	struct call call = { .fn = fn, .argument = argument };

	pthread_mutex_lock(&loop->lock);
	if (loop->closed) {
		pthread_mutex_unlock(&loop->lock);
		return -ESHUTDOWN;
	}
	STAILQ_INSERT_TAIL(&loop->calls, &call, entry);
	ev_async_send(loop->ev, &loop->woken);
	while (!call.done)
		pthread_cond_wait(&loop->answered, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}
