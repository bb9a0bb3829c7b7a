// SPDX-License-Identifier: Apache-2.0
#include "wire/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "wire/pack_dictionary.h"

/*
 * 4 KiB of window and 16 KiB of hash table take 32 KiB of memory instead of zlib's usual 256, and
 * facts come out no larger: 50,000 bytes of listeners to 10,804 (level 1) and 10,415 (level 6),
 * with the usual settings to 11,255 and 10,353.
 */
enum { DEFLATE_WINDOW_BITS = 12, DEFLATE_MEM_LEVEL = 5, INFLATE_WINDOW_BITS = 15 };

/* A stream is in use when its state is not NULL. */
struct pack {
	z_stream deflate, inflate;
	int level;
};

static void *take(void *owner, unsigned count, unsigned size)
{
	(void)owner;
	return mem_alloc(count, size);
}

static void give(void *owner, void *memory)
{
	(void)owner;
	free(memory);
}

/* With zlib's own allocator, a message that finds no memory would look like a damaged one. */
static void init(struct pack *pack)
{
	*pack = (struct pack){
		.deflate = { .zalloc = take, .zfree = give },
		.inflate = { .zalloc = take, .zfree = give },
	};
}

struct pack *pack_new(void)
{
	struct pack *pack = mem_alloc(1, sizeof(*pack));

	init(pack);
	return pack;
}

void pack_release(struct pack *pack)
{
	if (pack->deflate.state)
		deflateEnd(&pack->deflate);
	if (pack->inflate.state)
		inflateEnd(&pack->inflate);
	init(pack);
}

void pack_free(struct pack *pack)
{
	if (pack)
		pack_release(pack);
	free(pack);
}

/* The stream as new, but for the dictionary that it has in mind. */
static z_stream *deflate_stream(struct pack *pack, int level)
{
	struct span dictionary = pack_dictionary(PACK_DICTIONARY);
	z_stream *z = &pack->deflate;
	int err;

	if (z->state && pack->level != level)
		deflateEnd(z);
	if (z->state)
		err = deflateReset(z);
	else
		err = deflateInit2(z, level, Z_DEFLATED, -DEFLATE_WINDOW_BITS, DEFLATE_MEM_LEVEL,
			Z_DEFAULT_STRATEGY);
	if (err == Z_OK)
		err = deflateSetDictionary(z, dictionary.data, (uInt)dictionary.size);
	if (err != Z_OK)
		abort(); /* the arguments are always the same */
	pack->level = level;
	return z;
}

bool pack_deflate(struct pack *pack, int level, struct span raw, struct writer *to)
{
	size_t start = to->size, room = raw.size - 1;
	z_stream *z;

	/* Fewer than 3 bytes cannot get smaller: there is the number, and deflate is not empty. */
	if (raw.size < 3 || raw.size > PACK_RAW_MAX || to->failed || room > to->limit - to->size)
		return false;
	put_u8(to, PACK_DICTIONARY);
	put_room(to, --room);
	z = deflate_stream(pack, level);
	z->next_in = (Bytef *)(uintptr_t)raw.data;
	z->avail_in = (uInt)raw.size;
	z->next_out = to->data + start + 1;
	z->avail_out = (uInt)room;
	if (deflate(z, Z_FINISH) != Z_STREAM_END) {
		to->size = start; /* it does not get smaller */
		return false;
	}
	to->size -= z->avail_out;
	return true;
}

size_t pack_most(size_t packed)
{
	size_t most;

	if (!packed || packed > PACK_RAW_MAX)
		return 0;
	most = (packed - 1) * PACK_RATIO_MAX;
	return most < PACK_RAW_MAX ? most : PACK_RAW_MAX;
}

static z_stream *inflate_stream(struct pack *pack, struct span dictionary)
{
	z_stream *z = &pack->inflate;
	int err = z->state ? inflateReset(z) : inflateInit2(z, -INFLATE_WINDOW_BITS);

	if (err == Z_OK)
		err = inflateSetDictionary(z, dictionary.data, (uInt)dictionary.size);
	if (err != Z_OK)
		abort();
	return z;
}

int pack_inflate(struct pack *pack, struct span packed, size_t size, struct writer *to)
{
	struct reader r = reader_of(packed);
	struct span dictionary = pack_dictionary(get_u8(&r));
	size_t start = to->size;
	uint8_t *room;
	z_stream *z;
	int end;

	if (!size || size > pack_most(packed.size))
		return -EMSGSIZE;
	if (to->failed || size > to->limit - to->size)
		return -EMSGSIZE;
	if (!dictionary.size)
		return -EBADMSG;
	room = put_room(to, size);
	z = inflate_stream(pack, dictionary);
	z->next_in = (Bytef *)(uintptr_t)r.left.data;
	z->avail_in = (uInt)r.left.size;
	z->next_out = room;
	z->avail_out = (uInt)size;
	end = inflate(z, Z_FINISH);
	if (end == Z_STREAM_END && !z->avail_in && !z->avail_out)
		return 0;
	to->size = start;
	return -EBADMSG;
}
