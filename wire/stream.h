/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_STREAM_H
#define WIRE_STREAM_H
/*
 * A stream carries messages in order, once, from wire/sender.h to wire/receiver.h, over a network
 * that drops, repeats and reorders. Each message is compressed and cut into fragments; each
 * fragment has a sequence number, from 1. An acknowledgement is durable: the other end has acted on
 * everything up to it and has that on disk. What has merely arrived is told by ranges, which only
 * spare a retransmission: it can be lost again with the other end's memory.
 *
 * An agent has two streams, with sequences of their own, so that what is urgent never waits behind
 * what is long. Each FRAGMENT and each ACK names its stream.
 */
#include "wire/message.h"
#include "wire/packet.h"

enum stream {
	STREAM_STATE,  /* facts: digest, ranges, changes */
	STREAM_URGENT, /* events, each told once: results of commands, what was lost */
	STREAM_COUNT,
};

enum {
	STREAM_FRAGMENT_FIELDS = 16,
	/* A fragment fills a packet. */
	STREAM_FRAGMENT_MAX = PACKET_DATA_MAX - RECORD_HEADER_SIZE - STREAM_FRAGMENT_FIELDS,
	STREAM_FRAGMENTS_MAX = 1024, /* of a message */
	STREAM_MESSAGE_MAX =
		1 << 20,	 /* bytes of a message on the wire; MESSAGE_SIZE_MAX inflated */
	STREAM_WINDOW_FIRST = 8, /* fragments that may be under way before any credit */
	STREAM_RANGES_MAX = 4,
	STREAM_RANGE_SIZE = 4, /* u16 offset from durable, u16 count */
};

#endif
