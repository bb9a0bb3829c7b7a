// SPDX-License-Identifier: Apache-2.0
/* A warrant that is taken says only what can be kept and shown, and signs again to the same bytes.
 */
#include <string.h>

#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "wire/warrant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t seed[SIGN_SEED] = { 1 }, again[WARRANT_MAX];
	struct writer w = writer_over(again, sizeof(again));
	size_t key_at = 1 + WARRANT_ID + SEAL_KEY + 8 + 8;
	struct warrant warrant;
	struct sign_pair pair;

	if (warrant_decode(SPAN(data, size), &warrant))
		return 0;
	fuzz_require(text_utf8_prefix(warrant.argument) == warrant.argument.size);
	sign_from_seed(&pair, seed);
	fuzz_require(!warrant_sign(&warrant, &pair, &w) && w.size == size);
	fuzz_require(!memcmp(again, data, key_at));
	key_at += SIGN_KEY;
	fuzz_require(!memcmp(again + key_at, data + key_at, size - key_at - SIGN_SIZE));
	warrant_is_signed(SPAN(data, size), &warrant);
	return 0;
}
