// SPDX-License-Identifier: Apache-2.0
#include "agent/net.h"

#include <errno.h>
#include <inttypes.h>
#include <ev.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/debut.h"
#include "agent/dryrun.h"
#include "agent/footprint.h"
#include "agent/goodbye.h"
#include "agent/heartbeat.h"
#include "agent/ipc.h"
#include "agent/observe.h"
#include "agent/perform.h"
#include "agent/reach.h"
#include "agent/sense.h"
#include "agent/standing.h"
#include "agent/tracker.h"
#include "agent/uplink.h"
#include "base/alloc.h"

enum {
	RECEIVE_BATCH = 64, /* packets or datagrams taken before others get their turn */
	START_SECONDS = 5,  /* how long lldpd may delay the first telling */
	EXIT_OK = 0,
	EXIT_FAILED = 1,
};

struct net {
	struct net_config config;
	struct reach reach;
	struct ev_loop *loop;
	ev_io sense, udp, beats, descriptors[OBSERVE_DESCRIPTORS];
	ev_timer timer;
	ev_signal terminated, interrupted;
	ev_prepare before_wait;
	struct tracker *tracker;
	struct observe *observe;
	struct uplink *uplink;
	struct perform perform; /* borrows the three above */
	struct heartbeat heartbeat;
	struct debut debut;
	struct instant start_deadline;
	bool sense_ready, sense_ended, ready;
	bool enrolled_told, trimmed;
	uint64_t new_keys_told;
	struct standing standing;		 /* with the CMA, as the log has it */
	char fingerprint[KEYS_FINGERPRINT_SIZE]; /* our own */
	int exit_code;
};

/* A failure stays one, whatever signal follows it. */
static void net_stop(struct net *net, int exit_code)
{
	if (net->exit_code == EXIT_OK)
		net->exit_code = exit_code;
	ev_break(net->loop, EVBREAK_ALL);
}

static void send_request(struct net *net, const struct sense_request *request)
{
	int err = ipc_send(net->config.sense, SPAN(request, sizeof(*request)), -1);

	if (err)
		log_error(net->config.log, "request to sense: %s", strerror(-err));
}

static void request_sense(struct net *net, enum sense_op op)
{
	const struct sense_request request = { .op = op };

	send_request(net, &request);
}

static void connect_lldpd(void *owner)
{
	request_sense(owner, SENSE_CONNECT_LLDPD);
}

/* ---- what comes from sense ------------------------------------------------------------------- */

static int take_facts(struct net *net, struct reader *r)
{
	struct fact fact;

	while (fact_get(r, &fact))
		observe_fact(net->observe, &fact);
	return r->failed ? -EBADMSG : 0;
}

static int take_descriptor(struct net *net, struct reader *r, struct ipc_packet *packet)
{
	int err = (int)get_u32(r), fd = packet->passed;

	if (!reader_done(r) || err > 0 || (!err && fd < 0))
		return -EBADMSG;
	packet->passed = -1;
	observe_lldp_connected(net->observe, err ? err : fd, instant_now(), wall_now_ms());
	return 0;
}

static int take_packet(struct net *net, struct ipc_packet *packet)
{
	struct reader r = reader_of(SPAN(packet->data, packet->size));

	switch (get_u8(&r)) {
	case SENSE_FACTS:
		return take_facts(net, &r);
	case SENSE_READY:
		net->sense_ready = true;
		heartbeat_reflects(&net->heartbeat, get_u8(&r) == 1);
		return reader_done(&r) ? 0 : -EBADMSG;
	case SENSE_FD:
		return take_descriptor(net, &r, packet);
	case SENSE_RESULT:
		return perform_result(&net->perform, &r, instant_now(), wall_now_ms());
	case SENSE_END:
		net->sense_ended = true;
		return 0;
	default:
		return -EBADMSG;
	}
}

static void on_sense(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct net *net = watcher->data;
	int got = 1;

	(void)loop;
	(void)events;
	for (int i = 0; i < RECEIVE_BATCH && got == 1; i++) {
		struct ipc_packet packet;

		got = ipc_receive(watcher->fd, &packet);
		if (got == 1) {
			int err = take_packet(net, &packet);

			ipc_free(&packet);
			got = err ? err : 1;
		} else if (got == -ECONNRESET) {
			got = 1; /* it ended with requests unread: what it said is still there */
		}
	}
	if (got == 1 || got == -EAGAIN)
		return;
	if (got < 0)
		log_error(net->config.log, "packet from sense: %s", strerror(-got));
	net_stop(net, got || !net->sense_ended ? EXIT_FAILED : EXIT_OK);
}

/* ---- what the CMA says, and what it is told -------------------------------------------------- */

/* Only what needs the CMA's secret key, or that of a session, tells where it is. */
static void take_datagram(struct net *net, struct span datagram)
{
	uint64_t ignored = uplink_status(net->uplink)->ignored;

	uplink_input(net->uplink, instant_now(), datagram);
	if (datagram.size && (datagram.data[0] == PACKET_RESP || datagram.data[0] == PACKET_DATA) &&
		uplink_status(net->uplink)->ignored == ignored)
		reach_follow(&net->reach);
}

static void on_udp(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct net *net = watcher->data;
	uint8_t datagram[PACKET_MAX + 1];

	(void)loop;
	(void)events;
	for (int i = 0; i < RECEIVE_BATCH; i++) {
		ssize_t size = reach_receive(&net->reach, datagram, sizeof(datagram));

		if (size < 0)
			return;
		take_datagram(net, SPAN(datagram, (size_t)size));
	}
}

static void send_datagrams(struct net *net)
{
	uint8_t datagram[PACKET_MAX];
	size_t size;

	/* What cannot be sent now is a lost datagram: the uplink sends it again. */
	while ((size = uplink_output(net->uplink, instant_now(), datagram)))
		reach_send(&net->reach, SPAN(datagram, size));
}

static void take_command(void *owner, uint64_t now_ms, struct span warrant)
{
	struct net *net = owner;

	perform_command(&net->perform, now_ms, warrant);
}

/* The kernel is to answer who asks at the port of heartbeats with what the list said. */
static void request_echo(struct net *net)
{
	const struct sense_request request = { .op = SENSE_ECHO,
		.argument = net->heartbeat.neighbour.port,
		.value = ring_echo(net->heartbeat.neighbour.ring) };

	send_request(net, &request);
}

static void take_list(void *owner, struct instant now, const struct record_ring *list)
{
	struct net *net = owner;

	if (heartbeat_list(&net->heartbeat, now, list) && net->heartbeat.reflects)
		request_echo(net);
}

static void on_beats(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct net *net = watcher->data;

	(void)loop;
	(void)events;
	net->heartbeat.waits = true;
}

/* Behind SENSE_ENROLLED, if that is due too: a key is kept with an enrolment. */
static void tell_new_key(struct net *net)
{
	struct sense_request request = { .op = SENSE_NEW_KEY };

	memcpy(request.certificate, uplink_certificate(net->uplink), sizeof(request.certificate));
	send_request(net, &request);
	log_info(net->config.log, "the CMA has another key, signed with the root key");
}

static void run_uplink(struct net *net)
{
	const struct uplink_status *status = uplink_status(net->uplink);
	const struct addr *at = reach_address(&net->reach);
	char cma[ADDR_TEXT_SIZE];

	if (net->ready && !debut_waits(&net->debut, instant_now(), net->tracker, status, at))
		send_datagrams(net);
	status = uplink_status(net->uplink);
	addr_text(reach_address(&net->reach), cma);
	standing_log(&net->standing, status, cma, net->fingerprint, net->config.log);
	if (status->enrolled && !net->enrolled_told) {
		net->enrolled_told = true;
		request_sense(net, SENSE_ENROLLED);
	}
	if (status->new_keys != net->new_keys_told) {
		net->new_keys_told = status->new_keys;
		tell_new_key(net);
	}
	if (!net->trimmed && status->durable && !status->waiting) {
		net->trimmed = true; /* the start is over: all of it is on the CMA's disk */
		footprint_trim();
	}
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void on_descriptor(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct net *net = watcher->data;

	(void)loop;
	(void)events;
	observe_run(net->observe, instant_now(), wall_now_ms());
}

/* Descriptors come and go with lldpd. */
static void watch_descriptors(struct net *net)
{
	int fds[OBSERVE_DESCRIPTORS];

	observe_descriptors(net->observe, fds);
	for (int i = 0; i < OBSERVE_DESCRIPTORS; i++) {
		ev_io *watcher = &net->descriptors[i];

		if (ev_is_active(watcher) && watcher->fd == fds[i])
			continue;
		ev_io_stop(net->loop, watcher);
		ev_io_set(watcher, fds[i], EV_READ);
		if (fds[i] >= 0)
			ev_io_start(net->loop, watcher);
	}
}

/* The first telling waits for everything that is there at the start, so that it is complete. */
static void check_ready(struct net *net, struct instant now)
{
	if (net->ready || !net->sense_ready ||
		(!observe_settled(net->observe) && instant_before(now, net->start_deadline)))
		return;
	net->ready = true;
	if (net->uplink)
		uplink_ready(net->uplink);
}

static void arm_timer(struct net *net, struct instant now)
{
	struct instant deadline = observe_deadline(net->observe);
	int64_t wait_ns;

	if (net->sense_ready && !net->ready)
		deadline = instant_first(deadline, net->start_deadline);
	if (net->uplink && debut_deadline(&net->debut).ns != INSTANT_NEVER.ns)
		deadline = instant_first(deadline, debut_deadline(&net->debut));
	else if (net->uplink)
		deadline = instant_first(deadline, uplink_deadline(net->uplink));
	deadline = instant_first(deadline, heartbeat_deadline(&net->heartbeat));
	ev_timer_stop(net->loop, &net->timer);
	if (deadline.ns == INSTANT_NEVER.ns)
		return;
	wait_ns = instant_sub(deadline, now);
	ev_timer_set(&net->timer, (double)(wait_ns > NS_PER_MS ? wait_ns : NS_PER_MS) / 1e9, 0.);
	ev_timer_start(net->loop, &net->timer);
}

/* Before the process sleeps: everything that the events since the last time lead to. */
static void on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct net *net = watcher->data;

	(void)loop;
	(void)events;
	check_ready(net, instant_now());
	heartbeat_run(&net->heartbeat, instant_now());
	if (net->uplink)
		run_uplink(net);
	else
		dryrun_print(net->tracker, net->config.json, stdout);
	watch_descriptors(net);
	arm_timer(net, instant_now());
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct net *net = watcher->data;
	struct instant now = instant_now();

	(void)loop;
	(void)events;
	if (!instant_before(now, observe_deadline(net->observe)))
		observe_run(net->observe, now, wall_now_ms());
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	(void)loop;
	(void)events;
	net_stop(watcher->data, EXIT_OK);
}

static int start_uplink(struct net *net, const struct identity *identity)
{
	struct uplink_config config = {
		.key = identity->key,
		.tracker = net->tracker,
		.boot = net->config.boot,
		.has_root = identity->enrolment.has_root,
		.serial = identity->enrolment.serial,
		.has_token = identity->has_token,
		.asks = identity->asks,
		.enrolled = identity->enrolled,
		.run = net->config.run,
		.command = take_command,
		.ring = take_list,
		.random = seal_draw,
		.owner = net,
	};
	int err = reach_open(&net->reach, &identity->enrolment.cma);

	if (err) {
		log_error(net->config.log, "UDP socket: %s", strerror(-err));
		return err;
	}
	memcpy(config.cma, identity->enrolment.cma_key, sizeof(config.cma));
	memcpy(config.root, identity->enrolment.root, sizeof(config.root));
	memcpy(config.token_id, identity->token_id, sizeof(config.token_id));
	memcpy(config.token_secret, identity->token_secret, sizeof(config.token_secret));
	memcpy(config.psk, identity->enrolment.psk, sizeof(config.psk));
	keys_fingerprint(identity->key.public, net->fingerprint);
	net->enrolled_told = identity->enrolled;
	net->uplink = uplink_new(&config);
	net->perform = (struct perform){ net->tracker, net->observe, net->uplink, net->config.sense,
		net->config.log };
	seal_wipe(&config, sizeof(config));
	ev_io_init(&net->udp, on_udp, net->reach.fd, EV_READ);
	net->udp.data = net;
	ev_io_start(net->loop, &net->udp);
	if (heartbeat_start(&net->heartbeat, net->config.beat_port, net->uplink, net->config.log)) {
		ev_io_init(&net->beats, on_beats, net->heartbeat.neighbour.fd, EV_READ);
		net->beats.data = net;
		ev_io_start(net->loop, &net->beats);
	}
	return 0;
}

/* Watchers of libev are plain structures that are set up in place. */
static void start_watchers(struct net *net)
{
	ev_io_init(&net->sense, on_sense, net->config.sense, EV_READ);
	ev_timer_init(&net->timer, on_timer, 0., 0.);
	ev_signal_init(&net->terminated, on_signal, SIGTERM);
	ev_signal_init(&net->interrupted, on_signal, SIGINT);
	ev_prepare_init(&net->before_wait, on_before_wait);
	net->sense.data = net->timer.data = net->terminated.data = net;
	net->interrupted.data = net->before_wait.data = net;
	for (int i = 0; i < OBSERVE_DESCRIPTORS; i++) {
		ev_io_init(&net->descriptors[i], on_descriptor, -1, EV_READ);
		net->descriptors[i].data = net;
	}
	ev_io_start(net->loop, &net->sense);
	ev_signal_start(net->loop, &net->terminated);
	ev_signal_start(net->loop, &net->interrupted);
	ev_prepare_start(net->loop, &net->before_wait);
}

int net_new(const struct net_config *config, struct net **made)
{
	struct net *net = mem_alloc(1, sizeof(*net));
	const struct identity *identity = config->identity;
	uint8_t digest_key[SEAL_FACT_KEY] = { 0 };
	struct observe_config observe = {
		.owner = net,
		.connect_lldpd = connect_lldpd,
	};
	struct instant now = instant_now();
	int err = 0;

	net->config = *config;
	net->loop = ev_loop_new(EVFLAG_AUTO);
	net->reach.fd = -1;
	net->start_deadline = instant_add(now, START_SECONDS * NS_PER_SEC);
	start_watchers(net);
	if (identity)
		seal_fact_key(identity->key.public, digest_key);
	net->tracker = observe.tracker = tracker_new(digest_key);
	net->observe = observe_new(&observe, now, wall_now_ms());
	if (identity)
		err = start_uplink(net, identity);
	if (err) {
		net_free(net);
		net = NULL;
	}
	*made = net;
	return err;
}

int net_run(struct net *net)
{
	ev_run(net->loop, 0);
	if (net->uplink && net->exit_code == EXIT_OK) {
		ev_io_stop(net->loop, &net->sense);
		goodbye_say(net->loop, net->uplink);
		net->exit_code = EXIT_OK; /* what the other process takes no more is no failure */
	}
	return net->exit_code;
}

void net_free(struct net *net)
{
	if (!net)
		return;
	if (net->uplink)
		uplink_free(net->uplink);
	observe_free(net->observe);
	tracker_free(net->tracker);
	reach_close(&net->reach);
	heartbeat_end(&net->heartbeat);
	ev_loop_destroy(net->loop);
	free(net);
}
