// SPDX-License-Identifier: Apache-2.0
#include "agent/sense.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/confine.h"
#include "agent/footprint.h"
#include "agent/ipc.h"
#include "agent/obey.h"
#include "agent/request.h"
#include "agent/sense_look.h"

enum {
	FACTS_FULL = 8192,	  /* a packet with so much is sent; one more fact would fit too */
	HOST_FACTS_MAX = 1 << 20, /* that config->discover may tell in one go */
	REPLIES_MAX = 8,	  /* requests that wait for their answer */
	DISCOVER_S = 3600,
	END_PATIENCE_MS = 1000, /* for room to say that we end */
};

struct reply {
	int err;
	int fd;
};

struct sense {
	const struct sense_config *config;
	struct look look;
	int peer;
	struct ev_loop *loop;
	ev_io ring, requests, room;
	ev_timer timer, credit;
	ev_signal terminated, interrupted, childless;
	struct instant discover_at;
	struct writer packet; /* kind and facts that wait for room in the socket */
	struct writer host;   /* facts of config->discover, packed */
	size_t host_told;     /* bytes of them */
	struct reply replies[REPLIES_MAX];
	unsigned int reply_count;
	struct request_meter meter;
	struct obey obey;
	bool all_told; /* READY was said */
	int result;
};

static void stop(struct sense *sense, int result)
{
	sense->result = result;
	ev_break(sense->loop, EVBREAK_ALL);
}

static void put_host_fact(void *owner, const struct fact *fact)
{
	struct sense *sense = owner;

	fact_put(&sense->host, fact);
}

static void discover(struct sense *sense, struct instant now)
{
	if (instant_before(now, sense->discover_at))
		return;
	sense->discover_at = instant_add(now, DISCOVER_S * NS_PER_SEC);
	if (!sense->config->discover)
		return;
	if (sense->host_told == sense->host.size) {
		writer_reset(&sense->host);
		sense->host_told = 0;
	}
	sense->config->discover(sense->config->user, put_host_fact, sense);
	if (sense->host.failed)
		log_error(sense->config->log, "facts of this host are larger than %d bytes",
			HOST_FACTS_MAX);
}

static bool next_host_fact(struct sense *sense, struct fact *fact)
{
	struct reader r;

	if (sense->host.failed || sense->host_told == sense->host.size)
		return false;
	r = reader_of(
		SPAN(sense->host.data + sense->host_told, sense->host.size - sense->host_told));
	if (!fact_get(&r, fact))
		return false;
	sense->host_told = sense->host.size - r.left.size;
	return true;
}

/* Fills the packet with what there is to tell; false when there is nothing. */
static bool fill_packet(struct sense *sense)
{
	struct fact fact;

	if (sense->packet.size)
		return true;
	while (sense->packet.size < FACTS_FULL &&
		(next_host_fact(sense, &fact) || watch_next(sense->look.watch, &fact))) {
		if (!sense->packet.size)
			put_u8(&sense->packet, SENSE_FACTS);
		fact_put(&sense->packet, &fact);
	}
	if (!sense->packet.size && !sense->all_told && sense->look.looked) {
		put_u8(&sense->packet, SENSE_READY);
		put_u8(&sense->packet, look_reflects(&sense->look));
		sense->all_told = true;
		footprint_trim();
	}
	return sense->packet.size > 0;
}

/* 0, -EAGAIN, or the end of the process. */
static int send_replies(struct sense *sense)
{
	while (sense->reply_count) {
		struct reply *first = &sense->replies[0];
		uint8_t bytes[5];
		struct writer w = writer_over(bytes, sizeof(bytes));
		int err;

		put_u8(&w, SENSE_FD);
		put_u32(&w, (uint32_t)first->err);
		err = ipc_send(sense->peer, writer_span(&w), first->fd);
		if (err)
			return err;
		if (first->fd >= 0)
			close(first->fd);
		sense->reply_count--;
		memmove(first, first + 1, sense->reply_count * sizeof(*first));
	}
	return 0;
}

/* Tells as much as the other side has room for; the rest waits, as marks, in the watch. */
static void tell(struct sense *sense)
{
	int err = send_replies(sense);

	while (!err && obey_result(&sense->obey).size) {
		err = ipc_send(sense->peer, obey_result(&sense->obey), -1);
		if (!err)
			obey_sent(&sense->obey);
	}
	while (!err && fill_packet(sense)) {
		err = ipc_send(sense->peer, writer_span(&sense->packet), -1);
		if (!err)
			writer_reset(&sense->packet);
	}
	if (err == -EAGAIN)
		ev_io_start(sense->loop, &sense->room);
	else
		ev_io_stop(sense->loop, &sense->room);
	if (err && err != -EAGAIN)
		stop(sense, err == -EPIPE || err == -ECONNRESET ? 0 : err);
}

/* What every wake-up ends with: do what is due, tell, sleep until the next thing is due. */
static void settle(struct sense *sense)
{
	struct instant now = instant_now(), next;

	look_tick(&sense->look, now);
	discover(sense, now);
	tell(sense);
	next = instant_first(look_deadline(&sense->look), sense->discover_at);
	ev_timer_stop(sense->loop, &sense->timer);
	ev_timer_set(&sense->timer, (double)instant_sub(next, instant_now()) / NS_PER_SEC, 0);
	if (instant_before(next, now))
		ev_timer_set(&sense->timer, 0, 0);
	ev_now_update(sense->loop);
	ev_timer_start(sense->loop, &sense->timer);
}

static void on_ring(struct ev_loop *loop, ev_io *io, int events)
{
	struct sense *sense = io->data;

	(void)loop, (void)events;
	look_drain(&sense->look, instant_now());
	settle(sense);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct sense *sense = timer->data;

	(void)loop, (void)events;
	look_drain(&sense->look, instant_now());
	settle(sense);
}

static void on_room(struct ev_loop *loop, ev_io *io, int events)
{
	struct sense *sense = io->data;

	(void)loop, (void)events;
	tell(sense);
}

/* The host leaves, it does not crash: the other side may say so to the CMA. */
static void tell_end(struct sense *sense)
{
	struct pollfd room = { .fd = sense->peer, .events = POLLOUT };
	uint8_t end = SENSE_END;

	if (poll(&room, 1, END_PATIENCE_MS) == 1)
		ipc_send(sense->peer, SPAN(&end, sizeof(end)), -1);
}

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct sense *sense = signal->data;

	(void)loop, (void)events;
	tell_end(sense);
	stop(sense, 0);
}

/* The other process is our only child; the socket alone may be held open by what it sent. */
static void on_child(struct ev_loop *loop, ev_signal *signal, int events)
{
	siginfo_t ended = { .si_pid = 0 };

	(void)loop, (void)events;
	/* One that is stopped, or goes on after that, is still there. */
	if (!waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) && !ended.si_pid)
		return;
	stop(signal->data, 0);
}

static struct reply connect_lldpd(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, err;

	if (!path || strlen(path) >= sizeof(to.sun_path))
		return (struct reply){ .err = -ENOENT, .fd = -1 };
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return (struct reply){ .err = -errno, .fd = -1 };
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return (struct reply){ .err = 0, .fd = fd };
	err = -errno;
	close(fd);
	return (struct reply){ .err = err, .fd = -1 };
}

static int serve_resnapshot(struct sense *sense, const struct sense_request *request)
{
	(void)request;
	watch_ask_snapshot(sense->look.watch, instant_now());
	return 0;
}

static int serve_connect_lldpd(struct sense *sense, const struct sense_request *request)
{
	(void)request;
	if (sense->reply_count == REPLIES_MAX)
		return -EPROTO;
	sense->replies[sense->reply_count++] = connect_lldpd(sense->config->lldpd_socket);
	return 0;
}

static int serve_enrolled(struct sense *sense, const struct sense_request *request)
{
	(void)request;
	if (sense->config->enrolled)
		sense->config->enrolled(sense->config->user);
	return 0;
}

static int serve_new_key(struct sense *sense, const struct sense_request *request)
{
	struct sense_request rest = *request;

	memset(rest.certificate, 0, sizeof(rest.certificate));
	if (!request_is_bare(&rest))
		return -EPROTO;
	if (!sense->config->new_key)
		return 0;
	return sense->config->new_key(sense->config->user, request->certificate);
}

/* At worst the kernel answers nobody, or as much as it is sent and marked as an answer. */
static int serve_echo(struct sense *sense, const struct sense_request *request)
{
	struct sense_request rest = *request;

	rest.argument = 0;
	rest.value = 0;
	if (!request_is_bare(&rest) || request->argument > UINT16_MAX)
		return -EPROTO;
	if (sense->look.sensor)
		sensor_reflect(sense->look.sensor, (uint16_t)request->argument, request->value);
	return 0;
}

/* Only sense decides whether it is done. */
static int serve_command(struct sense *sense, const struct sense_command *command)
{
	struct instant now = instant_now();
	struct span warrant;

	if (request_warrant(command, &warrant))
		return -EPROTO;
	request_spend(&sense->meter, REQUEST_COST_MAX);
	switch (obey_command(&sense->obey, now, command->now_ms, warrant)) {
	case OBEY_SNAPSHOT:
		watch_ask_snapshot(sense->look.watch, now);
		break;
	case OBEY_DISCOVER:
		sense->discover_at = now;
		break;
	case OBEY_NOTHING:
		break;
	}
	return 0;
}

/* All else that net can have done. */
static const struct operation {
	enum sense_op op;
	int cost;  /* as in request.h */
	bool bare; /* takes no argument */
	int (*serve)(struct sense *sense, const struct sense_request *request);
} operations[] = {
	{ SENSE_RESNAPSHOT, 1, true, serve_resnapshot },
	{ SENSE_CONNECT_LLDPD, 4, true, serve_connect_lldpd },
	{ SENSE_ENROLLED, 8, true, serve_enrolled },
	{ SENSE_NEW_KEY, 8, false, serve_new_key },
	{ SENSE_ECHO, 1, false, serve_echo },
};

static int serve(struct sense *sense, const union request *any)
{
	const struct sense_request *request = &any->plain;

	if (any->op == SENSE_COMMAND)
		return serve_command(sense, &any->command);
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		const struct operation *operation = &operations[i];

		if (operation->op != request->op)
			continue;
		if (operation->bare && !request_is_bare(request))
			return -EPROTO;
		request_spend(&sense->meter, operation->cost);
		return operation->serve(sense, request);
	}
	return -EPROTO;
}

/* Requests are read when there is credit for one, and wait in the socket until then. */
static void on_credit(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct sense *sense = timer->data;
	struct pollfd peer = { .fd = sense->peer };

	(void)events;
	if (poll(&peer, 1, 0) == 1)
		stop(sense, 0); /* it is gone; what it still wanted matters no more */
	else
		ev_io_start(loop, &sense->requests);
}

static void pace(struct sense *sense)
{
	struct instant now = instant_now(), next = request_next(&sense->meter, now);

	if (!instant_before(now, next))
		return;
	ev_io_stop(sense->loop, &sense->requests);
	ev_now_update(sense->loop);
	ev_timer_set(&sense->credit, (double)instant_sub(next, now) / NS_PER_SEC, 0);
	ev_timer_start(sense->loop, &sense->credit);
}

/* The other side has no privileges and may be in foreign hands: one odd request ends it all. */
static void on_request(struct ev_loop *loop, ev_io *io, int events)
{
	struct sense *sense = io->data;
	union request request = { .op = 0 };
	int got = request_receive(sense->peer, &request);

	(void)loop, (void)events;
	if (got == -EAGAIN)
		return;
	if (got == 1)
		got = serve(sense, &request) ? -EPROTO : 1;
	if (got < 0)
		log_error(sense->config->log, "malformed request");
	if (got < 1) {
		stop(sense, got);
		return;
	}
	pace(sense);
	settle(sense);
}

static void start(struct sense *sense)
{
	int ring = sense->look.sensor ? sensor_fd(sense->look.sensor) : -1;

	ev_io_init(&sense->requests, on_request, sense->peer, EV_READ);
	ev_io_init(&sense->room, on_room, sense->peer, EV_WRITE);
	ev_timer_init(&sense->timer, on_timer, 0, 0);
	ev_timer_init(&sense->credit, on_credit, 0, 0);
	ev_signal_init(&sense->terminated, on_signal, SIGTERM);
	ev_signal_init(&sense->interrupted, on_signal, SIGINT);
	ev_signal_init(&sense->childless, on_child, SIGCHLD);
	sense->ring.data = sense->requests.data = sense->room.data = sense->timer.data = sense;
	sense->terminated.data = sense->interrupted.data = sense->credit.data = sense;
	sense->childless.data = sense;
	request_meter_init(&sense->meter, instant_now());
	if (ring >= 0) {
		ev_io_init(&sense->ring, on_ring, ring, EV_READ);
		sense->ring.data = sense;
		ev_io_start(sense->loop, &sense->ring);
	}
	ev_io_start(sense->loop, &sense->requests);
	ev_timer_start(sense->loop, &sense->timer);
	ev_signal_start(sense->loop, &sense->terminated);
	ev_signal_start(sense->loop, &sense->interrupted);
	ev_signal_start(sense->loop, &sense->childless);
}

int sense_run(const struct sense_config *config, int peer)
{
	struct sense sense = { .config = config,
		.peer = peer,
		.packet = writer_growing(SENSE_PACKET_MAX),
		.host = writer_growing(HOST_FACTS_MAX) };
	int err = look_open(&sense.look, config, true);

	if (err)
		return err;
	sense.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!sense.loop) {
		look_close(&sense.look);
		return -ENOMEM;
	}
	obey_init(&sense.obey, config);
	start(&sense);
	sense.result = confine_sense(config->lldpd_socket, config->log);
	if (!sense.result)
		ev_run(sense.loop, 0);
	ev_loop_destroy(sense.loop);
	for (unsigned int i = 0; i < sense.reply_count; i++) {
		if (sense.replies[i].fd >= 0)
			close(sense.replies[i].fd);
	}
	obey_deinit(&sense.obey);
	look_close(&sense.look);
	writer_free(&sense.packet);
	writer_free(&sense.host);
	return sense.result;
}

int sense_once(const struct sense_config *config, sense_emit_fn *emit, void *owner)
{
	struct look look;
	struct fact fact;
	int err = look_open(&look, config, false);

	if (err)
		return err;
	look_tick(&look, instant_now());
	look_drain(&look, instant_now());
	if (config->discover)
		config->discover(config->user, emit, owner);
	while (watch_next(look.watch, &fact))
		emit(owner, &fact);
	look_close(&look);
	return 0;
}
