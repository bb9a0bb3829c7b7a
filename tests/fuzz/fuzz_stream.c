// SPDX-License-Identifier: Apache-2.0
/*
 * The two ends of a stream, against an enrolled peer that sends what it likes: the input is records
 * (FRAGMENT to the receiver, ACK to a sender with three messages). Memory stays within its limits,
 * messages come in order, and what the receiver says can be said.
 */
#include "tests/fuzz/fuzz.h"
#include "wire/receiver.h"
#include "wire/sender.h"

struct ends {
	struct receiver receiver;
	struct sender *sender;
	struct pack *pack;
	struct instant now;
	uint64_t taken;
};

static void zeroes(void *owner, void *to, size_t size)
{
	(void)owner;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = 0;
}

static void send_all(struct ends *ends)
{
	uint8_t bytes[PACKET_DATA_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	while (sender_output(ends->sender, ends->now, &w)) {
		fuzz_require(!w.failed);
		writer_reset(&w);
	}
}

static void take_all(struct ends *ends)
{
	struct writer message = writer_growing(2 * MESSAGE_SIZE_MAX);
	unsigned dropped = 0;
	uint64_t sequence;
	bool damaged;

	while (receiver_take(
		&ends->receiver, ends->pack, &message, &sequence, &damaged, &dropped)) {
		fuzz_require(!message.failed && message.size && sequence > ends->taken);
		ends->taken = sequence;
		writer_reset(&message);
		if (sequence % 3 == 0)
			receiver_commit(&ends->receiver, sequence);
	}
	writer_free(&message);
}

static void check_ack(const struct ends *ends)
{
	uint8_t memory[STREAM_RANGES_MAX * STREAM_RANGE_SIZE];
	struct record_ack ack = receiver_ack(&ends->receiver, memory);

	fuzz_require(ack.credit && ack.durable <= ends->taken);
	fuzz_require(ack.ranges.size <= sizeof(memory) && ack.ranges.size % STREAM_RANGE_SIZE == 0);
}

static void play(struct ends *ends, struct reader *r)
{
	struct record record;

	while (record_next(r, &record)) {
		ends->now = instant_add(ends->now, NS_PER_SEC);
		if (record.kind == RECORD_FRAGMENT &&
			receiver_input(&ends->receiver, &record.fragment) == RECEIVER_NEW)
			take_all(ends);
		if (record.kind == RECORD_ACK && sender_ack(ends->sender, ends->now, &record.ack))
			fuzz_require(record.ack.durable > 2);
		fuzz_require(ends->receiver.bytes <= RECEIVER_BYTES_MAX);
		check_ack(ends);
		send_all(ends);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t text[3000] = { 1 };
	struct ends ends = { .sender = sender_new(STREAM_STATE, zeroes, NULL), .pack = pack_new() };
	struct reader r = reader_of(SPAN(data, size));

	receiver_init(&ends.receiver, 0);
	fuzz_require(!sender_push(ends.sender, SPAN(text, 10)));
	fuzz_require(!sender_push(ends.sender, SPAN(text, 500)));
	fuzz_require(!sender_push(ends.sender, SPAN(text, sizeof(text))));
	send_all(&ends);
	play(&ends, &r);
	receiver_roll_back(&ends.receiver);
	receiver_deinit(&ends.receiver);
	sender_free(ends.sender);
	pack_free(ends.pack);
	return 0;
}
