// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/sensor_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/alloc.h"

#define PATIENCE (5 * NS_PER_SEC)

uint32_t rig_netns(void)
{
	struct stat own;

	assert_int_equal(stat("/proc/self/ns/net", &own), 0);
	return (uint32_t)own.st_ino;
}

void rig_enter(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (geteuid() != 0) {
		print_message("needs root: kernel programs are loaded\n");
		skip();
	}
	if (getenv("RIG_ENTERED"))
		return;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	setenv("RIG_ENTERED", "1", 1);
}

struct rig *rig_open(const struct sensor_config *config)
{
	struct sensor_config own = config ? *config : (struct sensor_config){ 0 };
	struct rig *rig = mem_alloc(1, sizeof(*rig));
	char error[256] = "";

	own.own_netns_only = true;
	rig->workloads = mem_alloc(RIG_EVENTS_MAX, sizeof(*rig->workloads));
	rig->listens = mem_alloc(RIG_EVENTS_MAX, sizeof(*rig->listens));
	rig->unlistens = mem_alloc(RIG_EVENTS_MAX, sizeof(*rig->unlistens));
	rig->edges = mem_alloc(RIG_EVENTS_MAX, sizeof(*rig->edges));
	rig->exits = mem_alloc(RIG_EVENTS_MAX, sizeof(*rig->exits));
	rig->rows = mem_alloc(RIG_EVENTS_MAX, sizeof(*rig->rows));
	rig->paths = mem_alloc(RIG_EVENTS_MAX, sizeof(*rig->paths));
	if (sensor_open(&own, &rig->sensor, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return rig;
}

void rig_close(struct rig *rig)
{
	sensor_close(rig->sensor);
	free(rig->workloads);
	free(rig->listens);
	free(rig->unlistens);
	free(rig->edges);
	free(rig->exits);
	free(rig->rows);
	free(rig->paths);
	free(rig);
}

int rig_setup(void **state)
{
	rig_enter();
	*state = rig_open(NULL);
	return 0;
}

int rig_setup_namespace(void **state)
{
	(void)state;
	rig_enter();
	return 0;
}

int rig_teardown(void **state)
{
	if (*state)
		rig_close(*state);
	return 0;
}

const struct event_row *rig_row(const struct rig *rig, pid_t tgid, uint16_t port)
{
	for (size_t i = 0; i < rig->row_count; i++)
		if (rig->rows[i].tgid == (uint32_t)tgid && rig->rows[i].local_port == port)
			return &rig->rows[i];
	return NULL;
}

#define KEEP(name, count, type)                                        \
	static void keep_##name(void *owner, const struct type *event) \
	{                                                              \
		struct rig *rig = owner;                               \
		assert_true(rig->count < RIG_EVENTS_MAX);              \
		rig->name##s[rig->count++] = *event;                   \
	}
KEEP(workload, workload_count, event_workload)
KEEP(listen, listen_count, event_socket)
KEEP(unlisten, unlisten_count, event_socket)
KEEP(edge, edge_count, event_edge)
KEEP(exit, exit_count, event_exit)

static const struct sensor_handler handler = { keep_workload, keep_listen, keep_unlisten, keep_edge,
	keep_exit };

/* Waits for the sensor as an event loop would, then drains it. False when time is up. */
static bool turn(struct rig *rig, struct instant end)
{
	struct pollfd ready = { .fd = sensor_fd(rig->sensor), .events = POLLIN };
	struct instant now = instant_now();
	struct instant until = instant_first(end, sensor_deadline(rig->sensor));

	if (!instant_before(now, end))
		return false;
	poll(&ready, 1,
		instant_before(now, until) ? (int)(instant_sub(until, now) / NS_PER_MS + 1) : 0);
	sensor_drain(rig->sensor, instant_now(), &handler, rig);
	return true;
}

static bool socket_matches(const void *event, const struct want *want)
{
	const struct event_socket *socket = event;

	return (!want->tgid || socket->tgid == want->tgid) &&
		(!want->cookie || socket->cookie == want->cookie) &&
		(!want->protocol || socket->protocol == want->protocol) &&
		(!want->port || socket->port == want->port);
}

static bool edge_matches(const void *event, const struct want *want)
{
	const struct event_edge *edge = event;

	return (!want->role || edge->key.role == want->role) &&
		(!want->protocol || edge->key.protocol == want->protocol) &&
		(!want->port || edge->key.port == want->port) &&
		(!want->workload || edge->key.workload == want->workload);
}

static bool workload_matches(const void *event, const struct want *want)
{
	const struct event_workload *workload = event;

	return (!want->tgid || workload->tgid == want->tgid) &&
		(!want->workload || workload->workload == want->workload);
}

static bool exit_matches(const void *event, const struct want *want)
{
	return ((const struct event_exit *)event)->tgid == want->tgid;
}

static const void *await(struct rig *rig, const void *events, const size_t *count, size_t size,
	bool (*matches)(const void *, const struct want *), const struct want *want)
{
	struct instant end = instant_add(instant_now(), PATIENCE);

	do {
		for (size_t i = *count; i > 0; i--) {
			const char *event = (const char *)events + (i - 1) * size;

			if (matches(event, want))
				return event;
		}
	} while (turn(rig, end));
	return NULL;
}

const struct event_socket *rig_listen(struct rig *rig, const struct want *want)
{
	return await(
		rig, rig->listens, &rig->listen_count, sizeof(*rig->listens), socket_matches, want);
}

const struct event_socket *rig_unlisten(struct rig *rig, const struct want *want)
{
	return await(rig, rig->unlistens, &rig->unlisten_count, sizeof(*rig->unlistens),
		socket_matches, want);
}

const struct event_edge *rig_edge(struct rig *rig, const struct want *want)
{
	return await(rig, rig->edges, &rig->edge_count, sizeof(*rig->edges), edge_matches, want);
}

const struct event_workload *rig_workload(struct rig *rig, const struct want *want)
{
	return await(rig, rig->workloads, &rig->workload_count, sizeof(*rig->workloads),
		workload_matches, want);
}

const struct event_exit *rig_exit(struct rig *rig, const struct want *want)
{
	return await(rig, rig->exits, &rig->exit_count, sizeof(*rig->exits), exit_matches, want);
}

void rig_settle(struct rig *rig)
{
	int fd = rig_listener("127.0.0.1", 0);
	const struct event_socket *listen = rig_listen(rig, WANT(.port = rig_port(fd)));

	assert_non_null(listen);
	close(fd);
	assert_non_null(rig_unlisten(rig, WANT(.cookie = listen->cookie)));
}

size_t rig_count_edges(const struct rig *rig, const struct want *want)
{
	size_t count = 0;

	for (size_t i = 0; i < rig->edge_count; i++)
		count += edge_matches(&rig->edges[i], want);
	return count;
}

static void on_row(void *owner, const struct event_row *row, const char *path)
{
	struct rig *rig = owner;

	assert_true(rig->row_count < RIG_EVENTS_MAX);
	rig->rows[rig->row_count] = *row;
	memcpy(rig->paths[rig->row_count], path, row->path_size);
	rig->paths[rig->row_count][row->path_size] = '\0';
	if (row->path_size && !path[0])
		rig->paths[rig->row_count][0] = '@';
	rig->row_count++;
}

void rig_snapshot(struct rig *rig)
{
	rig->row_count = 0;
	assert_int_equal(sensor_snapshot(rig->sensor, on_row, rig), 0);
}

static socklen_t address_of(const char *address, uint16_t port, struct sockaddr_storage *to)
{
	struct addr addr = { .port = port };

	assert_int_equal(addr_parse_ip(address, addr.ip), 0);
	return addr_to_sockaddr(&addr, strchr(address, ':') ? AF_INET6 : AF_INET, to);
}

int rig_socket(int type, const char *address, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t size = address_of(address, port, &to);
	int one = 1, fd = socket(to.ss_family, type, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, size), 0);
	return fd;
}

int rig_listener(const char *address, uint16_t port)
{
	int fd = rig_socket(SOCK_STREAM, address, port);

	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

int rig_reconnect(int fd, const char *address, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t size = address_of(address, port, &to);

	return connect(fd, (struct sockaddr *)&to, size) ? -errno : 0;
}

int rig_connect(int type, const char *address, uint16_t port)
{
	int error, fd = socket(strchr(address, ':') ? AF_INET6 : AF_INET, type, 0);

	assert_true(fd >= 0);
	error = rig_reconnect(fd, address, port);
	if (!error)
		return fd;
	close(fd);
	return error;
}

uint16_t rig_port(int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	struct addr addr;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(addr_from_sockaddr(&at, &addr), 0);
	return addr.port;
}

const char *rig_ip(const uint8_t address[16])
{
	static char texts[3][ADDR_TEXT_SIZE];
	static unsigned int next;
	char *text = texts[next++ % 3];

	addr_ip_text(address, text);
	return text;
}
