/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H
/*
 * The records and messages of wire/messages.def as C: what they mean, and how to add one, is said
 * there. Spans in what was decoded borrow from the bytes it was decoded from.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/fact.h"
#include "wire/section.h"

/* In the flags of a record: a receiver that does not know the kind refuses the packet. */
#define RECORD_CRITICAL 0x01
#define RECORD_STREAM	4 /* bits 4-7: the stream */

enum {
	RECORD_HEADER_SIZE = 4,
	MESSAGE_SIZE_MAX = 4 << 20, /* encoded, before compression */
};

/* struct record_fragment, ..., struct message_changes, ... */
#define FIELD_u8(name)		uint8_t name;
#define FIELD_u16(name)		uint16_t name;
#define FIELD_u32(name)		uint32_t name;
#define FIELD_u64(name)		uint64_t name;
#define FIELD_sums(name, count) uint32_t name[count];
#define FIELD_bytes(name, size) uint8_t name[size];
#define FIELD_span16(name)	struct span name;
#define FIELD_facts(name)	struct span name;
#define FIELD_rest(name)	struct span name;
#define FIELD(type, ...)	FIELD_##type(__VA_ARGS__)
#define RECORD(NAME, name, number, flags, ...) \
	struct record_##name {                 \
		__VA_ARGS__                    \
	};
#define MESSAGE(NAME, name, number, ...) \
	struct message_##name {          \
		__VA_ARGS__              \
	};
#include "wire/messages.def"

enum record_kind {
	RECORD_UNKNOWN = 0, /* skipped by record_next */
#define RECORD(NAME, name, number, ...) RECORD_##NAME = (number),
#include "wire/messages.def"
};

enum message_kind {
#define MESSAGE(NAME, name, number, ...) MESSAGE_##NAME = (number),
#include "wire/messages.def"
};

struct record {
	enum record_kind kind;
	uint8_t stream; /* of FRAGMENT and ACK, 0 to 15: enum stream, or of a later version */
	union {
#define RECORD(NAME, name, ...) struct record_##name name;
#include "wire/messages.def"
	};
};

struct message {
	enum message_kind kind;
	union {
#define MESSAGE(NAME, name, ...) struct message_##name name;
#include "wire/messages.def"
	};
};

void record_encode(struct writer *w, const struct record *record);
/*
 * The next record of a packet's plaintext. False at its end and on failure: r->failed tells. An
 * unknown kind that may be skipped is returned as RECORD_UNKNOWN.
 */
bool record_next(struct reader *r, struct record *record);

void message_encode(struct writer *w, const struct message *message);
/* -EINVAL when the bytes are not exactly one message, -ENOTSUP when its kind is not known. */
int message_decode(struct span bytes, struct message *message) __attribute__((warn_unused_result));

#endif
