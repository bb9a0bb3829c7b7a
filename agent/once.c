// SPDX-License-Identifier: Apache-2.0
#include "agent/once.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/confine.h"
#include "agent/document.h"
#include "agent/observe.h"
#include "agent/report.h"
#include "base/alloc.h"

/* How long lldpd may take to answer. */
enum { ONCE_SECONDS = 5 };

/* Connections to lldpd that one look takes: what changes, and questions. */
enum { ONCE_CONNECTIONS = 2 };

struct once {
	const struct sense_config *config;
	struct tracker *tracker;
	struct observe *observe;
	bool wants_lldpd;
	int connections[ONCE_CONNECTIONS]; /* or -errno; taken from the front */
	int taken;
};

static void on_fact(void *owner, const struct fact *fact)
{
	observe_fact(((struct once *)owner)->observe, fact);
}

static void want_lldpd(void *owner)
{
	((struct once *)owner)->wants_lldpd = true;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(to.sun_path)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	strcpy(to.sun_path, path);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/*
 * What lldpd says comes from outside and is read without privileges, so what takes one is done
 * before.
 */
static int give_up(struct once *once)
{
	once->taken = 0;
	for (int i = 0; i < ONCE_CONNECTIONS; i++)
		once->connections[i] = connect_unix(once->config->lldpd_socket);
	return confine_once(once->config->log);
}

static int take_connection(struct once *once)
{
	return once->taken < ONCE_CONNECTIONS ? once->connections[once->taken++] : -ECONNREFUSED;
}

static void close_connections(struct once *once)
{
	for (; once->taken < ONCE_CONNECTIONS; once->taken++) {
		if (once->connections[once->taken] >= 0)
			close(once->connections[once->taken]);
	}
}

/* Until everything was told, lldpd is known not to answer, or time is up. */
static void wait_settled(struct once *once)
{
	struct instant end = instant_add(instant_now(), ONCE_SECONDS * NS_PER_SEC);

	while (!observe_settled(once->observe) && instant_before(instant_now(), end)) {
		struct pollfd wait[OBSERVE_DESCRIPTORS];
		int fds[OBSERVE_DESCRIPTORS];

		if (once->wants_lldpd) {
			once->wants_lldpd = false;
			observe_lldp_connected(
				once->observe, take_connection(once), instant_now(), wall_now_ms());
			continue;
		}
		observe_descriptors(once->observe, fds);
		for (int i = 0; i < OBSERVE_DESCRIPTORS; i++)
			wait[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		poll(wait, OBSERVE_DESCRIPTORS,
			(int)(instant_sub(end, instant_now()) / NS_PER_MS) + 1);
		observe_run(once->observe, instant_now(), wall_now_ms());
	}
}

int once_run(const struct sense_config *config, bool json)
{
	static const uint8_t no_key[16];
	struct once once = {
		.config = config, .tracker = tracker_new(no_key), .taken = ONCE_CONNECTIONS
	};
	struct observe_config observe = {
		.tracker = once.tracker,
		.owner = &once,
		.connect_lldpd = want_lldpd,
	};
	int err;

	once.observe = observe_new(&observe, instant_now(), wall_now_ms());
	err = sense_once(config, on_fact, &once);
	if (err)
		log_error(config->log, "cannot look at this host: %s", strerror(-err));
	else
		err = give_up(&once);
	if (!err)
		wait_settled(&once);
	if (!err && json) {
		json_t *document autojson = document_of(once.tracker);

		if (json_dumpf(document, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) ||
			putchar('\n') < 0)
			err = -EIO;
	} else if (!err) {
		report_print(once.tracker, stdout);
	}
	if (!err && fflush(stdout))
		err = -errno;
	close_connections(&once);
	observe_free(once.observe);
	tracker_free(once.tracker);
	return err;
}
