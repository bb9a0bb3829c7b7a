/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H
/*
 * Compression of message bodies: raw deflate (RFC 1951). Memory is taken at the first use and
 * kept for the next; pack_release gives it back, which costs nothing but the next first use.
 */
#include "base/buf.h"

enum {
	PACK_MIN = 512,		/* bytes below which it is not tried */
	PACK_RAW_MAX = 4 << 20, /* bytes that anything may inflate to */
	PACK_RATIO_MAX = 200,	/* times its size */
};

struct pack;

struct pack *pack_new(void);
void pack_free(struct pack *pack); /* NULL is fine */
void pack_release(struct pack *pack);

/*
 * Appends raw, deflated, to to (which has the room or grows); true when that is smaller than raw.
 * False: to is as it was, send raw as it is. level is 1 (fast) to 6.
 */
bool pack_deflate(struct pack *pack, int level, struct span raw, struct writer *to);
/*
 * Appends what packed inflates to, which must be exactly size bytes. -EMSGSIZE: size is 0, above
 * PACK_RAW_MAX or PACK_RATIO_MAX, or more than to may hold (nothing was allocated); -EBADMSG: not
 * deflate, or not of that size. On failure to is as it was.
 */
int pack_inflate(struct pack *pack, struct span packed, size_t size, struct writer *to);

#endif
