/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_RECEIVER_H
#define WIRE_RECEIVER_H
/*
 * The receiving end of a stream (wire/stream.h). Pure. It puts fragments back in order, hands out
 * whole messages once, and says what to acknowledge: durable is moved by receiver_commit alone.
 * Its memory is what has arrived out of order or in part, at most RECEIVER_BYTES_MAX.
 */
#include <sys/queue.h>

#include "wire/pack.h"
#include "wire/stream.h"

enum {
	RECEIVER_BYTES_MAX = 5 << 18, /* the longest message, and what is around it */
	RECEIVER_WINDOW = 64,	      /* fragments beyond durable, unless one message needs more */
};

struct receiver {
	TAILQ_HEAD(arrivals, arrival) arrivals; /* by sequence; all >= next */
	size_t bytes;				/* of memory that they take */
	uint64_t durable;
	uint64_t next; /* sequence of the first fragment that was not handed out */
};

/* Fragments up to durable were acted on before. End it with receiver_deinit. */
void receiver_init(struct receiver *receiver, uint64_t durable);
void receiver_deinit(struct receiver *receiver);

enum receiver_input {
	RECEIVER_NEW,
	RECEIVER_DUPLICATE,
};
/*
 * Takes a fragment; the bytes are copied. -EPROTO: it makes no sense; -ERANGE: beyond the credit;
 * -ENOBUFS: no memory for it now. Otherwise enum receiver_input.
 */
int receiver_input(struct receiver *receiver, const struct record_fragment *fragment);

/*
 * Appends the next message in order, inflated, to message, with the sequence of its last fragment.
 * False when there is none yet. A message that does not inflate is appended as it came and
 * *damaged set: it has to be got rid of by whoever acts on messages. *dropped counts fragments that
 * contradicted each other; the sender will send them again.
 */
bool receiver_take(struct receiver *receiver, struct pack *pack, struct writer *message,
	uint64_t *sequence, bool *damaged, unsigned *dropped);
/* Everything up to sequence is on disk. */
void receiver_commit(struct receiver *receiver, uint64_t sequence);
/* What was handed out and is not on disk never will be: expect it again. */
void receiver_roll_back(struct receiver *receiver);
/* Drops what has arrived and was not handed out; the sender will send it again. */
void receiver_drop(struct receiver *receiver);

/* What to tell the sender; its ranges are put into memory. */
struct record_ack receiver_ack(
	const struct receiver *receiver, uint8_t memory[STREAM_RANGES_MAX * STREAM_RANGE_SIZE]);
/* True when nothing is held, and everything that was handed out is on disk. */
bool receiver_idle(const struct receiver *receiver);

#endif
