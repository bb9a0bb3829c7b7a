// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_ring.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cma/hub_state.h"
#include "cma/hub_wake.h"
#include "cma/retry.h"

struct pending_list {
	struct table_link by_id;
	struct retry retry;
	struct peer *peer;
	struct record_ring list; /* its edges are owned */
};

enum { HELD_PAUSE_S = 1 };

/* What one agent said last. Given out, it stays for the pause: what comes meanwhile has to wait. */
struct said {
	struct table_link by_id;
	TAILQ_ENTRY(said) next;
	struct hub_held held;
	struct instant until; /* of the pause */
	bool news;	      /* not given out */
};

TAILQ_HEAD(saids, said);

struct hub_rings {
	struct table by_id;
	struct retries retries;
	struct table said_by_id;
	struct saids due, resting; /* resting: until the end of the pause, in its order */
};

struct hub_rings *hub_rings_new(void)
{
	struct hub_rings *rings = mem_alloc(1, sizeof(*rings));

	retry_init(&rings->retries);
	TAILQ_INIT(&rings->due);
	TAILQ_INIT(&rings->resting);
	return rings;
}

static void free_edges(struct pending_list *pending)
{
	free((void *)(uintptr_t)pending->list.edges.data);
}

static void drop(struct hub_rings *rings, struct pending_list *pending)
{
	table_remove(&rings->by_id, &pending->by_id);
	retry_remove(&rings->retries, &pending->retry);
	free_edges(pending);
	seal_wipe(pending, sizeof(*pending));
	free(pending);
}

static struct pending_list *first_turn(const struct hub_rings *rings)
{
	struct retry *first = retry_first(&rings->retries);

	return first ? retry_object(first, struct pending_list, retry) : NULL;
}

static void forget_said(struct hub_rings *rings, struct saids *queue, struct said *said)
{
	TAILQ_REMOVE(queue, said, next);
	table_remove(&rings->said_by_id, &said->by_id);
	free(said);
}

/* Whose pause is over is due, or forgotten when there is nothing new of it. */
static void end_pauses(struct hub_rings *rings, struct instant now)
{
	struct said *said;

	while ((said = TAILQ_FIRST(&rings->resting)) != NULL && !instant_before(now, said->until)) {
		if (!said->news) {
			forget_said(rings, &rings->resting, said);
			continue;
		}
		TAILQ_REMOVE(&rings->resting, said, next);
		TAILQ_INSERT_TAIL(&rings->due, said, next);
	}
}

void hub_rings_free(struct hub_rings *rings)
{
	struct pending_list *pending;
	struct said *said;

	while ((pending = first_turn(rings)) != NULL)
		drop(rings, pending);
	while ((said = TAILQ_FIRST(&rings->due)) != NULL)
		forget_said(rings, &rings->due, said);
	while ((said = TAILQ_FIRST(&rings->resting)) != NULL)
		forget_said(rings, &rings->resting, said);
	table_deinit(&rings->said_by_id);
	table_deinit(&rings->by_id);
	free(rings);
}

size_t hub_ring_count(const struct hub *hub)
{
	return hub->rings->by_id.count;
}

bool hub_ring_take(struct hub *hub, struct instant now, struct hub_held *held)
{
	struct hub_rings *rings = hub->rings;
	struct said *said;

	end_pauses(rings, now);
	said = TAILQ_FIRST(&rings->due);
	if (!said)
		return false;
	*held = said->held;
	said->news = false;
	said->until = instant_add(now, HELD_PAUSE_S * NS_PER_SEC);
	TAILQ_REMOVE(&rings->due, said, next);
	TAILQ_INSERT_TAIL(&rings->resting, said, next);
	return true;
}

static struct pending_list *find(const struct hub *hub, uint64_t id)
{
	struct table_link *link = table_find(&hub->rings->by_id, id);

	return link ? table_object(link, struct pending_list, by_id) : NULL;
}

static void make_due(struct hub *hub, struct pending_list *pending)
{
	retry_move(&hub->rings->retries, &pending->retry, 0, (struct instant){ 0 });
}

int hub_ring_tell(struct hub *hub, struct instant now, uint64_t id, const struct record_ring *list)
{
	struct pending_list *pending = find(hub, id);
	struct peer *peer = hub_find_id(hub, id);

	if (!peer || peer->known.revoked)
		return -ENOENT;
	if (pending) {
		free_edges(pending);
		make_due(hub, pending);
	} else {
		pending = mem_alloc(1, sizeof(*pending));
		pending->peer = peer;
		table_insert(&hub->rings->by_id, &pending->by_id, id);
		retry_add(&hub->rings->retries, &pending->retry, now);
	}
	pending->list = *list;
	pending->list.edges.data = mem_copy(list->edges.data, list->edges.size);
	return 0;
}

void hub_ring_here(struct hub *hub, const struct peer *peer)
{
	struct pending_list *pending = find(hub, peer->known.id);

	if (pending)
		make_due(hub, pending);
}

static struct said *said_of(struct hub_rings *rings, uint64_t id)
{
	struct table_link *link = table_find(&rings->said_by_id, id);
	struct said *said;

	if (link)
		return table_object(link, struct said, by_id);
	said = mem_alloc(1, sizeof(*said));
	table_insert(&rings->said_by_id, &said->by_id, id);
	TAILQ_INSERT_TAIL(&rings->due, said, next);
	return said;
}

void hub_ring_heard(struct hub *hub, const struct peer *peer, const struct record_held *held)
{
	struct pending_list *pending = find(hub, peer->known.id);
	struct said *said = said_of(hub->rings, peer->known.id);
	bool answers = pending && pending->list.version == held->version;
	bool often = said->news || said->until.ns;

	said->held = (struct hub_held){
		.id = peer->known.id,
		.held = *held,
		.from = peer->channel->address,
		.answers = answers,
	};
	said->news = true;
	if (answers)
		drop(hub->rings, pending);
	else if (pending && !often)
		make_due(hub, pending);
}

void hub_ring_forget(struct hub *hub, const struct peer *peer)
{
	struct pending_list *pending = find(hub, peer->known.id);

	if (pending)
		drop(hub->rings, pending);
}

/* Into the session; or, when there is none or it is used up, what makes the agent call. */
static size_t send_list(
	struct hub *hub, const struct pending_list *pending, struct addr *to, uint8_t *datagram)
{
	struct channel *channel = pending->peer->channel;
	const struct record record = { .kind = RECORD_RING, .ring = pending->list };
	uint8_t memory[PACKET_DATA_MAX];
	struct writer plain = writer_over(memory, sizeof(memory));
	struct writer sealed = writer_over(datagram, PACKET_MAX);

	if (channel && channel->left)
		return 0; /* nobody would hear it */
	if (channel) {
		record_encode(&plain, &record);
		*to = channel->address;
		if (session_seal(&channel->session, writer_span(&plain), &sealed))
			sealed.size = 0;
	}
	return sealed.size ? sealed.size : hub_wake_call(hub, pending->peer, to, datagram);
}

size_t hub_ring_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX])
{
	struct hub_rings *rings = hub->rings;
	struct pending_list *pending;
	size_t size = 0;

	end_pauses(rings, now);
	while (!size && (pending = first_turn(rings)) != NULL &&
		!instant_before(now, pending->retry.at)) {
		size_t step = retry_next_step(&pending->retry);

		size = send_list(hub, pending, to, datagram);
		retry_move(&rings->retries, &pending->retry, step, retry_due(now, step));
	}
	return size;
}

struct instant hub_ring_deadline(const struct hub *hub)
{
	const struct pending_list *first = first_turn(hub->rings);
	const struct said *resting = TAILQ_FIRST(&hub->rings->resting);
	struct instant at = first ? first->retry.at : INSTANT_NEVER;

	if (!TAILQ_EMPTY(&hub->rings->due))
		return (struct instant){ 0 };
	return resting ? instant_first(at, resting->until) : at;
}
