/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
/*
 * The only way bytes are parsed or produced. A reader or a writer that once ran out of room stays
 * failed: readers then return zeroes, writers drop what they are given, so a parser checks once,
 * at its end. Integers are little-endian.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes: valid as long as whatever they were taken from. */
struct span {
	const uint8_t *data;
	size_t size;
};

#define SPAN(pointer, bytes) ((struct span){ (const uint8_t *)(pointer), (bytes) })
#define SPAN_TEXT(text)	     SPAN((text), __builtin_strlen(text))

bool span_equal(struct span a, struct span b);
/* Byte order, a shorter one before its extensions: -1, 0, 1. */
int span_compare(struct span a, struct span b);

struct reader {
	struct span left;
	bool failed;
};

struct reader reader_of(struct span bytes);
uint8_t get_u8(struct reader *r);
uint16_t get_u16(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
/* The next size bytes, borrowed; an empty span on failure. */
struct span get_span(struct reader *r, size_t size);
/* Everything that is left. */
struct span get_rest(struct reader *r);
/* Copies size bytes to to; fills it with zeroes on failure. */
void get_bytes(struct reader *r, void *to, size_t size);
/* A span behind a 16-bit or 32-bit length. */
struct span get_span16(struct reader *r);
struct span get_span32(struct reader *r);
/* True when nothing failed and nothing is left. */
bool reader_done(const struct reader *r);

/* A writer fills memory it was given (grows == false) or owns memory that grows up to limit. */
struct writer {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t limit;
	bool grows;
	bool failed;
};

struct writer writer_over(void *memory, size_t capacity);
/* Owns its memory: end it with writer_free. */
struct writer writer_growing(size_t limit);
void writer_free(struct writer *w);
void writer_reset(struct writer *w);
void put_u8(struct writer *w, uint8_t value);
void put_u16(struct writer *w, uint16_t value);
void put_u32(struct writer *w, uint32_t value);
void put_u64(struct writer *w, uint64_t value);
void put_bytes(struct writer *w, const void *data, size_t size);
void put_span(struct writer *w, struct span bytes);
void put_span16(struct writer *w, struct span bytes);
void put_span32(struct writer *w, struct span bytes);
/* Room for size bytes that the caller fills; NULL on failure. Valid until the next put. */
uint8_t *put_room(struct writer *w, size_t size);
struct span writer_span(const struct writer *w);

#endif
