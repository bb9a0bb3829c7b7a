// SPDX-License-Identifier: Apache-2.0
#include "wire/sender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "wire/pack.h"

#define TIMEOUT_FIRST  (NS_PER_SEC)
#define TIMEOUT_URGENT (30 * NS_PER_SEC)
#define TIMEOUT_NORMAL (300 * NS_PER_SEC)

enum { WINDOW_MIN = 2, WINDOW_MAX = STREAM_FRAGMENTS_MAX, DEFLATE_LEVEL = 6 };

enum fate {
	FATE_WAITS, /* was never sent */
	FATE_UNDERWAY,
	FATE_LOST,    /* is to be sent again */
	FATE_ARRIVED, /* but may be lost with the receiver's memory */
};

struct piece {
	struct instant sent; /* the last time */
	uint8_t fate;	     /* enum fate */
	bool again;	     /* was sent more than once: useless to measure the round trip */
};

struct outgoing {
	TAILQ_ENTRY(outgoing) next;
	uint64_t first; /* sequence of the first piece */
	uint32_t raw_size;
	uint32_t size;
	uint16_t count;
	uint8_t *bytes; /* behind the pieces */
	struct piece pieces[];
};

struct sender {
	TAILQ_HEAD(outgoings, outgoing) queue;
	enum stream stream;
	size_t messages, bytes;
	uint64_t durable;
	uint64_t floor; /* durable when this session began */
	uint64_t next;	/* sequence of the first that was never sent */
	uint64_t end;	/* sequence that the next message begins with */
	size_t underway, lost;
	uint32_t credit;
	uint32_t window; /* congestion: pieces that may be under way */
	struct instant timer;
	struct instant unanswered;
	unsigned timeouts;  /* since the last progress */
	int64_t round_trip; /* smoothed, ns; 0: not measured yet */
	struct pack *pack;
	void (*random)(void *owner, void *to, size_t size);
	void *owner;
};

static void start_over(struct sender *sender)
{
	sender->durable = 0;
	sender->floor = 0;
	sender->next = 1;
	sender->end = 1;
	sender->underway = 0;
	sender->lost = 0;
	sender->timeouts = 0;
	sender->timer = INSTANT_NEVER;
	sender->unanswered = INSTANT_NEVER;
	sender->credit = STREAM_WINDOW_FIRST;
	sender->window = STREAM_WINDOW_FIRST;
}

struct sender *sender_new(
	enum stream stream, void (*random)(void *owner, void *to, size_t size), void *owner)
{
	struct sender *sender = mem_alloc(1, sizeof(*sender));

	TAILQ_INIT(&sender->queue);
	sender->stream = stream;
	sender->pack = pack_new();
	sender->random = random;
	sender->owner = owner;
	start_over(sender);
	return sender;
}

static void drop_first(struct sender *sender)
{
	struct outgoing *message = TAILQ_FIRST(&sender->queue);

	TAILQ_REMOVE(&sender->queue, message, next);
	sender->messages--;
	sender->bytes -= message->size;
	free(message);
}

void sender_reset(struct sender *sender)
{
	while (!TAILQ_EMPTY(&sender->queue))
		drop_first(sender);
	start_over(sender);
}

void sender_renew(struct sender *sender)
{
	struct outgoing *message;

	start_over(sender);
	TAILQ_FOREACH (message, &sender->queue, next) {
		message->first = sender->end;
		sender->end += message->count;
		memset(message->pieces, 0, message->count * sizeof(struct piece));
	}
}

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	sender_reset(sender);
	pack_free(sender->pack);
	free(sender);
}

void sender_relax(struct sender *sender)
{
	pack_release(sender->pack);
}

static void queue_message(struct sender *sender, struct span bytes, size_t raw_size)
{
	size_t count = (bytes.size + STREAM_FRAGMENT_MAX - 1) / STREAM_FRAGMENT_MAX;
	size_t head = sizeof(struct outgoing) + count * sizeof(struct piece);
	struct outgoing *message = mem_alloc(1, head + bytes.size);

	message->first = sender->end;
	message->count = (uint16_t)count;
	message->raw_size = (uint32_t)raw_size;
	message->size = (uint32_t)bytes.size;
	message->bytes = (uint8_t *)message + head;
	memcpy(message->bytes, bytes.data, bytes.size);
	TAILQ_INSERT_TAIL(&sender->queue, message, next);
	sender->end += count;
	sender->messages++;
	sender->bytes += bytes.size;
}

int sender_push(struct sender *sender, struct span message)
{
	struct writer packed = writer_growing(STREAM_MESSAGE_MAX);
	int err = 0;

	if (!message.size || message.size > MESSAGE_SIZE_MAX)
		return -EMSGSIZE;
	if (pack_deflate(sender->pack, DEFLATE_LEVEL, message, &packed) &&
		message.size <= pack_most(packed.size))
		queue_message(sender, writer_span(&packed), message.size);
	else if (message.size <= STREAM_MESSAGE_MAX)
		queue_message(sender, message, 0);
	else
		err = -EMSGSIZE;
	writer_free(&packed);
	return err;
}

static void set_fate(struct sender *sender, struct piece *piece, enum fate fate)
{
	sender->underway -= piece->fate == FATE_UNDERWAY;
	sender->lost -= piece->fate == FATE_LOST;
	sender->underway += fate == FATE_UNDERWAY;
	sender->lost += fate == FATE_LOST;
	piece->fate = (uint8_t)fate;
}

/* Calls visit for every piece that was ever sent and is not durable, in order. */
static void each_sent(struct sender *sender,
	void (*visit)(struct sender *sender, struct piece *piece, uint64_t sequence, void *context),
	void *context)
{
	struct outgoing *message;

	TAILQ_FOREACH (message, &sender->queue, next) {
		for (size_t i = 0; i < message->count; i++) {
			if (message->first + i >= sender->next)
				return;
			if (message->first + i > sender->durable)
				visit(sender, &message->pieces[i], message->first + i, context);
		}
	}
}

/* How long to wait without progress. */
static int64_t patience(struct sender *sender)
{
	int64_t longest = sender->stream == STREAM_URGENT ? TIMEOUT_URGENT : TIMEOUT_NORMAL;
	int64_t first = 4 * sender->round_trip;
	int64_t most;
	uint64_t random;

	first = first < TIMEOUT_FIRST ? TIMEOUT_FIRST : first;
	first = first > TIMEOUT_URGENT ? TIMEOUT_URGENT : first;
	if (!sender->timeouts)
		return first;
	most = sender->timeouts > 16 ? longest : first << sender->timeouts;
	most = most > longest ? longest : most;
	sender->random(sender->owner, &random, sizeof(random));
	return first / 2 + (int64_t)(random % (uint64_t)(most - first / 2));
}

static void give_up(struct sender *sender, struct piece *piece, uint64_t sequence, void *context)
{
	const bool *all = context;

	(void)sequence;
	if (piece->fate == FATE_UNDERWAY || *all)
		set_fate(sender, piece, FATE_LOST);
}

static void time_out(struct sender *sender, struct instant now)
{
	/* What arrived a long time ago and is still not durable may be lost after all. */
	bool all = sender->timeouts++ > 0;

	each_sent(sender, give_up, &all);
	sender->window = sender->window / 2 < WINDOW_MIN ? WINDOW_MIN : sender->window / 2;
	sender->timer = instant_add(now, patience(sender));
}

static struct piece *find_piece(
	struct sender *sender, enum fate fate, struct outgoing **message, uint16_t *index)
{
	TAILQ_FOREACH (*message, &sender->queue, next) {
		for (*index = 0; *index < (*message)->count; (*index)++) {
			struct piece *piece = &(*message)->pieces[*index];

			if (piece->fate == fate && (*message)->first + *index > sender->durable)
				return piece;
		}
	}
	return NULL;
}

static bool may_send_new(const struct sender *sender)
{
	uint64_t credit =
		sender->credit ? sender->credit : 1; /* or nobody would ever speak again */

	return sender->next < sender->end && sender->next <= sender->durable + credit;
}

static bool can_send(const struct sender *sender)
{
	return sender->underway < sender->window && (sender->lost || may_send_new(sender));
}

static struct record fragment_of(
	const struct sender *sender, const struct outgoing *message, uint16_t index)
{
	size_t from = (size_t)index * STREAM_FRAGMENT_MAX;
	size_t left = message->size - from;

	return (struct record){
		.kind = RECORD_FRAGMENT,
		.stream = (uint8_t)sender->stream,
		.fragment.sequence = message->first + index,
		.fragment.index = index,
		.fragment.count = message->count,
		.fragment.raw_size = message->raw_size,
		.fragment.bytes = SPAN(message->bytes + from,
			left < STREAM_FRAGMENT_MAX ? left : STREAM_FRAGMENT_MAX),
	};
}

bool sender_output(struct sender *sender, struct instant now, struct writer *w)
{
	struct outgoing *message;
	struct record record;
	struct piece *piece;
	uint16_t index;

	if (!instant_before(now, sender->timer))
		time_out(sender, now);
	if (!can_send(sender))
		return false;
	piece = find_piece(sender, sender->lost ? FATE_LOST : FATE_WAITS, &message, &index);
	record = fragment_of(sender, message, index);
	if (w->limit - w->size <
		RECORD_HEADER_SIZE + STREAM_FRAGMENT_FIELDS + record.fragment.bytes.size)
		return false;
	record_encode(w, &record);
	piece->again = piece->fate == FATE_LOST;
	piece->sent = now;
	set_fate(sender, piece, FATE_UNDERWAY);
	if (record.fragment.sequence == sender->next)
		sender->next++;
	if (sender->timer.ns == INSTANT_NEVER.ns)
		sender->timer = instant_add(now, patience(sender));
	if (sender->unanswered.ns == INSTANT_NEVER.ns)
		sender->unanswered = now;
	return true;
}

struct instant sender_deadline(const struct sender *sender)
{
	return can_send(sender) ? (struct instant){ 0 } : sender->timer;
}

/* What an acknowledgement says about pieces, as it is worked out. */
struct news {
	uint64_t from, count;	/* the range that has arrived */
	struct instant newest;	/* when the latest sent of those that it tells of was sent */
	struct instant measure; /* the same, of those that were sent once */
	uint32_t pieces;	/* how many it tells of for the first time */
	int64_t reorder;	/* ns by which a later one may overtake an earlier one */
};

static void hear_of(struct sender *sender, struct piece *piece, struct news *news)
{
	if (instant_before(news->newest, piece->sent))
		news->newest = piece->sent;
	if (!piece->again && instant_before(news->measure, piece->sent))
		news->measure = piece->sent;
	if (piece->fate == FATE_ARRIVED)
		return;
	news->pieces++;
	set_fate(sender, piece, FATE_ARRIVED);
}

static void hear_durable(
	struct sender *sender, struct piece *piece, uint64_t sequence, void *context)
{
	struct news *news = context;

	if (sequence < news->from + news->count)
		hear_of(sender, piece, news);
}

static void hear_range(struct sender *sender, struct piece *piece, uint64_t sequence, void *context)
{
	struct news *news = context;

	if (sequence >= news->from && sequence - news->from < news->count)
		hear_of(sender, piece, news);
}

static void suspect(struct sender *sender, struct piece *piece, uint64_t sequence, void *context)
{
	const struct news *news = context;

	(void)sequence;
	if (piece->fate == FATE_UNDERWAY &&
		instant_before(instant_add(piece->sent, news->reorder), news->newest))
		set_fate(sender, piece, FATE_LOST);
}

static void take_durable(struct sender *sender, struct news *news, uint64_t durable)
{
	struct outgoing *message;

	news->from = 0;
	news->count = durable + 1;
	each_sent(sender, hear_durable, news);
	sender->durable = durable;
	while ((message = TAILQ_FIRST(&sender->queue)) &&
		message->first + message->count <= durable + 1)
		drop_first(sender);
}

static void measure(struct sender *sender, int64_t sample)
{
	sender->round_trip = sender->round_trip ? (7 * sender->round_trip + sample) / 8 : sample;
}

/* Something new has arrived: patience starts again, and the window grows. */
static void progress(struct sender *sender, struct instant now, uint32_t pieces)
{
	bool waits = sender->durable + 1 < sender->next;

	sender->timeouts = 0;
	sender->timer = waits ? instant_add(now, patience(sender)) : INSTANT_NEVER;
	sender->window += pieces;
	if (sender->window > WINDOW_MAX)
		sender->window = WINDOW_MAX;
}

int sender_ack(struct sender *sender, struct instant now, const struct record_ack *ack)
{
	struct reader ranges = reader_of(ack->ranges);
	struct news news = { .newest = { INT64_MIN }, .measure = { INT64_MIN } };
	bool moved = ack->durable > sender->durable;

	if (ack->durable >= sender->next)
		return -EPROTO;
	if (ack->durable < sender->floor)
		return -ESTALE;
	if (ack->durable < sender->durable)
		return 0; /* overtaken by a later one */
	sender->credit = ack->credit;
	sender->unanswered = INSTANT_NEVER;
	take_durable(sender, &news, ack->durable);
	if (news.measure.ns != INT64_MIN)
		measure(sender, instant_sub(now, news.measure));
	while (ranges.left.size >= STREAM_RANGE_SIZE) {
		news.from = ack->durable + get_u16(&ranges);
		news.count = get_u16(&ranges);
		each_sent(sender, hear_range, &news);
	}
	news.reorder = sender->round_trip / 4 + NS_PER_MS;
	each_sent(sender, suspect, &news);
	if (news.pieces || moved)
		progress(sender, now, news.pieces);
	return 0;
}

void sender_resend(struct sender *sender, uint32_t credit)
{
	bool all = true;

	each_sent(sender, give_up, &all);
	sender->floor = sender->durable;
	sender->credit = credit;
	sender->window = STREAM_WINDOW_FIRST;
	sender->timeouts = 0;
	sender->timer = INSTANT_NEVER;
	sender->unanswered = INSTANT_NEVER;
}

uint64_t sender_durable(const struct sender *sender)
{
	return sender->durable;
}

uint64_t sender_last(const struct sender *sender)
{
	return sender->end - 1;
}

struct instant sender_unanswered(const struct sender *sender)
{
	return sender->unanswered;
}

size_t sender_messages(const struct sender *sender)
{
	return sender->messages;
}

size_t sender_bytes(const struct sender *sender)
{
	return sender->bytes;
}
