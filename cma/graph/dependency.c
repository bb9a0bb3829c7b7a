// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/dependency.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cma/graph/db.h"

#define uthash_fatal(message) mem_exhausted()
#include <uthash.h>

struct seen {
	int64_t id;
	UT_hash_handle hh;
};

/* A process from which to go on. */
struct waiting {
	int64_t process;
	size_t name;
	size_t host;
	int hops;
};

/* A step's row while it becomes one of ours. */
struct meeting {
	size_t from; /* in the queue */
	int64_t endpoint;
	int64_t owner; /* of the endpoint */
	int64_t since;
	int64_t peer;
	int64_t peer_host;
	size_t name;
	size_t peer_name;
	size_t peer_host_name;
	bool shared;	/* several cards have the endpoint's address */
	bool elsewhere; /* the client meant another host's server; see keep_own */
};

struct dependency_work {
	struct seen *seen; /* processes and, with through_host, hosts */
	struct waiting *queue;
	size_t queue_count;
	size_t queue_room;
	struct meeting *meetings; /* of processes that are equally far */
	size_t meeting_count;
	size_t meeting_room;
	size_t row_room;
	struct writer text; /* all names, each with its NUL; 0 is no name */
};

/* Room for one more. */
static void *grown(void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room ? 2 * *room : 32;
	return mem_resize(items, *room, size);
}

static size_t keep(struct dependency *d, sqlite3_stmt *s, int column)
{
	const char *text = db_string(s, column);
	size_t at = d->work->text.size;

	if (text)
		put_bytes(&d->work->text, text, (size_t)sqlite3_column_bytes(s, column) + 1);
	return text ? at : 0;
}

const char *dependency_text(const struct dependency *d, size_t name)
{
	return name ? (const char *)d->work->text.data + name : NULL;
}

static sqlite3_stmt *bind(struct dependency *d, enum dependency_step which, int64_t from)
{
	sqlite3_stmt *s = d->steps[which];

	sqlite3_bind_int64(s, 1, from);
	sqlite3_bind_int64(s, 2, d->as_of);
	return s;
}

/* How a statement ended: SQLITE_OK when it came to its end. */
static int finish(sqlite3_stmt *s, int code)
{
	int failed = sqlite3_reset(s);

	return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : failed;
}

/* ---- the queue ---- */

/* True the first time. */
static bool see(struct dependency *d, int64_t id)
{
	struct seen *seen;

	HASH_FIND(hh, d->work->seen, &id, sizeof(id), seen);
	if (seen)
		return false;
	seen = mem_alloc(1, sizeof(*seen));
	seen->id = id;
	HASH_ADD(hh, d->work->seen, id, sizeof(seen->id), seen);
	return true;
}

static void enqueue(struct dependency *d, struct waiting next)
{
	if (!see(d, next.process))
		return;
	d->work->queue = grown(d->work->queue, d->work->queue_count, &d->work->queue_room,
		sizeof(*d->work->queue));
	d->work->queue[d->work->queue_count++] = next;
}

/* A process by its id, or all processes of a host. */
static int enqueue_node(struct dependency *d, enum dependency_step which, int64_t id, int hops)
{
	sqlite3_stmt *s;
	int code;

	if (which == DEPENDENCY_PROCESSES && !see(d, id))
		return SQLITE_OK;
	s = bind(d, which, id);
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		enqueue(d,
			(struct waiting){ .process = sqlite3_column_int64(s, 0),
				.name = keep(d, s, 1),
				.host = keep(d, s, 2),
				.hops = hops });
	return finish(s, code);
}

static int go_on(struct dependency *d, const struct meeting *m)
{
	int hops = d->work->queue[m->from].hops + 1;
	int code = SQLITE_OK;

	if (hops > d->depth)
		return SQLITE_OK;
	if (d->through_host)
		code = enqueue_node(d, DEPENDENCY_PROCESSES, m->peer_host, hops);
	enqueue(d, (struct waiting){ m->peer, m->peer_name, m->peer_host_name, hops });
	return code;
}

/* ---- rows ---- */

static void add_row(struct dependency *d, const struct meeting *m)
{
	const struct waiting *from = &d->work->queue[m->from];

	d->rows = grown(d->rows, d->count, &d->work->row_room, sizeof(*d->rows));
	d->rows[d->count++] = (struct dependency_row){
		.process = from->process,
		.endpoint = m->endpoint,
		.peer = m->peer,
		.address = m->peer ? 0 : m->owner,
		.since = m->since,
		.hops = from->hops,
		.names = { from->host, from->name, m->name, m->peer_host_name, m->peer_name },
	};
}

static bool is_same_endpoint(const struct meeting *a, const struct meeting *b)
{
	return a->from == b->from && a->endpoint == b->endpoint;
}

static int compare_meetings(const void *a_pointer, const void *b_pointer)
{
	const struct meeting *a = a_pointer, *b = b_pointer;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->endpoint != b->endpoint)
		return a->endpoint < b->endpoint ? -1 : 1;
	if (a->peer != b->peer)
		return a->peer < b->peer ? -1 : 1;
	return (a->since > b->since) - (a->since < b->since);
}

/* Each meeting once, however many facts tell of it, with the earliest since. */
static void meetings_settle(struct dependency_work *work)
{
	struct meeting *m = work->meetings;
	size_t kept = 0;

	if (work->meeting_count > 1)
		qsort(m, work->meeting_count, sizeof(*m), compare_meetings);
	for (size_t i = 0; i < work->meeting_count; i++)
		if (!kept || !is_same_endpoint(&m[kept - 1], &m[i]) ||
			m[kept - 1].peer != m[i].peer)
			m[kept++] = m[i];
	work->meeting_count = kept;
}

static void queue_text(const struct dependency_work *work, size_t first, struct writer *to)
{
	for (size_t i = first; i < work->queue_count; i++) {
		char number[24], *end = number + sizeof(number), *at = end;

		for (int64_t id = work->queue[i].process; id; id /= 10)
			*--at = (char)('0' + id % 10);
		*--at = i == first ? '[' : ',';
		put_bytes(to, at, (size_t)(end - at));
	}
	put_u8(to, ']');
}

/* Whom those in the queue from first on meet. */
static int meet(struct dependency *d, size_t first, bool down)
{
	struct writer text cleanup(writer_free) = writer_growing(SIZE_MAX / 2);
	struct dependency_work *work = d->work;
	sqlite3_stmt *s = bind(d, down ? DEPENDENCY_DOWN : DEPENDENCY_UP, 0);
	int code;

	queue_text(work, first, &text);
	sqlite3_bind_text64(
		s, 1, (const char *)text.data, text.size, SQLITE_TRANSIENT, SQLITE_UTF8);
	work->meeting_count = 0;
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		work->meetings = grown(work->meetings, work->meeting_count, &work->meeting_room,
			sizeof(*work->meetings));
		work->meetings[work->meeting_count++] = (struct meeting){
			.from = first + (size_t)sqlite3_column_int64(s, 0),
			.endpoint = sqlite3_column_int64(s, 1),
			.name = keep(d, s, 2),
			.owner = sqlite3_column_int64(s, 3),
			.since = sqlite3_column_int64(s, 4),
			.peer = sqlite3_column_int64(s, 5),
			.peer_name = keep(d, s, 6),
			.peer_host = sqlite3_column_int64(s, 7),
			.peer_host_name = keep(d, s, 8),
			.shared = sqlite3_column_int(s, 9),
		};
	}
	meetings_settle(work);
	return finish(s, code);
}

/* Who has an address, else its name; *told: one of those at first's endpoint runs there. */
static size_t address_name(
	struct dependency *d, int64_t address, size_t first, bool *told, int *code)
{
	const struct dependency_work *work = d->work;
	sqlite3_stmt *s = bind(d, DEPENDENCY_HOLDERS, address);
	size_t name = 0;

	*told = false;
	while ((*code = sqlite3_step(s)) == SQLITE_ROW) {
		const struct meeting *m = &work->meetings[first];

		name = name ? name : keep(d, s, 1);
		for (; m < work->meetings + work->meeting_count &&
			is_same_endpoint(m, &work->meetings[first]);
			m++)
			*told = *told || m->peer_host == sqlite3_column_int64(s, 0);
	}
	*code = finish(s, *code);
	if (name || *code != SQLITE_OK)
		return name;
	s = bind(d, DEPENDENCY_NAME, address);
	*code = sqlite3_step(s);
	name = *code == SQLITE_ROW ? keep(d, s, 1) : 0;
	*code = finish(s, *code);
	return name;
}

static int owner_of(struct dependency *d, int64_t node, int64_t *owner)
{
	sqlite3_stmt *s = bind(d, DEPENDENCY_OWNER, node);
	int code = sqlite3_step(s);

	*owner = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	return finish(s, code);
}

/*
 * Many hosts may have one address, such as docker's 172.17.0.1, and each means its own by it. From
 * the first meeting at an endpoint: a client whose own host has the address, or serves there, meets
 * that host's service and no other; perhaps there is none.
 */
static int keep_own(struct dependency *d, size_t first, bool down)
{
	const struct waiting *from = &d->work->queue[d->work->meetings[first].from];
	struct meeting *m = &d->work->meetings[first];
	struct meeting *end = d->work->meetings + d->work->meeting_count;
	sqlite3_stmt *s;
	int64_t here;
	bool home = false, served = false;
	int code = owner_of(d, from->process, &here);

	if (code != SQLITE_OK)
		return code;
	s = bind(d, DEPENDENCY_HOMES, m->endpoint);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t host = sqlite3_column_int64(s, 0);

		home = home || host == here;
		served = served || (host == here && sqlite3_column_int(s, 1));
		for (struct meeting *at = m; at < end && is_same_endpoint(m, at); at++)
			if (down ? at->peer_host == host && host != here
				 : host == here && at->peer_host != here)
				at->elsewhere = true;
	}
	if (!down && home && !served) {
		m->elsewhere = false;
		m->peer = 0;
		m->peer_name = 0;
		m->peer_host_name = from->host;
	}
	return finish(s, code);
}

/* Going up: whether several hosts may be meant. */
static bool is_ambiguous(const struct dependency *d, size_t first)
{
	const struct meeting *m = &d->work->meetings[first];
	const struct meeting *end = d->work->meetings + d->work->meeting_count;

	for (const struct meeting *at = m; at < end && is_same_endpoint(m, at); at++)
		if (at->shared || at->peer_host != m->peer_host)
			return true;
	return false;
}

/* Clients of the endpoint of a meeting, the first there, of which only its server tells. */
static int add_callers(struct dependency *d, size_t first)
{
	struct meeting m = d->work->meetings[first];
	sqlite3_stmt *s = bind(d, DEPENDENCY_CALLERS, m.endpoint);
	bool several = m.shared;
	int code, failed = SQLITE_OK;

	sqlite3_bind_int64(s, 3, d->work->queue[m.from].process);
	m.peer = 0;
	m.peer_name = 0;
	while (failed == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
		bool told;

		if (sqlite3_column_int(s, 2)) {
			several = several ||
				sqlite3_column_int64(s, 0) != d->work->queue[m.from].process;
			continue;
		}
		m.owner = sqlite3_column_int64(s, 0);
		m.since = sqlite3_column_int64(s, 1);
		m.peer_host_name = address_name(d, m.owner, first, &told, &failed);
		if (failed == SQLITE_OK && !told)
			add_row(d, &m);
	}
	code = finish(s, failed == SQLITE_OK ? code : SQLITE_DONE);
	if (failed == SQLITE_OK && code == SQLITE_OK && several)
		code = keep_own(d, first, true);
	return failed == SQLITE_OK ? code : failed;
}

/* All in the queue from first on, who are equally far; whom they meet is put behind them. */
static int visit(struct dependency *d, size_t first, bool down)
{
	int code = meet(d, first, down);

	for (size_t i = 0; i < d->work->meeting_count && code == SQLITE_OK; i++) {
		struct meeting *m = &d->work->meetings[i];
		bool told;

		if (!i || !is_same_endpoint(m - 1, m))
			code = down		     ? add_callers(d, i)
				: is_ambiguous(d, i) ? keep_own(d, i, false)
						     : SQLITE_OK;
		if (m->elsewhere)
			continue;
		if (!m->peer && !m->peer_host_name && !down)
			m->peer_host_name = address_name(d, m->owner, i, &told, &code);
		if (code == SQLITE_OK && (m->peer || !down))
			add_row(d, m);
		if (code == SQLITE_OK && m->peer)
			code = go_on(d, m);
	}
	return code;
}

static void forget_seen(struct dependency *d)
{
	struct seen *seen, *next;

	HASH_ITER (hh, d->work->seen, seen, next) {
		HASH_DEL(d->work->seen, seen);
		free(seen);
	}
	d->work->queue_count = 0;
}

static int walk_one_way(struct dependency *d, int64_t start, bool down)
{
	int code;

	code = enqueue_node(d, DEPENDENCY_PROCESSES, start, 1);
	if (code == SQLITE_OK && !d->work->queue_count)
		code = enqueue_node(d, DEPENDENCY_PROCESS, start, 1);
	for (size_t first = 0, next; first < d->work->queue_count && code == SQLITE_OK;
		first = next) {
		next = d->work->queue_count;
		code = visit(d, first, down);
	}
	forget_seen(d);
	return code;
}

/* By hops, then by names, one that is absent before all; then namesakes in a stable order. */
static int compare_rows(const void *a_pointer, const void *b_pointer, void *context)
{
	const struct dependency_row *a = a_pointer, *b = b_pointer;
	int compared = (a->hops > b->hops) - (a->hops < b->hops);

	for (int i = 0; i < DEPENDENCY_NAMES && !compared; i++) {
		const char *x = dependency_text(context, a->names[i]);
		const char *y = dependency_text(context, b->names[i]);

		compared = x && y ? strcmp(x, y) : (x != NULL) - (y != NULL);
	}
	if (!compared)
		compared = (a->process > b->process) - (a->process < b->process);
	return compared ? compared : (a->peer > b->peer) - (a->peer < b->peer);
}

/* Sorted; what a process is to itself, which both ways tell, once. */
static void rows_settle(struct dependency *d)
{
	size_t kept = 0;

	if (d->count)
		qsort_r(d->rows, d->count, sizeof(*d->rows), compare_rows, d);
	for (size_t i = 0; i < d->count; i++)
		if (!kept || d->rows[i].peer != d->rows[i].process ||
			d->rows[i].endpoint != d->rows[kept - 1].endpoint ||
			compare_rows(&d->rows[kept - 1], &d->rows[i], d) != 0)
			d->rows[kept++] = d->rows[i];
	d->count = kept;
}

int dependency_walk(struct dependency *d, int64_t start)
{
	int code = SQLITE_OK;

	if (!d->work) {
		d->work = mem_alloc(1, sizeof(*d->work));
		d->work->text = writer_growing(SIZE_MAX / 2);
	}
	d->count = 0;
	writer_reset(&d->work->text);
	put_u8(&d->work->text, 0);
	if (d->up && d->depth > 0)
		code = walk_one_way(d, start, false);
	if (code == SQLITE_OK && d->down && d->depth > 0)
		code = walk_one_way(d, start, true);
	rows_settle(d);
	return code;
}

void dependency_free(struct dependency *d)
{
	if (d->work) {
		forget_seen(d);
		free(d->work->queue);
		free(d->work->meetings);
		writer_free(&d->work->text);
	}
	free(d->work);
	free(d->rows);
	*d = (struct dependency){ 0 };
}
