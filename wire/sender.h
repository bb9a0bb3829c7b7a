/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SENDER_H
#define WIRE_SENDER_H
/*
 * The sending end of a stream (wire/stream.h). Pure. It keeps a message until it is durable at the
 * other end, and sends again what is not: when later fragments have arrived and this one has not,
 * or when max(4 * round trip, 1 s) pass without progress; that time doubles, with jitter, to 30 s
 * in the urgent stream, to 300 s in the other, for ever. What is under way is limited by the credit
 * of the receiver and by a congestion window that halves at each timeout.
 */
#include "base/instant.h"
#include "wire/stream.h"

struct sender;

/* random fills to with random bytes, for jitter. */
struct sender *sender_new(
	enum stream stream, void (*random)(void *owner, void *to, size_t size), void *owner);
void sender_free(struct sender *sender);

/*
 * Compresses and queues a message; the bytes are copied. -EMSGSIZE: above MESSAGE_SIZE_MAX, or
 * above STREAM_MESSAGE_MAX even when compressed.
 */
int sender_push(struct sender *sender, struct span message) __attribute__((warn_unused_result));
/* Appends the FRAGMENT that is due, if there is one and w has the room. */
bool sender_output(struct sender *sender, struct instant now, struct writer *w);
/* When sender_output may have something; the past when it has now; INSTANT_NEVER. */
struct instant sender_deadline(const struct sender *sender);

/*
 * -EPROTO: it acknowledges what was never sent, and is ignored. -ESTALE: in this session it
 * acknowledges less than was durable when the session began: the other end has lost some of it.
 */
int sender_ack(struct sender *sender, struct instant now, const struct record_ack *ack)
	__attribute__((warn_unused_result));
/* A new session: everything that is not durable is sent again, within credit fragments. */
void sender_resend(struct sender *sender, uint32_t credit);
/* A new stream: everything is forgotten, and sequences start at 1 again. */
void sender_reset(struct sender *sender);
/* A new stream that begins with what was not durable in the old one. */
void sender_renew(struct sender *sender);
/* Gives back the memory that compressing took. */
void sender_relax(struct sender *sender);

uint64_t sender_durable(const struct sender *sender);
/* Sequence of the last fragment of the message that was pushed last; 0: there was none. */
uint64_t sender_last(const struct sender *sender);
/* When the first fragment since the last acknowledgement was sent; INSTANT_NEVER: none was. */
struct instant sender_unanswered(const struct sender *sender);
/* Messages, and bytes of them as they are on the wire, that are not durable. */
size_t sender_messages(const struct sender *sender);
size_t sender_bytes(const struct sender *sender);

#endif
