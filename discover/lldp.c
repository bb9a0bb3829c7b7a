// SPDX-License-Identifier: Apache-2.0
#include "discover/lldp.h"

#include <errno.h>
#include <fcntl.h>
#include <lldpctl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "discover/lldpatom.h"

enum {
	RETRY_FIRST_SECONDS = 5,
	RETRY_LAST_SECONDS = 60,
	ANSWER_SECONDS = 10,
	/*
	 * A restarted lldpd knows nobody until they speak again: what is stale may be so for as
	 * long as IEEE 802.1AB keeps a neighbour by default (4 * 30 s).
	 */
	STALE_SECONDS = 120,
	READ_SIZE = 4096,
};

struct link {
	int fd;
	lldpctl_conn_t *connection;
};

/* What happens on the way to knowing the neighbours, in this order. */
enum step {
	STEP_CONNECT_WATCH, /* waiting for lldp_connected */
	STEP_SUBSCRIBE,
	STEP_CONNECT_QUERY, /* waiting for lldp_connected */
	STEP_QUERY,
	STEP_IDLE, /* told everything; the watch will say when to query again */
	STEP_PAUSE,
};

struct lldp {
	struct lldp_config config;
	enum step step;
	enum lldp_state state;
	const char *why;
	struct link watch, query;
	bool changed; /* since the query began */
	lldpctl_atom_t *interfaces;
	lldpctl_atom_iter_t *interface; /* the next to ask about */
	json_t *known;			/* key -> value as told */
	json_t *fresh;			/* what the query under way has found */
	struct instant deadline;
	struct instant stale_until; /* unless zero */
	int pause_seconds;
};

static ssize_t link_send(lldpctl_conn_t *connection, const uint8_t *data, size_t size, void *user)
{
	const struct link *link = user;
	ssize_t sent;

	(void)connection;
	do {
		sent = send(link->fd, data, size, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	/* Requests are far smaller than the buffer: when it is full nobody is reading. */
	return sent < 0 ? LLDPCTL_ERR_CALLBACK_FAILURE : sent;
}

static ssize_t link_receive(lldpctl_conn_t *connection, const uint8_t *to, size_t size, void *user)
{
	const struct link *link = user;
	ssize_t got;

	(void)connection;
	do {
		got = recv(link->fd, (void *)(uintptr_t)to, size, 0);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		return got;
	if (!got)
		return LLDPCTL_ERR_EOF;
	return errno == EAGAIN ? LLDPCTL_ERR_WOULDBLOCK : LLDPCTL_ERR_CALLBACK_FAILURE;
}

static void link_open(struct link *link, int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	link->fd = fd;
	link->connection = lldpctl_new(link_send, link_receive, link);
	if (!link->connection)
		mem_exhausted();
}

static void link_close(struct link *link)
{
	if (link->connection)
		lldpctl_release(link->connection);
	if (link->fd >= 0)
		close(link->fd);
	*link = (struct link){ .fd = -1 };
}

/* The library logs to stderr unless it is told where to. */
static void be_quiet(int severity, const char *message)
{
	(void)severity;
	(void)message;
}

struct lldp *lldp_new(const struct lldp_config *config)
{
	struct lldp *lldp = mem_alloc(1, sizeof(*lldp));

	lldpctl_log_callback(be_quiet);
	lldp->config = *config;
	lldp->watch.fd = lldp->query.fd = -1;
	lldp->known = json_object();
	lldp->deadline = INSTANT_NEVER;
	lldp->step = STEP_CONNECT_WATCH;
	lldp->config.connect(lldp->config.owner);
	return lldp;
}

static void query_end(struct lldp *lldp)
{
	if (lldp->interfaces)
		lldpctl_atom_dec_ref(lldp->interfaces);
	json_decref(lldp->fresh);
	lldp->interfaces = NULL;
	lldp->interface = NULL;
	lldp->fresh = NULL;
}

void lldp_free(struct lldp *lldp)
{
	if (!lldp)
		return;
	query_end(lldp);
	link_close(&lldp->query);
	link_close(&lldp->watch);
	json_decref(lldp->known);
	free(lldp);
}

/* lldpd is gone, or of no use: what is known is old from now on. */
static void go_away(struct lldp *lldp, const char *why, struct instant now, int64_t now_ms)
{
	char since[TEXT_TIME_SIZE];
	const char *key;
	json_t *value;

	query_end(lldp);
	link_close(&lldp->query);
	link_close(&lldp->watch);
	text_time(now_ms, since);
	json_object_foreach (lldp->known, key, value) {
		if (json_object_get(value, "stale_since"))
			continue;
		json_set_text(value, "stale_since", since);
		discover_put(lldp->config.sink, SECTION_LLDP, key, json_incref(value));
	}
	lldp->pause_seconds = lldp->pause_seconds ? 2 * lldp->pause_seconds : RETRY_FIRST_SECONDS;
	if (lldp->pause_seconds > RETRY_LAST_SECONDS)
		lldp->pause_seconds = RETRY_LAST_SECONDS;
	lldp->deadline = instant_add(now, lldp->pause_seconds * NS_PER_SEC);
	lldp->stale_until = (struct instant){ 0 };
	lldp->step = STEP_PAUSE;
	lldp->state = LLDP_AWAY;
	lldp->why = why;
}

static void on_change(
	lldpctl_change_t type, lldpctl_atom_t *interface, lldpctl_atom_t *neighbour, void *user)
{
	(void)type;
	(void)interface;
	(void)neighbour;
	((struct lldp *)user)->changed = true;
}

static void query_begin(struct lldp *lldp, struct instant now)
{
	lldp->changed = false;
	lldp->fresh = json_object();
	lldp->deadline = instant_add(now, ANSWER_SECONDS * NS_PER_SEC);
	lldp->step = STEP_QUERY;
}

/* Takes over what is stale and has not been heard of again, while there is time. */
static bool keep_stale(struct lldp *lldp, struct instant now)
{
	bool kept = false;
	const char *key;
	json_t *value;

	if (!lldp->stale_until.ns)
		lldp->stale_until = instant_add(now, STALE_SECONDS * NS_PER_SEC);
	if (!instant_before(now, lldp->stale_until))
		return false;
	json_object_foreach (lldp->known, key, value) {
		if (json_object_get(value, "stale_since") && !json_object_get(lldp->fresh, key)) {
			json_object_set(lldp->fresh, key, value);
			kept = true;
		}
	}
	return kept;
}

/* Tells what the query found and what it found no more. */
static void query_tell(struct lldp *lldp, struct instant now)
{
	const char *key;
	json_t *value;

	lldp->deadline = keep_stale(lldp, now) ? lldp->stale_until : INSTANT_NEVER;
	json_object_foreach (lldp->known, key, value) {
		if (!json_object_get(lldp->fresh, key))
			discover_delete(lldp->config.sink, SECTION_LLDP, key);
	}
	json_object_foreach (lldp->fresh, key, value)
		discover_put(lldp->config.sink, SECTION_LLDP, key, json_incref(value));
	json_decref(lldp->known);
	lldp->known = lldp->fresh;
	lldp->fresh = NULL;
	query_end(lldp);
	lldp->state = LLDP_COMPLETE;
	lldp->pause_seconds = 0;
	lldp->step = STEP_IDLE;
}

/* 1: an answer, 0: none yet, -EIO: lost. What the library has no answer for counts as one. */
static int answered(lldpctl_conn_t *connection, const void *answer)
{
	if (answer)
		return 1;
	switch ((int)lldpctl_last_error(connection)) {
	case LLDPCTL_ERR_WOULDBLOCK:
		return 0;
	case LLDPCTL_ERR_NOT_EXIST:
		return 1;
	default:
		return -EIO;
	}
}

/* As answered: goes from interface to interface. */
static int query_step(struct lldp *lldp)
{
	lldpctl_conn_t *connection = lldp->query.connection;
	int got = 1;

	if (!lldp->interfaces) {
		lldp->interfaces = lldpctl_get_interfaces(connection);
		got = answered(connection, lldp->interfaces);
		lldp->interface = lldpctl_atom_iter(lldp->interfaces);
	}
	while (got == 1 && lldp->interface) {
		lldpctl_atom_t *interface =
			lldpctl_atom_iter_value(lldp->interfaces, lldp->interface);
		lldpctl_atom_t *port = lldpctl_get_port(interface);

		got = answered(connection, port);
		if (port)
			lldpatom_add_port(lldp->fresh,
				lldpctl_atom_get_str(interface, lldpctl_k_interface_name), port);
		if (got == 1)
			lldp->interface = lldpctl_atom_iter_next(lldp->interfaces, lldp->interface);
		lldpctl_atom_dec_ref(port);
		lldpctl_atom_dec_ref(interface);
	}
	return got;
}

/* Reads what the watch has; -EIO when it is lost. */
static int watch_read(struct lldp *lldp)
{
	uint8_t bytes[READ_SIZE];

	for (;;) {
		ssize_t got =
			link_receive(lldp->watch.connection, bytes, sizeof(bytes), &lldp->watch);

		if (got == LLDPCTL_ERR_WOULDBLOCK)
			return 0;
		if (got < 0 || lldpctl_recv(lldp->watch.connection, bytes, (size_t)got) < 0)
			return -EIO;
	}
}

static void subscribe(struct lldp *lldp, struct instant now, int64_t now_ms)
{
	int err = lldpctl_watch_callback2(lldp->watch.connection, on_change, lldp);

	if (err == LLDPCTL_ERR_WOULDBLOCK)
		return;
	if (err) {
		go_away(lldp, "lldpd does not let us watch (is its version that of liblldpctl?)",
			now, now_ms);
		return;
	}
	lldp->step = STEP_CONNECT_QUERY;
	lldp->config.connect(lldp->config.owner);
}

void lldp_connected(struct lldp *lldp, int fd, struct instant now, int64_t now_ms)
{
	bool watch = lldp->step == STEP_CONNECT_WATCH;

	if (fd < 0) {
		go_away(lldp,
			fd == -EACCES ? "not allowed to connect to the socket of lldpd"
				      : "lldpd is not running",
			now, now_ms);
	} else if (!watch && lldp->step != STEP_CONNECT_QUERY) {
		close(fd); /* asked for before the watch was lost */
	} else if (watch) {
		link_open(&lldp->watch, fd);
		lldp->deadline = instant_add(now, ANSWER_SECONDS * NS_PER_SEC);
		lldp->step = STEP_SUBSCRIBE;
		lldp_run(lldp, now, now_ms);
	} else {
		link_open(&lldp->query, fd);
		query_begin(lldp, now);
		lldp_run(lldp, now, now_ms);
	}
}

void lldp_run(struct lldp *lldp, struct instant now, int64_t now_ms)
{
	bool due = !instant_before(now, lldp->deadline);
	int got = 0;

	if (lldp->step == STEP_PAUSE && due) {
		lldp->deadline = INSTANT_NEVER;
		lldp->step = STEP_CONNECT_WATCH;
		lldp->config.connect(lldp->config.owner);
		return;
	}
	if (lldp->step == STEP_SUBSCRIBE)
		subscribe(lldp, now, now_ms);
	if (lldp->step == STEP_CONNECT_QUERY || lldp->step == STEP_QUERY || lldp->step == STEP_IDLE)
		got = watch_read(lldp);
	if (!got && lldp->step == STEP_IDLE && (lldp->changed || due)) {
		query_begin(lldp, now);
		due = false;
	}
	if (!got && lldp->step == STEP_QUERY)
		got = query_step(lldp);
	if (got < 0) {
		go_away(lldp, "lldpd went away", now, now_ms);
	} else if (got > 0) {
		query_tell(lldp, now);
		if (lldp->changed)
			lldp_run(lldp, now, now_ms);
	} else if (due && lldp->step != STEP_IDLE && lldp->step != STEP_PAUSE) {
		go_away(lldp, "lldpd does not answer", now, now_ms);
	}
}

void lldp_again(struct lldp *lldp, struct instant now, int64_t now_ms)
{
	lldp->changed = true;
	lldp_run(lldp, now, now_ms);
}

void lldp_descriptors(const struct lldp *lldp, int fds[LLDP_DESCRIPTORS])
{
	fds[0] = lldp->watch.fd;
	fds[1] = lldp->query.fd;
}

struct instant lldp_deadline(const struct lldp *lldp)
{
	return lldp->deadline;
}

enum lldp_state lldp_state(const struct lldp *lldp)
{
	return lldp->state;
}

const char *lldp_why(const struct lldp *lldp)
{
	return lldp->why;
}
