// SPDX-License-Identifier: Apache-2.0
#include "wire/message.h"

#include <errno.h>

/* One encoder per struct: static void put_record_ack(struct writer *w, const struct ... *from) */
#define FIELD_put_u8(name)	    put_u8(w, from->name);
#define FIELD_put_u16(name)	    put_u16(w, from->name);
#define FIELD_put_u32(name)	    put_u32(w, from->name);
#define FIELD_put_u64(name)	    put_u64(w, from->name);
#define FIELD_put_sums(name, count) put_sums(w, from->name, count);
#define FIELD_put_bytes(name, size) put_bytes(w, from->name, size);
#define FIELD_put_span16(name)	    put_span16(w, from->name);
#define FIELD_put_facts(name)	    put_span32(w, from->name);
#define FIELD_put_rest(name)	    put_span(w, from->name);

static void put_sums(struct writer *w, const uint32_t *sums, unsigned count)
{
	uint16_t present = 0;

	for (unsigned i = 0; i < count; i++)
		present |= (uint16_t)((sums[i] != 0) << i);
	put_u16(w, present);
	for (unsigned i = 0; i < count; i++) {
		if (sums[i])
			put_u32(w, sums[i]);
	}
}

#define FIELD(type, ...) FIELD_put_##type(__VA_ARGS__)
#define RECORD(NAME, name, number, flags, ...)                                            \
	static void put_record_##name(struct writer *w, const struct record_##name *from) \
	{                                                                                 \
		__VA_ARGS__                                                               \
	}
#define MESSAGE(NAME, name, number, ...)                                                    \
	static void put_message_##name(struct writer *w, const struct message_##name *from) \
	{                                                                                   \
		__VA_ARGS__                                                                 \
	}
#include "wire/messages.def"

/* One decoder per struct: static void get_record_ack(struct reader *r, struct record_ack *to) */
#define FIELD_get_u8(name)	    to->name = get_u8(r);
#define FIELD_get_u16(name)	    to->name = get_u16(r);
#define FIELD_get_u32(name)	    to->name = get_u32(r);
#define FIELD_get_u64(name)	    to->name = get_u64(r);
#define FIELD_get_sums(name, count) get_sums(r, to->name, count);
#define FIELD_get_bytes(name, size) get_bytes(r, to->name, size);
#define FIELD_get_span16(name)	    to->name = get_span16(r);
#define FIELD_get_facts(name)	    to->name = get_facts(r);
#define FIELD_get_rest(name)	    to->name = get_rest(r);

static void get_sums(struct reader *r, uint32_t *sums, unsigned count)
{
	uint16_t present = get_u16(r);

	r->failed = r->failed || present >> count;
	for (unsigned i = 0; i < count; i++) {
		bool here = present >> i & 1;

		sums[i] = here ? get_u32(r) : 0;
		r->failed = r->failed || (here && !sums[i]);
	}
}

static struct span get_facts(struct reader *r)
{
	struct span facts = get_span32(r);
	struct reader each = reader_of(facts);
	struct fact fact;

	while (fact_get(&each, &fact))
		continue;
	r->failed = r->failed || each.failed;
	return facts;
}

#define FIELD(type, ...) FIELD_get_##type(__VA_ARGS__)
#define RECORD(NAME, name, number, flags, ...)                                    \
	static void get_record_##name(struct reader *r, struct record_##name *to) \
	{                                                                         \
		__VA_ARGS__                                                       \
	}
#define MESSAGE(NAME, name, number, ...)                                            \
	static void get_message_##name(struct reader *r, struct message_##name *to) \
	{                                                                           \
		__VA_ARGS__                                                         \
	}
#include "wire/messages.def"

static uint8_t record_flags(enum record_kind kind)
{
	switch (kind) {
#define RECORD(NAME, name, number, flags, ...) \
	case RECORD_##NAME:                    \
		return (flags);
#include "wire/messages.def"
	case RECORD_UNKNOWN:
		break;
	}
	return 0;
}

static void put_record_fields(struct writer *w, const struct record *record)
{
	switch (record->kind) {
#define RECORD(NAME, name, ...)                      \
	case RECORD_##NAME:                          \
		put_record_##name(w, &record->name); \
		break;
#include "wire/messages.def"
	case RECORD_UNKNOWN:
		break;
	}
}

void record_encode(struct writer *w, const struct record *record)
{
	size_t start = w->size;
	struct writer size;

	put_u8(w, (uint8_t)record->kind);
	put_u8(w, (uint8_t)(record_flags(record->kind) | record->stream << RECORD_STREAM));
	put_u16(w, 0);
	put_record_fields(w, record);
	if (w->failed || w->size - start - RECORD_HEADER_SIZE > UINT16_MAX) {
		w->failed = true;
		return;
	}
	size = writer_over(w->data + start + 2, 2);
	put_u16(&size, (uint16_t)(w->size - start - RECORD_HEADER_SIZE));
}

bool record_next(struct reader *r, struct record *record)
{
	struct reader fields;
	uint8_t kind;
	uint8_t flags;

	if (r->failed || !r->left.size)
		return false;
	kind = get_u8(r);
	flags = get_u8(r);
	fields = reader_of(get_span16(r));
	record->kind = (enum record_kind)kind;
	record->stream = flags >> RECORD_STREAM;
	switch (kind) {
#define RECORD(NAME, name, ...)                            \
	case RECORD_##NAME:                                \
		get_record_##name(&fields, &record->name); \
		break;
#include "wire/messages.def"
	default:
		record->kind = RECORD_UNKNOWN;
		fields.failed = flags & RECORD_CRITICAL;
		get_rest(&fields);
	}
	r->failed = r->failed || !reader_done(&fields);
	return !r->failed;
}

void message_encode(struct writer *w, const struct message *message)
{
	put_u8(w, (uint8_t)message->kind);
	switch (message->kind) {
#define MESSAGE(NAME, name, ...)                       \
	case MESSAGE_##NAME:                           \
		put_message_##name(w, &message->name); \
		break;
#include "wire/messages.def"
	}
}

int message_decode(struct span bytes, struct message *message)
{
	struct reader r = reader_of(bytes);
	uint8_t kind = get_u8(&r);

	message->kind = (enum message_kind)kind;
	switch (kind) {
#define MESSAGE(NAME, name, ...)                        \
	case MESSAGE_##NAME:                            \
		get_message_##name(&r, &message->name); \
		break;
#include "wire/messages.def"
	default:
		return bytes.size ? -ENOTSUP : -EINVAL;
	}
	return reader_done(&r) ? 0 : -EINVAL;
}
