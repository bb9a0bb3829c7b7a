// SPDX-License-Identifier: Apache-2.0
#include "wire/receiver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A fragment that waits for those before it, or for the rest of its message. */
struct arrival {
	TAILQ_ENTRY(arrival) neighbour;
	uint64_t sequence;
	uint32_t raw_size;
	uint16_t index;
	uint16_t count;
	uint16_t size;
	uint8_t bytes[];
};

void receiver_init(struct receiver *receiver, uint64_t durable)
{
	TAILQ_INIT(&receiver->arrivals);
	receiver->bytes = 0;
	receiver->durable = durable;
	receiver->next = durable + 1;
}

static size_t cost_of(size_t size)
{
	return sizeof(struct arrival) + size;
}

static void drop(struct receiver *receiver, struct arrival *arrival)
{
	TAILQ_REMOVE(&receiver->arrivals, arrival, neighbour);
	receiver->bytes -= cost_of(arrival->size);
	free(arrival);
}

void receiver_drop(struct receiver *receiver)
{
	while (!TAILQ_EMPTY(&receiver->arrivals))
		drop(receiver, TAILQ_FIRST(&receiver->arrivals));
}

void receiver_deinit(struct receiver *receiver)
{
	receiver_drop(receiver);
}

/* Enough to complete the message that is next, if its size is known, however long it is. */
static uint16_t credit_of(const struct receiver *receiver)
{
	const struct arrival *first = TAILQ_FIRST(&receiver->arrivals);
	uint64_t credit = RECEIVER_WINDOW;

	if (first && first->sequence - first->index == receiver->next) {
		uint64_t needed = receiver->next - receiver->durable - 1 + first->count;

		credit = needed > credit ? needed : credit;
	}
	return credit > UINT16_MAX ? UINT16_MAX : (uint16_t)credit;
}

static bool makes_sense(const struct record_fragment *fragment)
{
	return fragment->count && fragment->count <= STREAM_FRAGMENTS_MAX &&
		fragment->index < fragment->count && fragment->sequence > fragment->index &&
		fragment->bytes.size && fragment->bytes.size <= STREAM_FRAGMENT_MAX &&
		fragment->raw_size <= MESSAGE_SIZE_MAX;
}

/* The last arrival whose sequence is at most that one. */
static struct arrival *find_last(const struct receiver *receiver, uint64_t sequence)
{
	struct arrival *arrival = TAILQ_LAST(&receiver->arrivals, arrivals);

	while (arrival && arrival->sequence > sequence)
		arrival = TAILQ_PREV(arrival, arrivals, neighbour);
	return arrival;
}

static struct arrival *arrival_new(const struct record_fragment *fragment)
{
	struct arrival *arrival = mem_alloc(1, cost_of(fragment->bytes.size));

	arrival->sequence = fragment->sequence;
	arrival->raw_size = fragment->raw_size;
	arrival->index = fragment->index;
	arrival->count = fragment->count;
	arrival->size = (uint16_t)fragment->bytes.size;
	memcpy(arrival->bytes, fragment->bytes.data, fragment->bytes.size);
	return arrival;
}

int receiver_input(struct receiver *receiver, const struct record_fragment *fragment)
{
	struct arrival *before;
	struct arrival *arrival;

	if (!makes_sense(fragment))
		return -EPROTO;
	if (fragment->sequence < receiver->next)
		return RECEIVER_DUPLICATE;
	if (fragment->sequence - receiver->durable > credit_of(receiver))
		return -ERANGE;
	before = find_last(receiver, fragment->sequence);
	if (before && before->sequence == fragment->sequence)
		return RECEIVER_DUPLICATE;
	if (receiver->bytes + cost_of(fragment->bytes.size) > RECEIVER_BYTES_MAX)
		return -ENOBUFS;
	arrival = arrival_new(fragment);
	if (before)
		TAILQ_INSERT_AFTER(&receiver->arrivals, before, arrival, neighbour);
	else
		TAILQ_INSERT_HEAD(&receiver->arrivals, arrival, neighbour);
	receiver->bytes += cost_of(arrival->size);
	return RECEIVER_NEW;
}

enum state { STATE_INCOMPLETE, STATE_WHOLE, STATE_CONTRADICTORY };

/* Looks at the count fragments from next on. */
static enum state look(const struct receiver *receiver, uint16_t *count)
{
	const struct arrival *first = TAILQ_FIRST(&receiver->arrivals);
	const struct arrival *arrival = first;

	if (!first || first->sequence != receiver->next)
		return STATE_INCOMPLETE;
	*count = first->count;
	for (uint16_t i = 0; i < first->count; i++) {
		if (!arrival || arrival->sequence != receiver->next + i)
			return STATE_INCOMPLETE;
		if (arrival->index != i || arrival->count != first->count ||
			arrival->raw_size != first->raw_size) {
			*count = (uint16_t)(i + 1);
			return STATE_CONTRADICTORY;
		}
		arrival = TAILQ_NEXT(arrival, neighbour);
	}
	return STATE_WHOLE;
}

/* Takes the first count fragments apart; their bytes go to to, if there is one. */
static void consume(struct receiver *receiver, uint16_t count, struct writer *to)
{
	while (count--) {
		struct arrival *arrival = TAILQ_FIRST(&receiver->arrivals);

		if (to)
			put_bytes(to, arrival->bytes, arrival->size);
		drop(receiver, arrival);
	}
}

bool receiver_take(struct receiver *receiver, struct pack *pack, struct writer *message,
	uint64_t *sequence, bool *damaged, unsigned *dropped)
{
	struct writer wire = writer_growing(STREAM_FRAGMENTS_MAX * STREAM_FRAGMENT_MAX);
	uint32_t raw_size;
	uint16_t count;
	enum state state;

	while ((state = look(receiver, &count)) == STATE_CONTRADICTORY) {
		*dropped += count;
		consume(receiver, count, NULL);
	}
	if (state == STATE_INCOMPLETE)
		return false;
	raw_size = TAILQ_FIRST(&receiver->arrivals)->raw_size;
	consume(receiver, count, raw_size ? &wire : message);
	receiver->next += count;
	*sequence = receiver->next - 1;
	*damaged = raw_size && pack_inflate(pack, writer_span(&wire), raw_size, message);
	if (*damaged)
		put_span(message, writer_span(&wire));
	writer_free(&wire);
	return true;
}

void receiver_commit(struct receiver *receiver, uint64_t sequence)
{
	if (sequence <= receiver->durable)
		return;
	receiver->durable = sequence;
	if (receiver->next > sequence)
		return;
	receiver->next = sequence + 1;
	while (!TAILQ_EMPTY(&receiver->arrivals) &&
		TAILQ_FIRST(&receiver->arrivals)->sequence <= sequence)
		drop(receiver, TAILQ_FIRST(&receiver->arrivals));
}

void receiver_roll_back(struct receiver *receiver)
{
	receiver->next = receiver->durable + 1;
}

static void put_range(
	struct writer *w, const struct receiver *receiver, uint64_t from, uint64_t count)
{
	put_u16(w, (uint16_t)(from - receiver->durable));
	put_u16(w, (uint16_t)count);
}

struct record_ack receiver_ack(
	const struct receiver *receiver, uint8_t memory[STREAM_RANGES_MAX * STREAM_RANGE_SIZE])
{
	struct writer w = writer_over(memory, STREAM_RANGES_MAX * STREAM_RANGE_SIZE);
	uint64_t from = receiver->durable + 1;
	uint64_t count = receiver->next - from;
	struct arrival *arrival;

	TAILQ_FOREACH (arrival, &receiver->arrivals, neighbour) {
		if (arrival->sequence == from + count) {
			count++;
			continue;
		}
		if (count)
			put_range(&w, receiver, from, count);
		if (w.size == w.limit)
			break;
		from = arrival->sequence;
		count = 1;
	}
	if (count && w.size < w.limit)
		put_range(&w, receiver, from, count);
	return (struct record_ack){
		.durable = receiver->durable,
		.credit = credit_of(receiver),
		.ranges = writer_span(&w),
	};
}

bool receiver_idle(const struct receiver *receiver)
{
	return TAILQ_EMPTY(&receiver->arrivals) && receiver->next == receiver->durable + 1;
}
