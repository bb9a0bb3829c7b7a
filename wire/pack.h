/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H
/*
 * Compression of messages: u8 number of the dictionary (wire/pack_dictionary.h) | raw deflate
 * (RFC 1951) that may refer to it. Memory is taken at the first use and kept for the next;
 * pack_release gives it back, which costs nothing but the next first use.
 */
#include "base/buf.h"

enum {
	PACK_RAW_MAX = 4 << 20, /* bytes that anything may inflate to */
	PACK_RATIO_MAX = 200,	/* times the size of its deflate */
};

struct pack;

struct pack *pack_new(void);
void pack_free(struct pack *pack); /* NULL is fine */
void pack_release(struct pack *pack);

/*
 * Appends raw, packed, to to (which has the room or grows); true when that is smaller than raw.
 * False: to is as it was, send raw as it is. level is 1 (fast) to 6.
 */
bool pack_deflate(struct pack *pack, int level, struct span raw, struct writer *to);
/*
 * Appends what packed inflates to, which must be exactly size bytes. -EMSGSIZE: size is 0, above
 * pack_most(packed.size), or more than to may hold (nothing was allocated); -EBADMSG: no dictionary
 * of ours, not deflate, or not of that size. On failure to is as it was.
 */
int pack_inflate(struct pack *pack, struct span packed, size_t size, struct writer *to);
/*
 * The most bytes that so many packed ones may inflate to. Only what has travelled counts, not the
 * dictionary: the ratio bounds the memory and work that a byte of a peer can ask for, and the
 * dictionary, which no peer had to send, would let a few bytes ask for its size 200 times.
 */
size_t pack_most(size_t packed);

#endif
