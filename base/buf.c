// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

bool span_equal(struct span a, struct span b)
{
	return a.size == b.size && (!a.size || !memcmp(a.data, b.data, a.size));
}

int span_compare(struct span a, struct span b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (!order)
		order = (a.size > b.size) - (a.size < b.size);
	return (order > 0) - (order < 0);
}

struct reader reader_of(struct span bytes)
{
	return (struct reader){ .left = bytes };
}

struct span get_span(struct reader *r, size_t size)
{
	struct span taken = { r->left.data, size };

	if (r->failed || size > r->left.size) {
		r->failed = true;
		return (struct span){ NULL, 0 };
	}
	if (size)
		r->left.data += size;
	r->left.size -= size;
	return taken;
}

struct span get_rest(struct reader *r)
{
	return get_span(r, r->left.size);
}

void get_bytes(struct reader *r, void *to, size_t size)
{
	struct span taken = get_span(r, size);

	memset(to, 0, size);
	if (taken.size)
		memcpy(to, taken.data, taken.size);
}

static uint64_t get_little(struct reader *r, size_t size)
{
	struct span taken = get_span(r, size);
	uint64_t value = 0;

	for (size_t i = 0; i < taken.size; i++)
		value |= (uint64_t)taken.data[i] << (8 * i);
	return value;
}

uint8_t get_u8(struct reader *r)
{
	return (uint8_t)get_little(r, 1);
}

uint16_t get_u16(struct reader *r)
{
	return (uint16_t)get_little(r, 2);
}

uint32_t get_u32(struct reader *r)
{
	return (uint32_t)get_little(r, 4);
}

uint64_t get_u64(struct reader *r)
{
	return get_little(r, 8);
}

struct span get_span16(struct reader *r)
{
	return get_span(r, get_u16(r));
}

struct span get_span32(struct reader *r)
{
	return get_span(r, get_u32(r));
}

bool reader_done(const struct reader *r)
{
	return !r->failed && !r->left.size;
}

struct writer writer_over(void *memory, size_t capacity)
{
	return (struct writer){ .data = memory, .capacity = capacity, .limit = capacity };
}

struct writer writer_growing(size_t limit)
{
	return (struct writer){ .limit = limit, .grows = true };
}

void writer_free(struct writer *w)
{
	if (w->grows)
		free(w->data);
	*w = (struct writer){ .failed = true };
}

void writer_reset(struct writer *w)
{
	w->size = 0;
	w->failed = false;
}

static bool writer_fits(struct writer *w, size_t size)
{
	size_t wanted;

	if (w->failed || size > w->limit - w->size)
		return false;
	wanted = w->size + size;
	if (w->grows && (wanted > w->capacity || !w->data)) {
		size_t doubled = w->capacity ? 2 * w->capacity : 256;

		w->capacity = doubled > wanted ? doubled : wanted;
		w->data = mem_resize(w->data, w->capacity, 1);
	}
	return wanted <= w->capacity;
}

uint8_t *put_room(struct writer *w, size_t size)
{
	if (!writer_fits(w, size)) {
		w->failed = true;
		return NULL;
	}
	w->size += size;
	return w->data + w->size - size;
}

void put_bytes(struct writer *w, const void *data, size_t size)
{
	uint8_t *room = size ? put_room(w, size) : NULL;

	if (room)
		memcpy(room, data, size);
}

static void put_little(struct writer *w, uint64_t value, size_t size)
{
	uint8_t *room = put_room(w, size);

	for (size_t i = 0; room && i < size; i++)
		room[i] = (uint8_t)(value >> (8 * i));
}

void put_u8(struct writer *w, uint8_t value)
{
	put_little(w, value, 1);
}

void put_u16(struct writer *w, uint16_t value)
{
	put_little(w, value, 2);
}

void put_u32(struct writer *w, uint32_t value)
{
	put_little(w, value, 4);
}

void put_u64(struct writer *w, uint64_t value)
{
	put_little(w, value, 8);
}

void put_span(struct writer *w, struct span bytes)
{
	put_bytes(w, bytes.data, bytes.size);
}

void put_span16(struct writer *w, struct span bytes)
{
	if (bytes.size > UINT16_MAX)
		w->failed = true;
	put_u16(w, (uint16_t)bytes.size);
	put_span(w, bytes);
}

void put_span32(struct writer *w, struct span bytes)
{
	if (bytes.size > UINT32_MAX)
		w->failed = true;
	put_u32(w, (uint32_t)bytes.size);
	put_span(w, bytes);
}

struct span writer_span(const struct writer *w)
{
	return w->failed ? (struct span){ NULL, 0 } : SPAN(w->data, w->size);
}
