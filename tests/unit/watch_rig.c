// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/watch_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/naming.h"
#include "base/addr.h"
#include "base/alloc.h"

/* arguments: what follows the name, or NULL. */
static struct process describe(const char *exe, const char *arguments)
{
	const char *base = strrchr(exe, '/') + 1;
	size_t size = strlen(base) + 1;
	struct process process = { .exe = text_copy(exe), .netns = OWN };

	process.cmdline_size = (uint32_t)(size + (arguments ? strlen(arguments) + 1 : 0));
	process.cmdline = mem_alloc(1, process.cmdline_size);
	memcpy(process.cmdline, base, size);
	if (arguments)
		strcpy(process.cmdline + size, arguments);
	return process;
}

static int fake_read(void *user, uint32_t tgid, uint64_t start, struct process *process)
{
	const struct watch_rig *f = user;

	(void)start;
	if (tgid >= 64 || !f->exe[tgid])
		return -ESRCH;
	*process = describe(f->exe[tgid], f->arguments[tgid]);
	process->uid = 33;
	return 0;
}

static void fake_captured(void *user, const struct event_workload *event, struct process *process)
{
	(void)user;
	*process = describe(event->path, NULL);
	process->uid = event->uid;
	process->transient = true;
}

static void fake_netns(void *user, uint32_t inode, char *to)
{
	(void)user;
	snprintf(to, NAMING_NETNS_SIZE, inode == OTHER ? "blue" : "%u", inode);
}

int watch_rig_set_up_with(void **state, struct watch_config config)
{
	struct watch_rig *f = mem_alloc(1, sizeof(*f));
	struct watch_source source = {
		.read = fake_read, .captured = fake_captured, .netns = fake_netns, .user = f
	};

	config.own_netns = OWN;
	f->watch = watch_new(&config, &source);
	*state = f;
	return 0;
}

int watch_rig_set_up(void **state)
{
	return watch_rig_set_up_with(state, (struct watch_config){ .hold = true, .peers_max = 4 });
}

void watch_rig_forget(struct watch_rig *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->told[i].id);
		free(f->told[i].value);
	}
	f->count = 0;
}

int watch_rig_tear_down(void **state)
{
	struct watch_rig *f = *state;

	watch_rig_forget(f);
	watch_free(f->watch);
	free(f);
	return 0;
}

/* Takes what there is to tell; returns how many facts. */
size_t watch_rig_collect(struct watch_rig *f)
{
	size_t before = f->count;
	struct fact fact;

	while (watch_next(f->watch, &fact)) {
		struct told *told = &f->told[f->count++];

		assert_true(f->count < TOLD_MAX);
		told->id = text_format("%s %.*s", section_name(fact.section), (int)fact.key.size,
			(const char *)fact.key.data);
		told->value = fact.value.size
			? text_copy_n((const char *)fact.value.data, fact.value.size)
			: NULL;
	}
	return f->count - before;
}

/* The last value told for an id: NULL when never told or gone. Process hashes are cut off. */
const char *watch_rig_value_of(const struct watch_rig *f, const char *id)
{
	const char *value = NULL;

	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(f->told[i].id, id))
			value = f->told[i].value;
	}
	return value;
}

bool watch_rig_was_told(const struct watch_rig *f, const char *id)
{
	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(f->told[i].id, id))
			return true;
	}
	return false;
}

/* The name of the process that a tgid has, or had when it was gone too soon. */
const char *watch_rig_name_of(const char *exe, bool transient, char *to)
{
	struct process process = describe(exe, NULL);

	process.uid = transient ? 0 : 33;
	naming_process(&process, "", to);
	process_free(&process);
	return to;
}

const char *watch_rig_id(
	char *to, size_t size, const char *format, const char *exe, const char *arguments)
{
	struct process process = describe(exe, arguments);
	const char *at = strchr(format, '%');
	char name[NAMING_PROCESS_SIZE];

	process.uid = 33;
	naming_process(&process, "", name);
	process_free(&process);
	snprintf(to, size, "%.*s%s%s", (int)(at - format), format, name, at + 1);
	return to;
}

void watch_rig_set_ip(uint8_t ip[16], const char *text)
{
	assert_int_equal(addr_parse_ip(text, ip), 0);
}

struct event_socket watch_rig_socket_event(
	uint32_t tgid, uint64_t cookie, const char *ip, uint16_t port)
{
	struct event_socket event = { .kind = EVENT_LISTEN,
		.tgid = tgid,
		.workload = tgid,
		.start = tgid,
		.cookie = cookie,
		.netns = OWN,
		.port = port,
		.protocol = IPPROTO_TCP,
		.flags = SOCKET_BOUND };

	watch_rig_set_ip(event.addr, ip);
	return event;
}

void watch_rig_listens(struct watch_rig *f, struct instant now, uint32_t tgid, uint64_t cookie,
	const char *ip, uint16_t port)
{
	struct event_socket event = watch_rig_socket_event(tgid, cookie, ip, port);

	watch_listen(f->watch, now, &event);
}

void watch_rig_unlistens(struct watch_rig *f, struct instant now, uint64_t cookie)
{
	struct event_socket event = { .kind = EVENT_UNLISTEN, .cookie = cookie };

	watch_unlisten(f->watch, now, &event);
}

void watch_rig_appears(
	struct watch_rig *f, struct instant now, uint32_t tgid, uint64_t workload, const char *exe)
{
	struct event_workload event = { .kind = EVENT_WORKLOAD,
		.tgid = tgid,
		.start = tgid,
		.workload = workload,
		.netns = OWN };

	strcpy(event.path, exe);
	event.path_size = (uint16_t)strlen(exe);
	watch_workload(f->watch, now, &event);
}

void watch_rig_ends(struct watch_rig *f, struct instant now, uint32_t tgid)
{
	struct event_exit event = { .kind = EVENT_EXIT, .tgid = tgid, .start = tgid };

	f->exe[tgid] = NULL;
	watch_exit(f->watch, now, &event);
}

void watch_rig_connects(struct watch_rig *f, struct instant now, uint64_t workload, const char *ip,
	uint16_t port, uint32_t outcome)
{
	struct event_edge event = { .kind = EVENT_EDGE,
		.outcome = outcome,
		.key = { .workload = workload,
			.netns = OWN,
			.port = port,
			.protocol = IPPROTO_TCP,
			.role = EDGE_CLIENT } };

	watch_rig_set_ip(event.key.peer, ip);
	watch_edge(f->watch, now, &event);
}

void watch_rig_accepts(
	struct watch_rig *f, struct instant now, const char *ip, uint16_t port, const char *peer)
{
	struct event_edge event = {
		.kind = EVENT_EDGE,
		.key = { .netns = OWN, .port = port, .protocol = IPPROTO_TCP, .role = EDGE_SERVER }
	};

	watch_rig_set_ip(event.key.local, ip);
	watch_rig_set_ip(event.key.peer, peer);
	watch_edge(f->watch, now, &event);
}

struct event_row watch_rig_listen_row(uint32_t tgid, uint64_t cookie, const char *ip, uint16_t port)
{
	struct event_row row = { .cookie = cookie,
		.start = tgid,
		.netns = OWN,
		.tgid = tgid,
		.local_port = port,
		.protocol = IPPROTO_TCP,
		.family = AF_INET,
		.type = SOCK_STREAM,
		.state = TCP_LISTEN };

	watch_rig_set_ip(row.local, ip);
	return row;
}

struct event_row watch_rig_connection_row(uint32_t tgid, const char *ip, uint16_t port,
	const char *peer, uint16_t peer_port, uint8_t flags)
{
	struct event_row row = watch_rig_listen_row(tgid, 1000 + port + peer_port, ip, port);

	watch_rig_set_ip(row.peer, peer);
	row.peer_port = peer_port;
	row.state = TCP_ESTABLISHED;
	row.flags = flags;
	return row;
}

void watch_rig_snapshot(
	struct watch_rig *f, struct instant now, const struct event_row *rows, size_t count)
{
	watch_snapshot_begin(f->watch, now, BOOT);
	for (size_t i = 0; i < count; i++)
		watch_row(f->watch, now, &rows[i], "");
	watch_snapshot_end(f->watch, now, true);
}
