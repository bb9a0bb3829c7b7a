// SPDX-License-Identifier: Apache-2.0
/*
 * A 32-bit size and what claims to be packed of it: never a byte more or less comes out. And the
 * bytes themselves, packed, come back.
 */
#include "tests/fuzz/fuzz.h"
#include "wire/pack.h"

static void round_trip(struct pack *pack, int level, struct span raw)
{
	struct writer packed = writer_growing(PACK_RAW_MAX), back = writer_growing(PACK_RAW_MAX);
	int err;

	if (pack_deflate(pack, level, raw, &packed)) {
		fuzz_require(packed.size < raw.size);
		err = pack_inflate(pack, writer_span(&packed), raw.size, &back);
		if (raw.size <= pack_most(packed.size))
			fuzz_require(!err && span_equal(writer_span(&back), raw));
		else
			fuzz_require(err);
	} else {
		fuzz_require(!packed.size && !packed.failed);
	}
	writer_free(&packed);
	writer_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pack *pack = pack_new();
	struct reader r = reader_of(SPAN(data, size));
	uint32_t claimed = get_u32(&r);
	struct span packed = get_rest(&r);
	struct writer raw = writer_growing(2 * PACK_RAW_MAX);
	int err;

	put_u8(&raw, 1);
	err = pack_inflate(pack, packed, claimed, &raw);
	fuzz_require(!raw.failed && raw.size == (err ? 1 : 1 + (size_t)claimed));
	fuzz_require(err || claimed <= pack_most(packed.size));
	/* The state is as good as new afterwards. */
	round_trip(pack, size & 1 ? 1 : 6, SPAN(data, size));
	writer_free(&raw);
	pack_free(pack);
	return 0;
}
