/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_OUTBOX_H
#define AGENT_OUTBOX_H
/*
 * What to tell the CMA next, out of the tracker. A stream begins with a digest; where the CMA's own
 * differs it asks for sections, which are answered with ranges; everything else is changes.
 */
#include "agent/tracker.h"
#include "wire/message.h"

struct outbox {
	struct tracker *tracker;
	uint64_t boot;
	bool digest_due;
	uint64_t digest;    /* sequence of the last digest; 0: none was sent */
	uint16_t asked;	    /* sections that it made the CMA ask for, so far */
	uint16_t wanted;    /* of these, those whose ranges have not all been made */
	uint16_t from_size; /* where the next range of the lowest wanted section starts */
	uint8_t from[FACT_KEY_MAX];
};

/*
 * Starts a stream: a digest is due, and all before is forgotten. The tracker is borrowed; boot goes
 * into the digest.
 */
void outbox_start(struct outbox *outbox, struct tracker *tracker, uint64_t boot);
/* The table is compared again: a digest is due. */
void outbox_again(struct outbox *outbox);
/* True when outbox_next would make a message. */
bool outbox_pending(const struct outbox *outbox);
/* Encodes the next message into an empty growing writer, and takes it out of what is to tell. */
enum message_kind outbox_next(struct outbox *outbox, struct writer *message);
/* The message that outbox_next made last was a digest and got this sequence. */
void outbox_digest_sent(struct outbox *outbox, uint64_t sequence);
/* The CMA wants these sections; a repetition, or an answer to an older digest, has no effect. */
void outbox_want(struct outbox *outbox, const struct record_want *want);

#endif
