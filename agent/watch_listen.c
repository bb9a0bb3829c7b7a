// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_listen.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "agent/watch_state.h"
#include "base/addr.h"
#include "base/json.h"
#include "base/text.h"

enum { UNPRIVILEGED = 1024 };

static void add_holder(struct watch *watch, struct sock *sock, struct task *task)
{
	struct holder *holder;

	task->generation = watch->generation;
	for (uint32_t i = 0; i < sock->holder_count; i++) {
		holder = &sock->holders[i];
		if (holder->task == task) {
			holder->generation = watch->generation;
			return;
		}
	}
	sock->holders = mem_resize(sock->holders, sock->holder_count + 1, sizeof(*holder));
	sock->holders[sock->holder_count++] =
		(struct holder){ .task = task, .generation = watch->generation };
	task->refs++;
}

static void remove_holder(struct sock *sock, uint32_t index)
{
	sock->holders[index].task->refs--;
	sock->holders[index] = sock->holders[--sock->holder_count];
}

static uint32_t count_holders(const struct listen *listen)
{
	const struct sock *sock;
	uint32_t count = 0;

	TAILQ_FOREACH (sock, &listen->socks, next)
		count += sock->holder_count;
	return count;
}

/*
 * The first process that made a socket for others: they run something else, or nobody has it yet
 * and it is one that does such things. (A prefork server may be the first process of a container.)
 */
static bool is_activator(const struct program *first, struct program *const *others, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (others[i]->exe != first->exe)
			return true;
	}
	return !count && first->manager;
}

/* Whose address it is: all who hold it, but not who made it for them. */
static struct owners *find_owners(struct watch *watch, struct listen *listen)
{
	struct program **programs autofree =
		mem_alloc(count_holders(listen) + 1, sizeof(programs[0]));
	struct program *first = NULL;
	const struct sock *sock;
	uint32_t count = 0;

	TAILQ_FOREACH (sock, &listen->socks, next) {
		for (uint32_t i = 0; i < sock->holder_count; i++) {
			const struct task *task = sock->holders[i].task;

			if (task->key.tgid == 1)
				first = task->program;
			else
				programs[count++] = task->program;
		}
	}
	sock = TAILQ_FIRST(&listen->socks);
	listen->activated = first && is_activator(first, programs, count);
	/* What systemd has for itself alone is below its own directory. */
	if (!count && sock->path && !strncmp(sock->path, "/run/systemd/", 13))
		listen->activated = false;
	if (first && (!count || !listen->activated))
		programs[count++] = first;
	return owners_new(watch, programs, count);
}

static void listen_refresh(struct watch *watch, struct listen *listen)
{
	struct owners *owners = find_owners(watch, listen), *before = listen->owners;
	const struct sock *sock;

	listen->dual = false;
	TAILQ_FOREACH (sock, &listen->socks, next)
		listen->dual |= sock->dual;
	thing_touch(watch, &listen->thing);
	if (before && owners_equal(owners, before)) {
		owners_put(watch, owners);
		return;
	}
	listen->owners = owners;
	inbound_reown(watch, listen);
	owners_put(watch, before);
}

static void sock_key(const struct sock *sock, char *key)
{
	struct addr addr = { .port = sock->place.port };
	char protocol[PLACE_PROTOCOL_SIZE], text[ADDR_TEXT_SIZE];
	const char *netns = sock->place.netns->name;

	memcpy(addr.ip, sock->place.ip, sizeof(addr.ip));
	addr_text(&addr, text);
	place_protocol(sock->place.protocol, protocol);
	snprintf(key, WATCH_KEY_SIZE, "%s %s%s%s", protocol, sock->path ? sock->path : text,
		*netns ? " " : "", netns);
}

/* The socket becomes a part of its address. */
static void sock_join(struct watch *watch, struct sock *sock)
{
	char key[WATCH_KEY_SIZE];
	struct listen *listen;

	sock_key(sock, key);
	listen = (struct listen *)thing_find(watch, SECTION_LISTEN, key);
	if (listen) {
		TAILQ_INSERT_TAIL(&listen->socks, sock, next);
		sock->listen = listen;
		listen_refresh(watch, listen);
		return;
	}
	listen = thing_new(watch, SECTION_LISTEN, key, sizeof(*listen));
	TAILQ_INIT(&listen->socks);
	LIST_INIT(&listen->inbound);
	TAILQ_INSERT_TAIL(&listen->socks, sock, next);
	sock->listen = listen;
	listen_refresh(watch, listen);
	inbound_attach(watch, listen);
}

static void sock_leave(struct watch *watch, struct sock *sock)
{
	struct listen *listen = sock->listen;

	if (!listen)
		return;
	sock->listen = NULL;
	TAILQ_REMOVE(&listen->socks, sock, next);
	if (!TAILQ_EMPTY(&listen->socks)) {
		listen_refresh(watch, listen);
		return;
	}
	inbound_detach(watch, listen);
	owners_put(watch, listen->owners);
	thing_drop(watch, &listen->thing);
}

static bool is_held(const struct sock *sock)
{
	return !sock->listen && sock->until.ns;
}

static void sock_free(struct watch *watch, struct sock *sock)
{
	if (is_held(sock))
		TAILQ_REMOVE(&watch->held, sock, next);
	sock_leave(watch, sock);
	while (sock->holder_count)
		remove_holder(sock, 0);
	netns_put(watch, sock->place.netns);
	program_put(watch, sock->starter);
	HASH_DELETE(hh, watch->socks, sock);
	free(sock->holders);
	free(sock->path);
	free(sock);
}

static struct sock *sock_find(const struct watch *watch, uint64_t cookie)
{
	struct sock *sock;

	HASH_FIND(hh, watch->socks, &cookie, sizeof(cookie), sock);
	return sock;
}

static struct sock *sock_new(struct watch *watch, uint64_t cookie, uint32_t netns)
{
	struct sock *sock = mem_alloc(1, sizeof(*sock));

	sock->cookie = cookie;
	sock->place.netns = netns_get(watch, netns);
	sock->generation = watch->generation;
	HASH_ADD(hh, watch->socks, cookie, sizeof(cookie), sock);
	return sock;
}

/* New holders show only in a snapshot: of a prefork server they come right behind the first. */
static void look_again(struct watch *watch, struct instant now)
{
	watch_ask_snapshot(watch, instant_add(now, NS_PER_SEC));
}

void watch_listen(struct watch *watch, struct instant now, const struct event_socket *event)
{
	struct sock *sock = sock_find(watch, event->cookie);
	struct task *task = workload_task(watch, now, event);

	if (!event->port || !task)
		watch_ask_snapshot(watch, instant_add(now, NS_PER_SEC / 10));
	if (!event->port)
		return;
	if (sock &&
		(sock->place.port != event->port ||
			memcmp(sock->place.ip, event->addr, sizeof(event->addr)))) {
		sock_free(watch, sock); /* closed and opened again as another */
		sock = NULL;
	}
	if (!sock)
		sock = sock_new(watch, event->cookie, event->netns);
	memcpy(sock->place.ip, event->addr, sizeof(sock->place.ip));
	sock->place.port = event->port;
	sock->place.protocol = event->protocol;
	sock->dual = event->flags & SOCKET_DUAL;
	sock->misses = 0;
	if (task)
		add_holder(watch, sock, task);
	if (sock->listen) {
		listen_refresh(watch, sock->listen);
	} else if (watch->config.hold && event->protocol == IPPROTO_UDP &&
		event->port >= UNPRIVILEGED) {
		if (is_held(sock))
			return;
		sock->until = instant_add(now, WATCH_HOLD_S * NS_PER_SEC);
		TAILQ_INSERT_TAIL(&watch->held, sock, next);
	} else {
		sock_join(watch, sock);
		look_again(watch, now);
	}
}

void watch_unlisten(struct watch *watch, struct instant now, const struct event_socket *event)
{
	struct sock *sock = sock_find(watch, event->cookie);

	(void)now;
	if (sock)
		sock_free(watch, sock);
}

void listen_tick(struct watch *watch, struct instant now)
{
	struct sock *first;

	while ((first = TAILQ_FIRST(&watch->held)) && !instant_before(now, first->until)) {
		TAILQ_REMOVE(&watch->held, first, next);
		first->until.ns = 0;
		sock_join(watch, first);
		look_again(watch, now);
	}
}

/* A path as a key: an abstract name starts with '@'; what is no text is replaced. */
static char *unix_text(struct span path)
{
	char *text;

	if (path.data[0]) /* a path may bring its NUL; in an abstract name a NUL is a byte */
		path.size = strnlen((const char *)path.data, path.size);
	text = text_copy_n((const char *)path.data, path.size);
	for (size_t i = 0; i < path.size; i++) {
		if (!text[i])
			text[i] = '@';
		else if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	}
	for (size_t at = 0; at < path.size;) {
		size_t good = text_utf8_prefix(SPAN(text + at, path.size - at));

		at += good;
		if (at < path.size)
			text[at++] = '?';
	}
	return text;
}

/* A process that ends can be read no more, then loses its descriptors, then its sockets go: to see
 * such a socket once says nothing. */
static bool is_closing(const struct sock *sock)
{
	return sock->listen && !sock->unheld && !sock->misses;
}

void listen_row(
	struct watch *watch, struct instant now, const struct event_row *row, const char *path)
{
	struct sock *sock = sock_find(watch, row->cookie);
	struct task *task = row->start > watch->fresh_after
		? task_read_young(watch, now, row->tgid, row->start)
		: task_read(watch, row->tgid, row->start);

	if (!sock) {
		sock = sock_new(watch, row->cookie, row->netns);
		memcpy(sock->place.ip, row->local, sizeof(sock->place.ip));
		sock->place.port = row->local_port;
		sock->place.protocol = row->path_size ? 0 : (uint8_t)row->protocol;
		sock->dual = row->flags & SOCKET_DUAL;
		if (row->path_size)
			sock->path = unix_text(SPAN(path, row->path_size));
	}
	sock->generation = watch->generation;
	if (!task && is_closing(sock)) {
		sock->misses++;
		return;
	}
	sock->misses = 0;
	sock->unheld = !row->tgid;
	if (!task)
		return;
	task_unfold(watch, task);
	add_holder(watch, sock, task);
}

/* A daemon that went into the background: its child has another title. */
static void inherit(struct watch *watch, struct sock *sock)
{
	struct program *starter = sock->starter;

	for (uint32_t i = 0; starter && i < sock->holder_count; i++) {
		struct program *program = sock->holders[i].task->program;

		if (program->kin != starter->kin)
			continue;
		rename_learn(watch, starter, program);
		break;
	}
	program_put(watch, starter);
	sock->starter = NULL;
}

static void sweep_holders(struct watch *watch, struct sock *sock)
{
	for (uint32_t i = sock->holder_count; i--;) {
		if (sock->holders[i].generation != watch->generation)
			remove_holder(sock, i);
	}
}

/* True when it is gone: missed twice, or once when everybody who had it has ended. */
static bool sock_missed(struct watch *watch, struct instant now, struct sock *sock)
{
	sock->misses++;
	if (!sock->holder_count || sock->misses >= WATCH_MISSES)
		return true;
	watch_ask_snapshot(watch, now); /* to be sure soon */
	return false;
}

void listen_sweep(struct watch *watch, struct instant now, bool whole)
{
	struct sock *sock, *next;

	HASH_ITER (hh, watch->socks, sock, next) {
		bool found = sock->generation == watch->generation;

		if (whole && !found && sock_missed(watch, now, sock)) {
			sock_free(watch, sock);
			continue;
		}
		if (found && sock->misses) {
			watch_ask_snapshot(watch, now); /* to be sure soon */
			continue;
		}
		if (whole && found) {
			if (!sock->unheld) /* else who opened it has it for as long as it runs */
				sweep_holders(watch, sock);
			inherit(watch, sock);
		}
		if (sock->listen)
			listen_refresh(watch, sock->listen);
		else if (!is_held(sock))
			sock_join(watch, sock);
	}
}

void listen_task_gone(struct watch *watch, struct instant now, struct task *task)
{
	struct sock *sock, *next;

	HASH_ITER (hh, watch->socks, sock, next) {
		uint32_t before = sock->holder_count;

		if (!task->refs)
			break;
		for (uint32_t i = sock->holder_count; i--;) {
			if (sock->holders[i].task == task)
				remove_holder(sock, i);
		}
		if (sock->holder_count == before)
			continue;
		if (task->look_at.ns && !task->assumed && !sock->starter)
			sock->starter = program_hold(task->program);
		if (sock->holder_count && sock->listen)
			listen_refresh(watch, sock->listen);
		if (sock->holder_count)
			continue;
		sock->unheld = false, sock->misses = 0;
		watch_ask_snapshot(watch, now); /* it ends too, or somebody else has it */
	}
	task_free(watch, task);
}

void listen_task_changed(struct watch *watch, const struct task *task)
{
	struct sock *sock, *next;

	HASH_ITER (hh, watch->socks, sock, next) {
		for (uint32_t i = 0; i < sock->holder_count && sock->listen; i++) {
			if (sock->holders[i].task == task)
				listen_refresh(watch, sock->listen);
		}
	}
}

struct listen *listen_match(struct watch *watch, const struct place *place)
{
	static const uint8_t any4[16] = { [10] = 0xff, [11] = 0xff }, any6[16];
	const uint8_t *const tries[] = { place->ip, any4, any6 };
	struct sock wanted = { .place = *place };
	bool v6 = !addr_is_v4(place->ip) && !addr_is_any(place->ip);

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		char key[WATCH_KEY_SIZE];
		struct listen *listen;

		if (v6 && tries[i] == any4)
			continue;
		memcpy(wanted.place.ip, tries[i], sizeof(wanted.place.ip));
		sock_key(&wanted, key);
		listen = (struct listen *)thing_find(watch, SECTION_LISTEN, key);
		if (listen && (v6 || tries[i] != any6 || listen->dual || place->ip == tries[i]))
			return listen;
	}
	return NULL;
}

json_t *listen_json(const struct listen *listen)
{
	const struct sock *sock = TAILQ_FIRST(&listen->socks);
	json_t *value = json_object();

	place_to_json(&sock->place, true, value);
	if (sock->path)
		json_set_text(value, "addr", sock->path);
	owners_to_json(listen->owners, value);
	if (sock->unheld && !json_object_get(value, "process"))
		json_object_set_new(value, "process", json_array());
	if (listen->dual)
		json_object_set_new(value, "dual", json_true());
	if (listen->activated)
		json_object_set_new(value, "activated", json_true());
	return value;
}

void listen_free_all(struct watch *watch)
{
	struct sock *sock, *next;

	HASH_ITER (hh, watch->socks, sock, next)
		sock_free(watch, sock);
}
