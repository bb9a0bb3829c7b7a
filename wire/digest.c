// SPDX-License-Identifier: Apache-2.0
#include "wire/digest.h"

#include "wire/seal.h"

static uint64_t hash_all(const uint64_t sums[SECTION_COUNT])
{
	uint8_t bytes[8 * SECTION_COUNT], hash[16];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct reader r = reader_of(SPAN(hash, sizeof(hash)));

	for (size_t i = 0; i < SECTION_COUNT; i++)
		put_u64(&w, sums[i]);
	seal_hash(NULL, "np1 digest", writer_span(&w), hash, sizeof(hash));
	return get_u64(&r);
}

void digest_set(struct message_digest *digest, const uint64_t sums[SECTION_COUNT])
{
	digest->whole = hash_all(sums);
	for (size_t i = 0; i < SECTION_COUNT; i++)
		digest->sections[i] = (uint32_t)sums[i];
}

uint16_t digest_differs(const struct message_digest *digest, const uint64_t sums[SECTION_COUNT])
{
	uint16_t sections = 0;

	if (digest->whole == hash_all(sums))
		return 0;
	for (size_t i = 0; i < SECTION_COUNT; i++)
		sections |= (uint16_t)((digest->sections[i] != (uint32_t)sums[i]) << i);
	/* It is in what the 32 bits do not tell: rare enough to ask for everything. */
	return sections ? sections : UINT16_MAX;
}
